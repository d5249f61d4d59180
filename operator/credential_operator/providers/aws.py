"""AWS: the access key of an IAM user, or of a session, and the role that is assumed with it."""

import datetime
import re
import time
import urllib.parse
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _partitions, _sigv4, contract, network

ARN = re.compile(r"arn:[a-z-]+:(?:iam|sts)::[0-9]{12}:[!-~]{1,600}")
ROLE_PARTS = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<name>[^/]+)"
)
SHORTEST = datetime.timedelta(minutes=15)
"""The shortest session that AWS gives."""

NOT_KNOWN = (
    "its id is mistyped, switched off, deleted, of another partition, "
    "or of an account that has not enabled the region"
)
REFUSALS: _sigv4.Refusals = {
    **_sigv4.REFUSALS,
    "InvalidClientTokenId": (errors.Rejected, NOT_KNOWN),
    "InvalidAction": (errors.Misconfigured, "the endpoint is not AWS's security token service (STS)"),
}
ROLE_REFUSALS: _sigv4.Refusals = {
    **REFUSALS,
    "ValidationError": (
        errors.Misconfigured,
        "assumeRole is not accepted: look at duration (the role bounds it), roleARN and externalID",
    ),
    "RegionDisabledException": (errors.Misconfigured, "the role's account has not enabled the region"),
}

External = Annotated[
    str,
    pydantic.Field(min_length=2, max_length=1224),
    values.Matching(r"^[A-Za-z0-9_+=,.@:/-]+$", "an external ID: letters, digits and _+=,.@:/-"),
]


class AssumeRole(values.Model):
    """The role that is assumed with the key."""

    role_arn: Annotated[
        str,
        pydantic.Field(alias="roleARN", max_length=2048),
        values.Matching(
            r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
            "the ARN of a role, such as arn:aws:iam::123456789012:role/backup",
        ),
    ]
    """The role's ARN."""
    external_id: Annotated[External | None, pydantic.Field(alias="externalID")] = None
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


class Config(contract.Config):
    """What is public about an AWS key."""

    region: _partitions.Region | None = None
    """The region that consumers work in, and whose endpoint is asked. Where it is left out, consumers are
    told none, and the partition's main region is asked."""
    partition: _partitions.Name | None = None
    """The partition, where no region tells it; aws where that is left out too."""
    account_id: Annotated[
        str | None,
        pydantic.Field(alias="accountID", max_length=12),
        values.Matching(r"^[0-9]{12}$", "an AWS account number: 12 digits"),
    ] = None
    """The account that the key works in, the role's where one is assumed; a key of another one is refused."""
    assume_role: AssumeRole | None = None
    """The role that is assumed with the key. Targets hold the key; those in the shared file's format also say
    to assume the role."""
    endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=512),
        values.Matching(
            r"^https?://[^/?#]+/?$", "a URL without path, such as https://sts.eu-west-1.amazonaws.com"
        ),
    ] = None
    """The security token service (STS) to ask in place of the region's own, such as a VPC endpoint."""


class Provider:
    """Asks STS who the key is, or for a session of the role."""

    name: ClassVar[str] = "aws"
    title: ClassVar[str] = "An AWS access key, and the role that is assumed with it."
    locks: ClassVar[bool] = False
    config = Config
    keys = _sigv4.Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "accessKeyID": ("AWS_ACCESS_KEY_ID",),
        "secretAccessKey": ("AWS_SECRET_ACCESS_KEY",),
        "sessionToken": ("AWS_SESSION_TOKEN",),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "endpoint": ("AWS_ENDPOINT_URL_STS",),
        "accountID": (),
        # No variables: SDKs read AWS_ROLE_ARN with a web identity token only.
        "roleARN": (),
        "externalID": (),
        "sessionName": (),
        "durationSeconds": (),
    }
    example: ClassVar[Mapping[str, Any]] = {"region": "eu-west-1"}
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "aws-role": {
            "region": "eu-west-1",
            "assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/OrganizationAccountAccessRole"},
        }
    }

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that a check calls."""
        return str(network.parse(_url(config)))

    def inspect(self, config: Config, keys: _sigv4.Keys) -> None:
        """Finds without a call what cannot be right."""
        _sigv4.inspect(keys.key(), amazon=config.endpoint is None)
        partition = _partition(config)
        if config.partition not in {None, partition.name}:
            raise errors.Misconfigured(f"region {config.region} is in partition {partition.name}.")
        account = _sigv4.account_of(keys.key().id)
        if config.assume_role and (role := ROLE_PARTS.fullmatch(config.assume_role.role_arn)):
            account = role["account"]
            if role["partition"] != partition.name:
                raise errors.Misconfigured(
                    f"assumeRole.roleARN is in partition {role['partition']}, the key in {partition.name}."
                )
        _same_account(config, account)

    def validate(self, config: Config, keys: _sigv4.Keys, context: contract.Context) -> contract.Validation:
        """Asks STS."""
        caller = _sigv4.Caller(
            session=context.session,
            key=keys.key(),
            service="sts",
            region=config.region or _partition(config).region,
            now=context.now,
            end=time.monotonic() + context.timeout,
        )
        if config.assume_role:
            return _assume(caller, config, config.assume_role, context.external_id)
        return _identify(caller, config)

    def fields(self, config: Config, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        key, role = keys.key(), config.assume_role
        fields = {
            "accessKeyID": key.id,
            "secretAccessKey": key.secret,
            "sessionToken": key.token,
            "region": config.region,
            "endpoint": config.endpoint,
            "accountID": config.account_id,
            "roleARN": role and role.role_arn,
            "externalID": role and role.external_id,
            "sessionName": role and role.session_name,
            "durationSeconds": role and str(int(role.duration.total_seconds())),
        }
        return {name: value for name, value in fields.items() if value}


def _partition(config: Config) -> _partitions.Partition:
    if config.region:
        return _partitions.of(config.region)
    return _partitions.named(config.partition or "aws")


def _url(config: Config) -> str:
    partition = _partition(config)
    return (config.endpoint or f"https://sts.{config.region or partition.region}.{partition.suffix}").rstrip(
        "/"
    ) + "/"


def _same_account(config: Config, account: str | None) -> None:
    if config.account_id and account and account != config.account_id:
        raise errors.Misconfigured(
            f"accountID is {config.account_id}, and the key works in account {account}."
        )


def _ask(caller: _sigv4.Caller, config: Config, action: str, **parameters: str) -> _sigv4.Answer:
    body = urllib.parse.urlencode({"Action": action, "Version": "2011-06-15", **parameters})
    return caller.call("POST", _url(config), body=body, wanted=frozenset({"Arn", "Account"}))


def _identify(caller: _sigv4.Caller, config: Config) -> contract.Validation:
    """Asks who the key is, which needs no permission and cannot be denied."""
    answer = _ask(caller, config, "GetCallerIdentity")
    arn, account = answer.texts.get("Arn", ""), answer.texts.get("Account", "")
    if answer.root != "GetCallerIdentityResponse" or not ARN.fullmatch(arn) or account != arn.split(":")[4]:
        raise caller.refusal(answer, REFUSALS)
    _same_account(config, account)
    return contract.Validation(
        identity=contract.Identity(principal=arn, account=account), key_id=caller.key.id
    )


def _assume(caller: _sigv4.Caller, config: Config, role: AssumeRole, derived: str) -> contract.Validation:
    """Opens a session of the role and forgets it, then makes sure that none opens without the external ID."""
    external_id = role.external_id or derived
    session = {"RoleArn": role.role_arn, "RoleSessionName": role.session_name}
    answer = _ask(caller, config, "AssumeRole", **session, **_seconds(role.duration), ExternalId=external_id)
    parts = ROLE_PARTS.fullmatch(role.role_arn)
    if not _opened(answer) or not parts:
        raise _role_refusal(caller, answer, role, external_id)
    return contract.Validation(
        identity=contract.Identity(principal=role.role_arn, account=parts["account"]),
        key_id=caller.key.id,
        external_id=external_id,
        warnings=_open_to_all(caller, config, session, external_id),
    )


def _seconds(duration: datetime.timedelta) -> dict[str, str]:
    return {"DurationSeconds": str(int(duration.total_seconds()))}


def _opened(answer: _sigv4.Answer) -> bool:
    return answer.root == "AssumeRoleResponse" and bool(ARN.fullmatch(answer.texts.get("Arn", "")))


def _role_refusal(
    caller: _sigv4.Caller, answer: _sigv4.Answer, role: AssumeRole, external_id: str
) -> errors.CredentialError:
    if answer.code == "AccessDenied":
        return errors.PermissionDenied(
            f"{role.role_arn} cannot be assumed with {caller.key} (AccessDenied): the role's trust policy "
            f"must name the key's user and ask for sts:ExternalId {external_id}, "
            "and the user needs sts:AssumeRole."
        )
    return caller.refusal(answer, ROLE_REFUSALS)


def _open_to_all(
    caller: _sigv4.Caller, config: Config, session: Mapping[str, str], external_id: str
) -> tuple[contract.Warned, ...]:
    """Warns of a role that lets itself be assumed without the external ID; only a clear answer counts."""
    try:
        answer = _ask(caller, config, "AssumeRole", **session, **_seconds(SHORTEST))
    except errors.Transient:
        return ()
    if not _opened(answer):
        return ()
    return (
        contract.Warned(
            reason="ExternalIDNotRequired",
            message=f"{session['RoleArn']} lets itself be assumed without an external ID, so also for others "
            "who make its trusted principal act for them: add the condition "
            f'"StringEquals": {{"sts:ExternalId": "{external_id}"}} to the trust policy.',
        ),
    )


PROVIDER = Provider()
