"""What kubectl completes."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.desk import Desk

COMPLETER = Path(sys.executable).parent / "kubectl_complete-credential"


def completed(desk: Desk, *words: str) -> list[str]:
    """Return the lines that kubectl gets for what was typed."""
    answer = subprocess.run(
        [COMPLETER, *words], capture_output=True, text=True, env=desk.environment(), check=True
    )
    return answer.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("li",), ["list\tList Credentials by their type, with their key ids.", ":4"]),
        (("describe", "b"), ["backups", ":4"]),
        (("describe", "-n", "team-b", ""), ["my-azure-credential", ":4"]),
        (("release", "n"), ["nightly", ":4"]),
        (("list", "--context", "prod"), ["production", ":4"]),
        (("list", "--output", "w"), ["wide", ":4"]),
        (("create", "azureS"), ["azureStorage\tAn Azure storage account and one of its keys.", ":4"]),
        (("create", "s3", "a", "--buck"), ["--bucket", ":4"]),
    ],
)
def test_kubectl_completes_what_is_typed(desk: Desk, words: tuple[str, ...], lines: list[str]) -> None:
    assert [line.partition("\t")[0] for line in completed(desk, *words)] == [
        line.partition("\t")[0] for line in lines
    ]


def test_completion_is_silent_where_the_cluster_does_not_answer(desk: Desk) -> None:
    desk.refuse("get", "Unable to connect to the server: EOF")

    assert completed(desk, "describe", "") == [":4"]
