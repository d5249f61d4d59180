"""What the metrics tell of a Credential."""

import pytest

from credential_operator import census
from credential_operator.census import Abnormal
from unit.conditions import AT_CREATION, AT_SINCE, CREATED, GOOD, SINCE, condition, credential


def test_of_a_credential_in_order_nothing_abnormal_is_told() -> None:
    assert census.facts(credential(*GOOD, condition("Synced", "True", "Published"))) == census.NOTHING


@pytest.mark.parametrize(
    "told",
    [
        ("Ready", "False", "Rejected"),
        ("Ready", "Unknown", "InternalError"),
        ("Validated", "Unknown", "ProviderUnreachable"),
        ("Synced", "False", "HeldBack"),
        ("DeletionBlocked", "True", "InUse"),
        ("Expiring", "True", "ExpiresSoon"),
        ("RenewalFailing", "True", "ProviderUnreachable"),
        ("RotationFailing", "True", "RotatedElsewhere"),
        ("Suspended", "True", "Suspended"),
        ("Warning", "True", "PermissionsUnknown"),
    ],
)
def test_what_is_not_as_it_should_be_is_told_with_its_beginning(told: tuple[str, str, str]) -> None:
    assert census.facts(credential(*GOOD, condition(*told))).abnormal == (Abnormal(*told, AT_SINCE),)


@pytest.mark.parametrize(
    "told",
    [
        ("Validated", "Unknown", "NotCheckable"),
        ("Validated", "Unknown", "ValidationDisabled"),
        ("Ready", "True", "HeldBack"),
        ("Reconciling", "True", "Unconfirmed"),
        ("Stalled", "True", "Rejected"),
    ],
)
def test_what_was_asked_for_or_sums_up_others_is_not_told(told: tuple[str, str, str]) -> None:
    assert census.facts(credential(condition(*told))).abnormal == ()


def test_a_credential_that_nobody_has_looked_at_waits_since_its_creation() -> None:
    unseen = credential(observedGeneration=-1)
    assert census.facts(unseen).abnormal == (Abnormal("Ready", "Unknown", "Pending", AT_CREATION),)
    del unseen["status"]
    assert census.facts(unseen).abnormal == (Abnormal("Ready", "Unknown", "Pending", AT_CREATION),)


def test_times_are_seconds_and_owners_have_a_team_and_a_contact() -> None:
    told = census.facts(
        credential(*GOOD, spec={"owner": {"team": "storage"}}, expiresAt=SINCE, lastValidatedTime=CREATED)
    )
    assert (told.expires, told.validated) == (AT_SINCE, AT_CREATION)
    assert told.owner == ("storage", "")


def test_a_rotation_is_told_once_somebody_has_looked_who_runs_the_previous_key() -> None:
    previous = {"previousKeyID": "AKIA1", "staleCount": 3}
    assert census.facts(credential(*GOOD, rotation=previous)).rotation is None
    assert census.facts(credential(*GOOD, rotation={**previous, "drained": False})).rotation == ("AKIA1", 3)
    assert census.facts(credential(*GOOD, rotation={"drained": True})).rotation == ("", 0)
