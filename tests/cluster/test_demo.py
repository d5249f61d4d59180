"""The demo, as `make demo` starts it: on a control plane of its own, and on a user's own cluster."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pages
from controlplane import ControlPlane

TESTS = Path(__file__).parents[1]
README = TESTS.parent / "README.md"
SECONDS = 240.0
COLUMNS = 100
STAYS = "It all stays up"
TOLD = (
    "Credential aws-wrong has the condition Validated Unknown, reason Unconfirmed",
    "Credential aws has the condition Ready True, reason Available",
    "the client sees all 2 objects",
    "Credential aws-role has the condition Ready True, reason Available",
    "Credential s3 has the condition Ready True, reason HeldBack",
    "the refusal names who needs it",
    "the Credential is gone",
    "Credential aws-wrong has the condition Ready False, reason Rejected",
    "everything was as it should be",
)
"""What was checked, in this order."""
INSTALLED = (
    "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,validatingadmissionpolicies"
)


@contextlib.contextmanager
def demo(output: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the demo in a process group of its own, as a shell does; its output goes to a file."""
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-m", "demo", *options],
            cwd=TESTS.parent,
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            process_group=0,
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def missing(output: Path) -> list[str]:
    """Gives what the demo should have told and did not, or not in its order."""
    told = " ".join(output.read_text().split())
    places = {text: told.find(text) for text in TOLD}
    return [text for text, place in places.items() if place < 0] or [
        later for one, later in itertools.pairwise(TOLD) if places[later] < places[one]
    ]


def test_the_demo_ends_by_itself_and_everything_in_it_was_true(tmp_path: Path) -> None:
    output = tmp_path / "output"

    with demo(output, "--check") as process:
        code = process.wait(SECONDS)

    assert (code, missing(output)) == (0, []), output.read_text()
    lines = output.read_text().splitlines()
    assert [line for line in lines if len(line) > COLUMNS or "\x1b" in line] == []


def test_the_demo_and_the_readmes_manifests_leave_a_users_own_cluster_as_it_was(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with ControlPlane() as cluster:
        before = cluster.kubectl("get", INSTALLED, "--output=name").stdout
        with demo(output, "--kubeconfig", str(cluster.kubeconfig)) as process:
            deadline = time.monotonic() + SECONDS
            while STAYS not in output.read_text() and process.poll() is None:
                assert time.monotonic() < deadline, output.read_text()
                time.sleep(0.2)
            assert process.poll() is None, output.read_text()
            for manifest in pages.blocks(README.read_text(), "yaml"):
                cluster.kubectl("apply", "--dry-run=server", "--filename=-", input=manifest)
            os.killpg(process.pid, signal.SIGINT)
            code = process.wait(SECONDS)

        assert (code, missing(output)) == (0, []), output.read_text()
        assert cluster.kubectl("get", INSTALLED, "--output=name").stdout == before


def test_the_demo_does_not_touch_a_cluster_that_has_the_operator(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with ControlPlane() as cluster:
        cluster.kubectl("create", "namespace", "credential-operator")
        with demo(output, "--check", "--kubeconfig", str(cluster.kubeconfig)) as process:
            code = process.wait(SECONDS)

        assert code == 1
        assert "namespace credential-operator already" in output.read_text()
        assert "credential-operator" in cluster.kubectl("get", "namespaces").stdout
