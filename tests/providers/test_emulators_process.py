"""No emulator outlives the process that asked for it, however that ends; nor do its files."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from emulators import clients
from emulators.aws import AwsEmulator
from emulators.child import EmulatorError
from emulators.fast_sts import FastSts

TESTS = pathlib.Path(__file__).parents[1]
DEADLINE_SECONDS = 20.0
PARENT = """
import os, sys, time
from emulators.aws import AwsEmulator
from emulators.azurite import Azurite
from emulators.fast_sts import FastSts
from emulators.s3 import Versity
with {emulator} as served:
    children = " ".join(open(f"/proc/self/task/{{os.getpid()}}/children").read().split())
    print(children, served.ca_path, flush=True)
    {then}
"""
EMULATORS = ["AwsEmulator()", "FastSts()", "Versity()", "Azurite()"]


# In small pieces: Python forgets a signal that arrives just before a sleep until the sleep is over.
SLEEP = "[time.sleep(0.05) for _ in range(12000)]"


@contextlib.contextmanager
def start(emulator: str, then: str = SLEEP) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(emulator=emulator, then=then)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    ) as parent:
        try:
            yield parent
        finally:
            parent.kill()


def descendants(pids: list[str]) -> list[str]:
    found = list(pids)
    for pid in found:
        found += pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return found


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def gone(pid: str) -> bool:
    try:
        return " Z " in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_parent_that_is_killed_leaves_nothing(emulator: str, how: signal.Signals) -> None:
    with start(emulator) as parent:
        assert parent.stdout
        *children, ca_path = parent.stdout.readline().split()
        everyone = descendants(children)
        assert everyone
        assert pathlib.Path(ca_path).exists()
        parent.send_signal(how)
        parent.wait(DEADLINE_SECONDS)
        assert wait_until(lambda: all(gone(pid) for pid in everyone))
        assert wait_until(lambda: not pathlib.Path(ca_path).parent.exists())


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_parent_that_fails_leaves_nothing(emulator: str) -> None:
    with start(emulator, then="raise SystemExit(3)") as parent:
        output, errors = parent.communicate(timeout=DEADLINE_SECONDS)
        *children, ca_path = output.split()
        assert (parent.returncode, errors) == (3, "")
        assert all(gone(pid) for pid in children)
        assert not pathlib.Path(ca_path).parent.exists()


def test_a_fork_that_holds_the_pipe_does_not_keep_an_emulator_alive() -> None:
    hold = "os.fork() or time.sleep(5) or os._exit(0); os.kill(os.getpid(), 9)"
    with start("FastSts()", then=hold) as parent:
        assert parent.stdout
        child, _ = parent.stdout.readline().split()
        parent.wait(DEADLINE_SECONDS)
        assert wait_until(lambda: gone(child))


def test_an_emulator_ends_on_sigterm_and_says_so() -> None:
    with FastSts() as sts:
        os.kill(sts.pid, signal.SIGTERM)
        with pytest.raises(EmulatorError, match="ended with exit code 0"):
            _ = [sts.calls for _ in range(1000)]


def test_an_emulator_serves_inside_its_block_only() -> None:
    sts = FastSts()
    with pytest.raises(EmulatorError, match="inside its `with` block"):
        _ = sts.url


def test_a_port_that_is_taken_is_told() -> None:
    with FastSts() as sts, pytest.raises(EmulatorError, match="exit code 1"), FastSts(port=sts.port):
        pass


def test_two_emulators_share_nothing() -> None:
    with AwsEmulator(tls=False) as one, AwsEmulator(tls=False) as two:
        one.create_bucket("only-here")
        two.create_bucket("only-here")
        key = one.create_key(one.create_user("one"))
        assert clients.client("sts", one, key).get_caller_identity()
        with pytest.raises(Exception, match="InvalidClientTokenId"):
            clients.client("sts", two, key).get_caller_identity()


def test_nothing_of_the_environment_reaches_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "000000000000")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with AwsEmulator(tls=False) as aws:
        key = aws.create_key(aws.create_user("one"))
        assert clients.client("sts", aws, key).get_caller_identity()["Account"] == "123456789012"
