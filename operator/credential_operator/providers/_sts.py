"""The security token service (STS) of AWS: what more than one credential type asks of it.

The codes: docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

import dataclasses
import datetime
import re
import urllib.parse
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _json, _signing, _sigv4, contract

ARN = re.compile(r"arn:[a-z-]+:(?:iam|sts)::[0-9]{12}:[!-~]{1,600}")
ROLE_PARTS = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<name>[^/]+)"
)
RoleARN = Annotated[
    str,
    pydantic.Field(alias="roleARN", max_length=2048),
    values.Matching(
        r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
        "the ARN of a role, such as arn:aws:iam::123456789012:role/backup",
    ),
]
Endpoint = Annotated[
    str,
    pydantic.Field(max_length=512),
    _sigv4.matching_root("https://sts.eu-west-1.amazonaws.com"),
]
WANTED = frozenset({"Arn", "Account", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"})
SUBJECT = re.compile(r"system:serviceaccount:[a-z0-9.-]{1,63}:[a-z0-9.-]{1,253}")
ISSUER = re.compile(r"https://[A-Za-z0-9._~:/-]{1,255}")
SHORTEST = 900
"""Seconds of the shortest session that AWS gives."""
SESSION_NAME = "credential-operator"
"""The name under which sessions appear in the provider's audit log."""

NOT_KNOWN = (
    "its id is mistyped, switched off, deleted, of another partition, "
    "or of an account that has not enabled the region"
)
REFUSALS: _sigv4.Refusals = {
    **_sigv4.REFUSALS,
    "InvalidClientTokenId": (errors.Rejected, NOT_KNOWN),
    "InvalidAction": (errors.Misconfigured, "the endpoint is not AWS's security token service (STS)"),
}
NOT_TRUSTED = (
    "the account of roleARN must have that issuer as an OpenID Connect provider, "
    "with the token's audience among its client ids"
)
TOKEN_REFUSALS: _sigv4.Refusals = {
    **REFUSALS,
    "InvalidIdentityToken": (errors.Rejected, NOT_TRUSTED),
    "IDPRejectedClaim": (errors.Rejected, "its issuer does not stand by it"),
    "ExpiredTokenException": (
        errors.Expired,
        "its time was over when it arrived, so that the clocks of the cluster and of the provider differ",
    ),
    "IDPCommunicationError": (
        errors.ProviderUnreachable,
        "the provider could not read the keys of its issuer",
    ),
    "AccessDenied": (
        errors.PermissionDenied,
        "the role's trust policy must allow it sts:AssumeRoleWithWebIdentity",
    ),
    "ValidationError": (
        errors.Misconfigured,
        "workloadIdentity is not accepted: look at roleARN, and at how long the role lets sessions last",
    ),
    "RegionDisabledException": (errors.Misconfigured, "the role's account has not enabled the region"),
}


class WorkloadIdentity(contract.WorkloadIdentity):
    """The role that AWS gives to a ServiceAccount."""

    example: ClassVar[Mapping[str, Any]] = {"roleARN": "arn:aws:iam::123456789012:role/backup"}

    role_arn: RoleARN
    """The role whose trust policy names the cluster's issuer and the ServiceAccount."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bearer(_sigv4.Client):
    """Makes calls that nobody signs, and that carry the token of a ServiceAccount."""

    token: str = dataclasses.field(repr=False)

    @property
    def subject(self) -> str:
        """Names the token by what it says of itself, which the role's trust policy has to say too."""
        # Not `Said.text`: the names of a ServiceAccount and its namespace may be longer than that gives.
        try:
            claims = _signing.read(self.token).claims
        except errors.InvalidKeyMaterial:
            claims = {}
        account, issuer = str(claims.get("sub", "")), str(claims.get("iss", ""))
        if not SUBJECT.fullmatch(account) or not ISSUER.fullmatch(issuer):
            return "the ServiceAccount's token"
        return f"the token of {account} from {issuer}"


class SessionKeys(_sigv4.Keys):
    """The key of a session that was opened without a stored key, the role that it is of, and when it ends."""

    role_arn: str
    expires_at: datetime.datetime

    @property
    def public_id(self) -> str | None:
        """Gives none: the next check opens another session."""
        return None


def partition_of(identity: WorkloadIdentity) -> str:
    """Names the partition of the role."""
    return identity.role_arn.split(":")[1]


def audience(identity: WorkloadIdentity) -> str:
    """Names whom AWS expects tokens to be made for."""
    return identity.audience or (
        "sts.amazonaws.com.cn" if partition_of(identity) == "aws-cn" else "sts.amazonaws.com"
    )


def ask(client: _sigv4.Client, url: str, action: str, **parameters: str) -> _sigv4.Answer:
    """Makes one call."""
    body = urllib.parse.urlencode({"Action": action, "Version": "2011-06-15", **parameters})
    return client.call("POST", url, body=body, wanted=WANTED)


def principal(caller: _sigv4.Caller, url: str) -> tuple[str, str]:
    """Asks who the key is, by ARN and account, which needs no permission and cannot be denied."""
    answer = ask(caller, url, "GetCallerIdentity")
    arn, account = answer.texts.get("Arn", ""), answer.texts.get("Account", "")
    if answer.root != "GetCallerIdentityResponse" or not ARN.fullmatch(arn) or account != arn.split(":")[4]:
        raise caller.refusal(answer, REFUSALS)
    return arn, account


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that was opened: its key, and when it ends."""

    key: _sigv4.Key
    expires_at: datetime.datetime

    @property
    def keys(self) -> _sigv4.Keys:
        """Gives its key as one that is stored."""
        return _sigv4.Keys.model_validate(self.material())

    def material(self) -> dict[str, contract.Line | None]:
        """Gives its key by the fields of a stored one."""
        key = self.key
        return {
            "accessKeyID": contract.Line(key.id),
            "secretAccessKey": contract.Line(key.secret),
            "sessionToken": contract.Line(key.token or ""),
        }


def opened(answer: _sigv4.Answer, action: str) -> Session | None:
    """Gives the session that was opened; None where none was."""
    texts = answer.texts
    parts = [texts.get(name, "") for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    ends = _json.moment(texts.get("Expiration"))
    plain = all(_sigv4.PLAIN.fullmatch(part) for part in parts)
    if answer.root != f"{action}Response" or not plain or ends is None:
        return None
    return Session(key=_sigv4.Key(*parts), expires_at=ends)


def exchange(
    client: Bearer, url: str, identity: WorkloadIdentity, lasting: datetime.timedelta | None = None
) -> SessionKeys:
    """Opens a session of the role with a ServiceAccount's token; where no length is said, the shortest."""
    seconds = max(int(lasting.total_seconds()), SHORTEST) if lasting else SHORTEST
    answer = ask(
        client,
        url,
        "AssumeRoleWithWebIdentity",
        RoleArn=identity.role_arn,
        RoleSessionName=SESSION_NAME,
        WebIdentityToken=client.token,
        DurationSeconds=str(seconds),
    )
    session = opened(answer, "AssumeRoleWithWebIdentity")
    if session is None:
        raise client.refusal(answer, TOKEN_REFUSALS)
    return SessionKeys.model_validate(
        {**session.material(), "role_arn": identity.role_arn, "expires_at": session.expires_at}
    )
