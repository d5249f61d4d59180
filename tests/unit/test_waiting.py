"""What those are told who wait for a Secret that is not published."""

from typing import Any

import pytest

from credential_operator import inventory, objects, waiting
from credential_operator.situation import State

Json = dict[str, Any]


def document(*, observed: int = 1, **conditions: str) -> Json:
    """Return an object whose conditions are told as "False Rejected"."""
    told = [
        {"type": name, "status": words.split()[0], "reason": words.split()[1], "message": f"{name} says so."}
        for name, words in conditions.items()
    ]
    return {
        "metadata": {"namespace": "a", "name": "backups", "generation": 1},
        "spec": {"targets": [{"name": "one"}, {"name": "two"}]},
        "status": {"observedGeneration": observed, "conditions": told},
    }


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (
            document(Synced="False SourceNotFound", Ready="False SourceNotFound"),
            State("False", "SourceNotFound", "Synced says so."),
        ),
        (
            document(Synced="Unknown Pending", Ready="Unknown ProviderUnreachable"),
            State("Unknown", "ProviderUnreachable", "Ready says so."),
        ),
        (document(Ready="False NotGranted"), State("False", "NotGranted", "Ready says so.")),
        (document(Synced="Unknown Pending", Ready="Unknown Pending"), None),
        (document(Synced="Unknown Pending", Ready="Unknown Unconfirmed"), None),
        (document(Synced="True Published", Ready="True Available"), None),
        (document(), None),
        (document(observed=-1, Ready="False Rejected"), None),
    ],
)
def test_the_cause_is_what_the_conditions_say_unless_it_is_over_in_a_moment(
    seen: Json, said: State | None
) -> None:
    assert waiting.cause(seen) == said


def test_targets_are_those_of_either_kind() -> None:
    reference = {"metadata": {"namespace": "b"}, "spec": {"target": {"name": "mine"}}}
    declared = {"metadata": {"namespace": "b"}, "spec": {"credentialRef": {"name": "backups"}}}
    assert list(waiting.targets(document())) == [objects.Key("a", "one"), objects.Key("a", "two")]
    assert list(waiting.targets(reference)) == [objects.Key("b", "mine")]
    assert list(waiting.targets(declared)) == []


def test_the_event_names_the_secret_who_is_to_write_it_and_the_cause() -> None:
    owner = objects.Object(inventory.CREDENTIAL, objects.Key("a", "backups"))
    told = waiting.event(owner, "one", State("False", "Rejected", "The provider refuses the key."))
    assert (told.type, told.reason) == ("Warning", "TargetNotPublished")
    assert "Secret one" in told.message
    assert "Credential backups has not got (Rejected): The provider refuses the key." in told.message
