"""What a key can reach, and why something of it is not known."""

import json
from typing import Any

import pytest

from cli import world
from cli.desk import Desk
from credential_operator import providers
from credential_operator.api import abilities
from credential_operator.cli import reach
from credential_operator.cli.documents import Credential

PLACE = {"id": "d7759627", "name": "production"}


def found(name: str, config: Any = None, *, spec: Any = None, **status: Any) -> Credential:
    """Return a Credential of a type."""
    whole = {name: config or {}, "secretRef": {"name": "k"}, **(spec or {})}
    return Credential(world.credential("backups", 1, whole, type=name, **status))


def said(one: Credential) -> str:
    """Return what is to be done."""
    return " ".join(reach.document(one)["next"])


def test_the_types_that_see_places_are_those_whose_providers_can_be_asked() -> None:
    types = [*providers.find().values()]

    assert sorted(reach.PLACES) == sorted(abilities.able(types, abilities.REACH))


def test_fields_that_say_where_a_key_is_used_are_fields_of_a_type() -> None:
    fields = {
        str(field.alias)
        for provider in providers.find().values()
        for field in provider.config.model_fields.values()
    }

    assert {path.partition(".")[0] for path in reach.NAMED} <= fields


def test_programs_get_all_of_it(desk: Desk) -> None:
    told = json.loads(desk.run("reach", "my-azure-credential", "-n", "team-b", "-o", "json").stdout)

    assert told["places"]["kind"] == "subscriptions"
    assert (told["places"]["count"], told["places"]["items"]) == (12, [PLACE])
    assert told["named"]["subscriptionID"] == "d7759627-d2df-4caa-8f02-6fa88b694b4f"
    assert told["next"] == []


def test_what_is_not_known_is_said_with_what_to_do(desk: Desk) -> None:
    answer = desk.run("reach", "backups")

    assert answer.returncode == 0, answer.stderr
    assert "Keys of the type s3 see no accounts" in answer.stdout
    assert "Give the key at its provider what it lacks: s3:PutObject." in answer.stdout
    assert "Not accepted" in answer.stdout


def test_what_a_key_lacks_is_to_be_given_to_it() -> None:
    backups = Credential(world.BACKUPS)

    assert "Give the key at its provider what it lacks: s3:PutObject." in said(backups)
    assert "Keys of the type s3 see no accounts" in said(backups)
    lines = dict(line for section in reach.sections(backups, world.NOW) for line in section.lines)
    assert "when the key last worked" in lines["Not accepted"].text
    assert "Count" not in lines


ASKED = {"discoverReach": True}


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (found("aws"), """--patch='{"spec":{"discoverReach":true}}'"""),
        (found("aws", spec={**ASKED, "suspend": True}), "set spec.suspend to false"),
        (
            found("oracle", spec=ASKED),
            "compartments were not counted yet: kubectl credential validate backups",
        ),
        (
            found(
                "google", spec=ASKED, conditions=[world.condition("Validated", "False", "Rejected", "No.")]
            ),
            "are counted when its key is accepted (Rejected). No.",
        ),
        (
            found(
                "azure",
                spec=ASKED,
                conditions=[world.condition("Validated", "Unknown", "ValidationDisabled")],
            ),
            "Its provider is not asked (ValidationDisabled)",
        ),
        (
            found(
                "aws", identity={"principal": "arn:x"}, reach={"count": 0, "discoveredAt": world.ago(hours=1)}
            ),
            "It sees no accounts: give arn:x a role",
        ),
    ],
)
def test_why_nobody_has_counted(one: Credential, told: str) -> None:
    assert told in said(one)


def test_what_the_spec_names_is_there_before_anybody_was_asked() -> None:
    one = found("aws", {"assumeRole": {"roleARN": "arn:role"}, "region": ""}, spec={"validation": {}})

    assert reach.named(one) == {"assumeRole.roleARN": "arn:role"}
    counted = found("aws", reach={"count": 1, "items": [PLACE], "discoveredAt": world.ago(hours=1)})
    lines = dict(line for section in reach.sections(counted, world.NOW) for line in section.lines)
    assert lines["Count"].text == "1"
