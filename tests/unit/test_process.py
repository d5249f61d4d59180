"""What the operator's process loads."""

import subprocess
import sys

import pytest

from credential_operator import process


def test_a_module_is_missing_for_a_while() -> None:
    with process.without("wave"), pytest.raises(ModuleNotFoundError):
        __import__("wave")
    assert __import__("wave").__name__ == "wave"


def test_a_module_that_is_loaded_stays() -> None:
    import colorsys  # noqa: PLC0415

    with process.without("colorsys"):
        assert __import__("colorsys") is colorsys
    assert sys.modules["colorsys"] is colorsys


def test_the_operator_starts_without_what_only_some_types_need() -> None:
    """The types that sign with an RSA key load cryptography when they are used, and so does google-auth."""
    command = (
        "import asyncio, contextlib, sys; from credential_operator import __main__\n"
        "def run(self, work):\n"
        "  work.close(); print('cryptography' in sys.modules, 'kubernetes.aio' in sys.modules); sys.exit()\n"
        "asyncio.Runner.run = run\n"
        "with contextlib.suppress(SystemExit): __main__.main(['run'])\n"
        "import google.auth.transport.requests"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
