"""Roles that are assumed with a key: how one is asked, and what its answers mean."""

import datetime
from typing import Annotated

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _sigv4, _sts, contract

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


def validate(
    caller: _sigv4.Caller, url: str, role: AssumeRole, derived: str, key_id: str | None
) -> contract.Validation:
    """Opens a session of the role and forgets it, then makes sure that none opens without the external ID."""
    external_id = role.external_id or derived
    answer = ask(caller, url, role, seconds=role.duration.total_seconds(), ExternalId=external_id)
    parts = _sts.ROLE_PARTS.fullmatch(role.role_arn)
    if not _opened(answer) or not parts:
        raise refusal(caller, answer, role.role_arn, external_id)
    return contract.Validation(
        identity=contract.Identity(principal=role.role_arn, account=parts["account"]),
        key_id=key_id,
        external_id=external_id,
        warnings=_open_to_all(caller, url, role, external_id),
    )


def ask(caller: _sigv4.Caller, url: str, role: AssumeRole, *, seconds: float, **more: str) -> _sigv4.Answer:
    """Asks for a session of the role."""
    return _sts.ask(
        caller,
        url,
        "AssumeRole",
        RoleArn=role.role_arn,
        RoleSessionName=role.session_name,
        DurationSeconds=str(int(seconds)),
        **more,
    )


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


def _opened(answer: _sigv4.Answer) -> bool:
    return answer.root == "AssumeRoleResponse" and bool(_sts.ARN.fullmatch(answer.texts.get("Arn", "")))


def _open_to_all(
    caller: _sigv4.Caller, url: str, role: AssumeRole, external_id: str
) -> tuple[contract.Warned, ...]:
    """Warns of a role that lets itself be assumed without the external ID; only a clear answer counts."""
    try:
        answer = ask(caller, url, role, seconds=_sts.SHORTEST)
    except errors.Transient:
        return ()
    if not _opened(answer):
        return ()
    return (
        contract.Warned(
            reason="ExternalIDNotRequired",
            message=f"{role.role_arn} lets itself be assumed without an external ID, so also for others "
            "who make its trusted principal act for them: add the condition "
            f'"StringEquals": {{"sts:ExternalId": "{external_id}"}} to the trust policy.',
        ),
    )
