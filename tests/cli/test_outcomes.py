"""What a check of a key has come to, from what is said of it."""

from typing import Any

import pytest

from cli import world
from credential_operator.cli import outcomes
from credential_operator.cli.documents import Credential
from credential_operator.cli.problems import Exit


def judged(**status: Any) -> Credential:
    conditions = status.pop("conditions")
    return Credential(
        world.credential("a", 9, {"jwt": {}, "secretRef": {"name": "k"}}, conditions=conditions, **status)
    )


def validated(status: str, reason: str) -> dict[str, Any]:
    return world.condition("Validated", status, reason, "So it is.")


READY, NOT_READY = (
    world.condition("Ready", "True", "Available"),
    world.condition("Ready", "False", "Rejected"),
)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ([READY, validated("True", "Accepted")], Exit.DONE),
        ([READY, validated("Unknown", "NotCheckable")], Exit.DONE),
        ([NOT_READY, validated("Unknown", "NotCheckable")], Exit.NOT_VALID),
        ([validated("Unknown", "NotCheckable")], None),
        ([NOT_READY, validated("False", "Rejected")], Exit.NOT_VALID),
        (
            [
                READY,
                validated("True", "Accepted"),
                world.condition("Reconciling", "True", "ProviderUnreachable", "Down."),
            ],
            Exit.TIMEOUT,
        ),
        ([NOT_READY, validated("Unknown", "Unconfirmed")], None),
        ([NOT_READY, validated("Unknown", "Pending")], None),
        ([], None),
    ],
)
def test_the_outcome_of_a_check_follows_from_what_is_said_of_the_key(
    conditions: list[dict[str, Any]], status: Exit | None
) -> None:
    found = outcomes.outcome(judged(conditions=conditions))

    assert (found and found.status) == status


def test_what_nobody_is_asked_about_is_judged_by_whether_it_is_ready() -> None:
    ready = world.condition("Ready", "False", "Misconfigured", "The format does not fit.")
    found = outcomes.outcome(judged(conditions=[ready, validated("Unknown", "NotCheckable")]))

    assert found == (Exit.NOT_VALID, "a is not ready (Misconfigured). The format does not fit.")


@pytest.mark.parametrize(
    "status", [{"observedGeneration": 0}, {"lastHandledReconcileAt": "yesterday"}], ids=["spec", "question"]
)
def test_an_old_answer_is_none(status: dict[str, Any]) -> None:
    old = judged(conditions=[READY, validated("True", "Accepted")], **status)

    assert outcomes.outcome(old, "today") is None


def test_an_accepted_key_is_told_with_whose_it_is() -> None:
    one = judged(conditions=[READY, validated("True", "Accepted")], identity={"principal": "arn:user/a"})

    assert outcomes.outcome(one) == (Exit.DONE, "a is valid (arn:user/a). So it is.")
