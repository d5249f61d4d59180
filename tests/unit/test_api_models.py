"""Stored objects are read with their defaults, and newer ones are not misread."""

import datetime
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.api import conditions, credential, publication, reference

MINIMAL: dict[str, Any] = {"secretRef": {"name": "backups-keys"}}


def test_a_minimal_spec_has_the_documented_defaults() -> None:
    spec = credential.Spec.model_validate(MINIMAL)
    assert spec.validation.policy == "WhenCheckable"
    assert spec.validation.interval == datetime.timedelta(hours=1)
    assert spec.validation.timeout.total_seconds() == 10
    assert spec.expiry.warn_before == datetime.timedelta(days=14)
    assert (spec.when_referenced, spec.target_deletion_policy) == ("Refuse", "Delete")
    assert (spec.suspend, spec.targets) == (False, ())
    assert spec.secret_ref == credential.SecretRef(name="backups-keys")


def test_a_target_without_extras_has_empty_ones() -> None:
    target = publication.Target.model_validate({"name": "a", "format": "env"})
    assert (target.options, target.keys, target.labels, target.annotations) == ({}, {}, {}, {})


def test_a_spec_is_taken_apart_at_its_type() -> None:
    name, config, rest = credential.split({**MINIMAL, "suspend": True, "s3": {"region": "eu-west-1"}})
    assert (name, config) == ("s3", {"region": "eu-west-1"})
    assert credential.Spec.model_validate(rest).suspend is True


@pytest.mark.parametrize(("more", "message"), [({}, "has none"), ({"aws": {}, "zebra": {}}, "aws, zebra")])
def test_a_spec_that_a_newer_version_wrote_is_not_misread(more: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.InvalidSpec, match=message):
        credential.split({**MINIMAL, **more})


def test_an_unknown_field_is_not_passed_over() -> None:
    with pytest.raises(pydantic.ValidationError, match="aardvark"):
        publication.Target.model_validate({"name": "a", "format": "env", "aardvark": True})


def test_a_status_is_written_in_the_words_of_the_api() -> None:
    status = credential.Status.model_validate(
        {
            "observedGeneration": 3,
            "externalID": "x",
            "lastValidatedTime": "2026-11-22T00:00:00Z",
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Available",
                    "message": "",
                    "lastTransitionTime": "2026-11-22T00:00:00Z",
                }
            ],
        }
    )
    written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert written["externalID"] == "x"
    assert written["lastValidatedTime"] == "2026-11-22T00:00:00Z"
    assert credential.Status.model_validate(written) == status


def test_a_reference_names_a_credential() -> None:
    spec = reference.Spec.model_validate({"credentialRef": {"name": "backups"}, "description": "nightly"})
    assert spec.credential_ref == reference.CredentialRef(name="backups")


@pytest.mark.parametrize(
    "table", [conditions.CREDENTIAL, conditions.REFERENCE], ids=["credential", "reference"]
)
def test_no_reason_of_a_condition_is_explained_twice(table: tuple[conditions.Meaning, ...]) -> None:
    explained = [(each.type, each.status, reason) for each in table for reason in each.reasons]
    assert len(explained) == len(set(explained))


def test_every_condition_and_reason_is_explained() -> None:
    table = (*conditions.CREDENTIAL, *conditions.REFERENCE)
    assert {each.type for each in table} == set(conditions.Type)
    assert {reason for each in table for reason in each.reasons} == set(conditions.Reason)


def test_every_reason_of_an_error_is_explained() -> None:
    def leaves(kind: type[errors.CredentialError]) -> set[type[errors.CredentialError]]:
        children = kind.__subclasses__()
        return {leaf for child in children for leaf in leaves(child)} if children else {kind}

    reasons = {leaf.reason for leaf in leaves(errors.CredentialError)}
    assert reasons <= {str(reason) for reason in conditions.Reason}
