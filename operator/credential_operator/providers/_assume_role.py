"""Roles that are assumed with a key: what a role is asked with, and what its refusals mean."""

import datetime
from typing import Annotated

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _sigv4, _sts

LONGEST_CHAINED = datetime.timedelta(hours=1)
"""How long AWS lets a session last that another one opens."""

REFUSALS: _sigv4.Refusals = {
    **_sts.REFUSALS,
    "ValidationError": (
        errors.Misconfigured,
        "assumeRole is not accepted: look at duration (the role bounds it), roleARN and externalID",
    ),
    "RegionDisabledException": (errors.Misconfigured, "the role's account has not enabled the region"),
}

ExternalID = Annotated[
    str,
    pydantic.Field(min_length=2, max_length=1224),
    values.Matching(r"^[A-Za-z0-9_+=,.@:/-]+$", "an external ID: letters, digits and _+=,.@:/-"),
]


class AssumeRole(values.Model):
    """The role that is assumed with the key."""

    role_arn: _sts.RoleARN
    """The role's ARN."""
    external_id: Annotated[ExternalID | None, pydantic.Field(alias="externalID")] = None
    """What the role's trust policy asks for as sts:ExternalId. Where it is left out, one is derived for this
    Credential, shown in its status, and the same after a restore."""
    session_name: Annotated[
        str,
        pydantic.Field(min_length=2, max_length=64),
        values.Matching(r"^[A-Za-z0-9_+=,.@-]+$", "a session name: letters, digits and _+=,.@-"),
    ] = "credential-operator"
    """The name under which sessions appear in the provider's audit log."""
    duration: Annotated[datetime.timedelta, values.Duration(minimum="15m", maximum="12h")] = (
        datetime.timedelta(hours=1)
    )
    """How long the sessions of consumers last, from 15m to what the role allows, at most 12h."""


def refusal(
    caller: _sigv4.Caller,
    answer: _sigv4.Answer,
    role_arn: str,
    external_id: str,
    *,
    refusals: _sigv4.Refusals = REFUSALS,
    actions: str = "sts:AssumeRole",
) -> errors.CredentialError:
    """Says what the role's trust policy must say, where the provider says no more than that it is denied."""
    if answer.code == "AccessDenied":
        return errors.PermissionDenied(
            f"{role_arn} cannot be assumed with {caller.key} (AccessDenied): the role's trust policy "
            f"must name the key's user or role and ask for sts:ExternalId {external_id}, "
            f"and that needs {actions}."
        )
    return caller.refusal(answer, refusals)
