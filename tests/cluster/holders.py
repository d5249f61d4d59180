"""Jobs that hold a Credential: the recipes of docs/holding.md, and processes with the rights that it names."""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import yaml

import pages
from cluster.space import Json, Space
from controlplane import tools

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "holding.md").read_text()
RECIPES = pages.files(PAGE)
"""Everything that the page shows, by the name in its first line."""

PYTHON_NEEDS = ("create", "get", "patch", "delete")
REASON = "deleting 42 snapshots"
"""What both recipes say the Credential is needed for."""

DELETE_SNAPSHOTS = """#!/bin/sh
touch started
until [ -e end ]; do /bin/sleep 0.05; done
exit "$(cat end)"
"""
SNAPSHOTS = """
import pathlib, time

def expired():
    return ["one", "another"]

def delete(snapshot):
    pathlib.Path("started").touch()
    while not pathlib.Path("end").exists():
        time.sleep(0.05)
"""
"""The work itself, which runs from the file `started` to the file `end`."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A folder with a job's programs, and the identity that it has in a namespace."""

    space: Space
    folder: pathlib.Path
    kubeconfig: pathlib.Path

    def __post_init__(self) -> None:
        self.write("delete-snapshots", DELETE_SNAPSHOTS)
        self.write("snapshots.py", SNAPSHOTS)

    def write(self, name: str, text: str) -> None:
        """Write a program."""
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o755)

    @contextlib.contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the folder until the block ends, with all that it starts."""
        programs = (self.folder, tools.path("kubectl").parent, pathlib.Path(sys.executable).parent)
        environment = os.environ | {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl"),
            "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        }
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        ) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def working(self) -> Json:
        """Wait until the work itself goes on, and return the one claim that is made for it."""
        self.space.until((self.folder / "started").exists, "the job is at work")
        (claim,) = claims(self.space)
        return claim

    def finish(self, process: subprocess.Popen[str], *, status: int = 0) -> str:
        """End the work itself and return what the command printed; nothing that it started is left then."""
        (self.folder / "end.new").write_text(str(status))
        (self.folder / "end.new").rename(self.folder / "end")
        printed, _ = process.communicate(timeout=15)
        return printed


def claims(space: Space, reason: str = REASON) -> list[Json]:
    """Return the claims in a namespace that are made for that reason."""
    return [one for one in space.all("credentialreferences") if one["spec"].get("description") == reason]


def admit(space: Space, name: str, *verbs: str) -> str:
    """Make a ServiceAccount with the Role of the page, or with these of its verbs; returns its token."""
    role: dict[str, Any] = yaml.safe_load(RECIPES["credential-holder.yaml"])
    role["metadata"] = {"name": name, "namespace": space.name}
    (rule,) = role["rules"]
    rule["verbs"] = [verb for verb in rule["verbs"] if not verbs or verb in verbs]
    account = {"kind": "ServiceAccount", "name": name, "namespace": space.name}
    rbac = "rbac.authorization.k8s.io"
    space.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": role["metadata"]},
        role,
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": role["metadata"],
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [account],
        },
    )
    asked = ("auth", "can-i", "create", "credentialreferences")
    user = f"system:serviceaccount:{space.name}:{name}"
    space.until(lambda: space.run(*asked, check=False, impersonate=user).returncode == 0, "the role counts")
    return space.cluster.token(space.name, name, duration=datetime.timedelta(hours=1))


def settle(kubeconfig: pathlib.Path, space: Space, file: pathlib.Path) -> pathlib.Path:
    """Write a copy of a kubeconfig whose context has a namespace."""
    content = json.loads(kubeconfig.read_text())
    content["contexts"][0]["context"]["namespace"] = space.name
    file.touch(mode=0o600)
    file.write_text(json.dumps(content))
    return file
