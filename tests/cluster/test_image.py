"""The image: what it is made of, and that it works as the chart has it run, against a real API server."""

import pathlib
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest

import replica
from cluster import image as images
from cluster import sites
from cluster.image import Image
from cluster.space import Space
from controlplane import ControlPlane, ports
from emulators.aws import AwsEmulator
from replica import process

pytestmark = pytest.mark.timeout(900)
MEGABYTES = 260
"""What the operator and its libraries may add to the base."""
READABLE = 0o644


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return images.build(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """Give a control plane on which nobody else leads."""
    with ControlPlane() as started:
        yield started


def test_it_says_what_it_is_and_runs_as_nobody(image: Image) -> None:
    found = image.inspect()
    assert found["Config"]["User"] == "65532:65532"
    assert found["Config"]["Entrypoint"] == ["credential-operator"]
    assert found["Labels"]["org.opencontainers.image.title"] == "credential-operator"
    assert found["Labels"]["org.opencontainers.image.version"] == "1.2.3"


def test_it_adds_no_more_to_its_base_than_it_may(image: Image) -> None:
    assert 0 < image.added() < MEGABYTES * 1_000_000


def test_its_environment_has_nothing_that_installs(image: Image) -> None:
    command = image.container("--entrypoint=python", image.name, "-c", "import pip")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "No module named 'pip'" in done.stderr


def test_it_works_as_nobody_with_a_read_only_root_and_stops_in_order(
    image: Image, plane: ControlPlane, aws: AwsEmulator, tmp_path: pathlib.Path
) -> None:
    installed = replica.install(plane, values=sites.MODES["all"])
    (port,) = ports.free(1)
    settings = {
        **sites.chosen(aws, {"ca_bundle": "/authority.pem"}),
        "own_namespace": sites.NAMESPACE,
        "identity": "container",
        "http_host": "127.0.0.1",
        "http_port": str(port),
    }
    variables = [f"--env={process.PREFIX}{name.upper()}={value}" for name, value in settings.items()]
    mounts = []
    for name, file in (
        ("kubeconfig", installed.kubeconfig),
        ("authority.pem", pathlib.Path(aws.ca_path or "")),
    ):
        (tmp_path / name).write_bytes(file.read_bytes())
        (tmp_path / name).chmod(READABLE)
        mounts.append(f"--volume={tmp_path / name}:/{name}:ro")
    command = image.container(*variables, *mounts, "--env=KUBECONFIG=/kubeconfig", image.name)
    log = tmp_path / "log"

    with log.open("wb") as written, subprocess.Popen(command, stdout=written, stderr=written) as running:

        def ready() -> bool:
            assert running.poll() is None, log.read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                    return bool(answer.read() == b"ok\n")
            except OSError:
                return False

        process.until(ready, seconds=120, what="the container is ready", hint=log.read_text)
        plane.kubectl("create", "namespace", "contained")
        space = Space(plane, aws, "contained", hint=log.read_text)
        assert space.published() == space.key_in()

        running.terminate()
        assert running.wait(60) == 0
    assert '"message": "stopped"' in log.read_text()
