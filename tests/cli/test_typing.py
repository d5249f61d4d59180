"""What somebody types at a terminal: keys without an echo, answers to questions, an interrupt."""

import json
import signal
import subprocess

import pytest

from cli.desk import PLUGIN, Desk
from cli.terminal import SECONDS, Terminal

SECRET, KEY_ID = "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK", "AKIAIOSFODNN7EXAMPLE"


def typed(desk: Desk, *words: str) -> Terminal:
    """Start the plugin on a terminal."""
    return Terminal([str(PLUGIN), *words], desk.environment())


def test_keys_are_asked_for_without_an_echo(desk: Desk) -> None:
    terminal = typed(desk, "create", "aws", "backups")
    for field, value in {"accessKeyID": KEY_ID, "secretAccessKey": SECRET, "sessionToken": ""}.items():
        terminal.expect_hidden(field)
        terminal.type(f"{value}\n")

    assert terminal.end() == 0, terminal.seen
    assert "Credential backups is made." in terminal.seen
    assert SECRET not in terminal.seen
    assert any("c2VjcmV0" in call["stdin"] or "secretAccessKey" in call["stdin"] for call in desk.calls)


def test_public_fields_that_are_needed_are_asked_for(desk: Desk) -> None:
    terminal = typed(desk, "create", "registry", "pulls", "--no-secret", "--dry-run=client", "-o", "yaml")
    terminal.expect("host")
    terminal.type("ghcr.io\n")

    assert terminal.end() == 0, terminal.seen
    assert "host: ghcr.io" in terminal.seen


def test_an_interrupt_at_a_prompt_makes_nothing_and_shows_no_traceback(desk: Desk) -> None:
    terminal = typed(desk, "create", "aws", "backups")
    terminal.expect_hidden("accessKeyID")
    terminal.interrupt()

    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    assert not (desk.folder / "calls.jsonl").exists()


@pytest.mark.parametrize(("answer", "status", "deleted"), [("y\n", 0, 2), ("n\n", 1, 0)])
def test_references_are_deleted_when_that_was_confirmed(
    desk: Desk, answer: str, status: int, deleted: int
) -> None:
    terminal = typed(desk, "delete-refs", "backups")
    terminal.expect(r"Delete 2 references to backups\?")
    terminal.type(answer)

    assert terminal.end() == status, terminal.seen
    assert sum(call["argv"][0] == "delete" for call in desk.calls) == deleted


def test_an_event_says_who_deleted_whose_references(desk: Desk) -> None:
    assert desk.run("delete-refs", "backups", "--yes").returncode == 0

    (event,) = (json.loads(call["stdin"]) for call in desk.calls if '"Event"' in call["stdin"])
    assert event["involvedObject"]["name"] == "backups"
    assert event["message"].startswith(
        "alice deleted CredentialReferences that needed this Credential: team-"
    )


def test_who_may_write_no_events_is_told_where_it_stands_who_did_it(desk: Desk) -> None:
    desk.refuse(
        "kind=Event", 'Error from server (Forbidden): events is forbidden: User "alice" cannot create'
    )
    answer = desk.run("delete-refs", "backups", "--yes")

    assert answer.returncode == 0
    assert "the API server's audit log does" in answer.stderr


def test_where_nobody_can_be_asked_a_deletion_wants_to_be_confirmed_on_the_line(desk: Desk) -> None:
    answer = desk.run("delete-refs", "backups")

    assert answer.returncode == 2
    assert "say --yes" in answer.stderr
    assert desk.run("delete-refs", "backups", "--yes").returncode == 0


def test_a_command_that_runs_while_a_credential_is_held_gets_the_signals_that_end_it(desk: Desk) -> None:
    condition = {"type": "Bound", "status": "True"}
    metadata = {"uid": "u", "name": "n", "namespace": "n"}
    bound = json.dumps({"metadata": metadata, "status": {"conditions": [condition]}})
    (desk.folder / "kubectl").write_text(f"#!/bin/sh\necho \"$1\" >> {desk.folder}/verbs\necho '{bound}'\n")
    command = (
        "hold",
        "backups",
        "--reason",
        "r",
        "--",
        "sh",
        "-c",
        "trap 'exit 7' TERM; echo on; while :; do sleep 0.1; done",
    )
    with subprocess.Popen(
        [PLUGIN, *command], stdout=subprocess.PIPE, text=True, env=desk.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGTERM)
        status = process.wait(SECONDS)

    assert status == 7
    assert (desk.folder / "verbs").read_text().split()[-1] == "delete"
