"""Settings from the environment."""

import pydantic
import pytest

from credential_operator import __main__, settings


def test_an_empty_environment_gives_the_defaults() -> None:
    chosen = settings.load({"HOME": "/", "CREDENTIAL_OPERATOR_UNKNOWN": "1"})
    assert chosen.namespaces == ()
    assert chosen.leader_election
    assert chosen.identity


def test_lists_are_separated_by_commas() -> None:
    chosen = settings.load({"CREDENTIAL_OPERATOR_NAMESPACES": "a, b,,c "})
    assert chosen.namespaces == ("a", "b", "c")


def test_numbers_and_switches_are_read() -> None:
    chosen = settings.load(
        {"CREDENTIAL_OPERATOR_WORKERS": "8", "CREDENTIAL_OPERATOR_LEADER_ELECTION": "false"}
    )
    assert (chosen.workers, chosen.leader_election) == (8, False)


def test_shards_need_leases() -> None:
    chosen = {"CREDENTIAL_OPERATOR_SHARDS": "3"}
    assert settings.load(chosen).shards == 3
    with pytest.raises(pydantic.ValidationError, match="leader_election"):
        settings.load({**chosen, "CREDENTIAL_OPERATOR_LEADER_ELECTION": "false"})


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(pydantic.ValidationError, match="workers"):
        settings.load({"CREDENTIAL_OPERATOR_WORKERS": "none"})


def test_the_command_says_which_variable_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDENTIAL_OPERATOR_WORKERS", "0")
    assert __main__.main(["run"]) == 2
    assert (
        "CREDENTIAL_OPERATOR_WORKERS: Input should be greater than or equal to 1" in capsys.readouterr().err
    )


def test_the_command_prints_the_crds(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["crds"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("kind: CustomResourceDefinition") == 2
