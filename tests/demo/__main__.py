"""`python -m demo [--check] [--kubeconfig FILE]`."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from controlplane import processes
from demo import guest, shell, terminal, walk, world

INTERRUPTED = 128 + signal.SIGINT
POLL_SECONDS = 1.0
FAILURES = (
    shell.Unexpected,
    guest.Occupied,
    processes.ProcessError,
    subprocess.SubprocessError,
    TimeoutError,
    RuntimeError,
)


def main() -> int:
    """Runs the demo; gives its exit status."""
    options = _options()
    # A closed terminal and a plain kill end it as Ctrl-C does, and that also where a shell ignores it for us.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    screen = terminal.Terminal()
    try:
        return _run(screen, options)
    except KeyboardInterrupt:
        screen.say("Stopped; nothing is left running.")
        return INTERRUPTED
    except FAILURES as error:
        screen.failed(f"FAILED\n{error}")
        return 1
    except BrokenPipeError:
        # Whoever read this is gone; Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Walks through what a user does.")
    parser.add_argument(
        "--check", action="store_true", help="end by itself, with 0 if all was as it should be"
    )
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="use this cluster instead of a control plane of its own; everything is removed at the end",
    )
    return parser.parse_args()


def _run(screen: terminal.Terminal, options: argparse.Namespace) -> int:
    began = time.monotonic()
    with world.started(screen, options.kubeconfig) as found:
        screen.say("In another terminal, in this folder, you can look at the same with:")
        _show_exports(screen, found)
        walk.Walk(found).go()
        screen.gap()
        screen.passed(f"everything was as it should be, after {time.monotonic() - began:.0f} s")
        if options.check:
            return 0
        _invite(screen, found)
        with contextlib.suppress(KeyboardInterrupt):
            _stay(found)
    screen.say("Stopped; nothing is left running.")
    return 0


def _show_exports(screen: terminal.Terminal, found: world.World) -> None:
    for name, value in found.exports.items():
        shown = f"{value.partition(':')[0]}:$PATH" if name == "PATH" else value
        screen.output(f"  export {name}={shown}")


def _invite(screen: terminal.Terminal, found: world.World) -> None:
    screen.gap()
    screen.say("It all stays up until you press Ctrl-C. In another terminal, in this folder:")
    _show_exports(screen, found)
    for line in (
        "kubectl get credentials -o wide",
        "kubectl explain credential.spec",
        "kubectl get secret aws-env -o yaml",
        f"tail -f {found.operator.log}",
        f"curl -s http://127.0.0.1:{found.operator.port}/metrics",
    ):
        screen.output(f"  {line}")


def _stay(found: world.World) -> None:
    """Waits for Ctrl-C; raises Unexpected if the operator ends by itself."""
    while found.operator.running:
        time.sleep(POLL_SECONDS)
    raise shell.Unexpected(f"expected: the operator runs\nseen: it ended\n{found.operator.tail()}")


if __name__ == "__main__":
    sys.exit(main())
