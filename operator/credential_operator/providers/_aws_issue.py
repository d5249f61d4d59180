"""Sessions that AWS's security token service (STS) opens in place of a stored key.

The calls: docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html and API_AssumeRole.html
"""

import abc
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _assume_role, _issued, _sigv4, _sts, contract, issue, network

ROLE_FIELDS = frozenset({"roleARN", "externalID", "sessionName", "durationSeconds"})
"""What says to assume a role, which a session of that role does not say any more."""
LONGEST_NAME = 64
REFUSALS: _sigv4.Refusals = {
    **_assume_role.REFUSALS,
    "ValidationError": (
        errors.Misconfigured,
        "issue is not accepted: look at duration (the role bounds it), roleARN, externalID and sessionTags",
    ),
    # What MinIO says to kinds of sessions that it does not open.
    "InvalidParameterValue": (
        errors.Misconfigured,
        "it does not open such sessions: set issue.kind to another, and look at duration",
    ),
    "PackedPolicyTooLarge": (
        errors.Misconfigured,
        "issue.sessionTags take more room than a session has: write fewer, or shorter ones",
    ),
}

RoleARN = Annotated[
    str,
    pydantic.Field(max_length=2048),
    values.Matching(
        # Other stores' roles belong to accounts of other names, or to none.
        r"^arn:[a-z-]+:iam::[A-Za-z0-9_-]*:role/[A-Za-z0-9_+=,.@/-]+$",
        "the ARN of a role, such as arn:aws:iam::123456789012:role/backup",
    ),
]
TagKey = Annotated[
    str,
    pydantic.Field(min_length=1, max_length=128),
    values.Matching(
        r"^[A-Za-z0-9 _.:/=+@-]{1,128}$",
        "a tag's key: 1 to 128 letters, digits, spaces and _.:/=+@-, such as team",
    ),
]
TagValue = Annotated[
    str,
    pydantic.Field(max_length=256),
    values.Matching(
        r"^([A-Za-z0-9 _.:/=+@-]|[$][(](namespace|cluster)[)])*$",
        "a tag's value: letters, digits, spaces and _.:/=+@-, and $(namespace) or $(cluster) for their names",
    ),
]


class RoleOptions(issue.Lasting):
    """The role that a session is opened of, and what is told of who has it."""

    role_arn: Annotated[RoleARN | None, pydantic.Field(alias="roleARN")] = None
    """The role's ARN. Where it is left out, the role that the Credential itself assumes; stores that have no
    roles open a session of the key's user."""
    external_id: Annotated[_assume_role.ExternalID | None, pydantic.Field(alias="externalID")] = None
    """What the role's trust policy asks for as sts:ExternalId. Where it is left out, the Credential's own,
    which its status shows."""
    session_tags: dict[TagKey, TagValue] = pydantic.Field(default={}, max_length=50)
    """Tags of the session, by which policies can tell who has it: `$(namespace)` and `$(cluster)` in their
    values stand for the names of both. The role's trust policy must allow sts:TagSession."""


class Service(abc.ABC):
    """How a credential type asks STS, and what it publishes of a key."""

    variables: ClassVar[Mapping[str, tuple[str, ...]]]

    @abc.abstractmethod
    def sts(self, config: Any) -> str:
        """Names STS; raises Misconfigured where nobody says where it is."""

    @abc.abstractmethod
    def caller(self, config: Any, key: _sigv4.Key, context: contract.Context) -> _sigv4.Caller:
        """Gives what signs the calls."""

    @abc.abstractmethod
    def fields(self, config: Any, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from, of a session's key."""

    def role(self, _config: Any) -> _assume_role.AssumeRole | None:
        """Gives the role that the Credential itself assumes, of the types that may assume one."""
        return None

    @abc.abstractmethod
    def fit(self, config: Any, role_arn: str | None) -> None:
        """Raises Misconfigured for a role that cannot be meant, and for none where there must be one."""

    def endpoint(self, config: Any, _options: issue.Options) -> str:
        """Names the endpoint that is called."""
        return str(network.parse(self.sts(config)))


class SessionToken(Service):
    """A session of the key's own user."""

    name: ClassVar[str] = "SessionToken"
    title: ClassVar[str] = (
        "A session of the key's user, which may do what the user may, but call neither IAM nor most of STS; with "
        "a workload identity, a session of its role."
    )
    cost: ClassVar[str] = "One call to STS: GetSessionToken, which CloudTrail records."
    options = issue.Lasting

    def issue(
        self,
        config: Any,
        keys: _sigv4.Keys,
        options: issue.Lasting,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Opens one, of which AWS keeps no name; a workload identity's session is one already."""
        url = self.sts(config)
        if isinstance(keys, _sts.SessionKeys):
            return _issued.hand_over(self.fields(config, keys), keys.expires_at, context, _host(url))
        if keys.session_token:
            raise errors.Misconfigured(
                "The stored key is a session's, which opens no session of kind SessionToken: store a user's key "
                "without sessionToken, or set issue.kind to AssumeRole."
            )
        caller = self.caller(config, keys.key(), context)
        seconds = str(int(options.duration.total_seconds()))
        answer = _sts.ask(caller, url, "GetSessionToken", DurationSeconds=seconds)
        session = _sts.opened(answer, "GetSessionToken")
        if session is None:
            raise caller.refusal(answer, REFUSALS)
        return _issued.hand_over(self.fields(config, session.keys), session.expires_at, context, _host(url))


class AssumeRole(Service):
    """A session of a role."""

    name: ClassVar[str] = "AssumeRole"
    title: ClassVar[str] = "A session of a role that the key may assume."
    cost: ClassVar[str] = (
        "One call to STS: AssumeRole, which CloudTrail records with the namespace and name of who gets it."
    )
    options = RoleOptions

    def issue(
        self,
        config: Any,
        keys: _sigv4.Keys,
        options: RoleOptions,
        context: contract.Context,
        holder: issue.Holder,
    ) -> issue.Issued:
        """Opens one."""
        url, own = self.sts(config), self.role(config)
        role_arn = options.role_arn or (own.role_arn if own else None)
        self.fit(config, role_arn)
        _fits_chain(keys, options)
        external_id = options.external_id or (own.external_id if own else None) or context.external_id
        caller = self.caller(config, keys.key(), context)
        answer = _sts.ask(
            caller,
            url,
            "AssumeRole",
            RoleSessionName=session_name(holder),
            DurationSeconds=str(int(options.duration.total_seconds())),
            ExternalId=external_id,
            **({"RoleArn": role_arn} if role_arn else {}),
            **_tags(options.session_tags),
        )
        session = _sts.opened(answer, "AssumeRole")
        if session is None:
            raise _refusal(caller, answer, role_arn, external_id, options)
        fields = self.fields(config, session.keys)
        return _issued.hand_over(_of_role(fields, role_arn), session.expires_at, context, _host(url))


def require_role(role_arn: str | None, partition: str) -> None:
    """Raises Misconfigured unless a role of AWS is named, of the partition that the key is at home in."""
    if role_arn is None:
        raise errors.Misconfigured("issue.roleARN is missing: write the ARN of the role to assume.")
    role = _sts.ROLE_PARTS.fullmatch(role_arn)
    if role is None:
        raise errors.Misconfigured("issue.roleARN names no account of AWS, whose numbers have 12 digits.")
    if role["partition"] != partition:
        raise errors.Misconfigured(
            f"issue.roleARN is in partition {role['partition']}, the key in {partition}."
        )


def session_name(holder: issue.Holder) -> str:
    """Names a session by who has it, for audit logs; one too long ends in a digest of the whole."""
    name = f"{holder.namespace}.{holder.name}"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - len(digest) - 1]}-{digest}"


def _fits_chain(keys: _sigv4.Keys, options: RoleOptions) -> None:
    if isinstance(keys, _sts.SessionKeys) and options.duration > _assume_role.LONGEST_CHAINED:
        raise errors.Misconfigured(
            "issue.duration is more than 1h, and with workloadIdentity the role is assumed from a session, "
            "which AWS lets last 1h at most: write 1h, or less."
        )


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Writes tags as the query protocol does."""
    listed = enumerate(sorted(tags.items()), 1)
    return {
        f"Tags.member.{number}.{part}": text
        for number, (key, value) in listed
        for part, text in (("Key", key), ("Value", value))
    }


def _refusal(
    caller: _sigv4.Caller,
    answer: _sigv4.Answer,
    role_arn: str | None,
    external_id: str,
    options: RoleOptions,
) -> errors.CredentialError:
    if role_arn is None and answer.code == "AccessDenied":
        return errors.PermissionDenied(
            f"{answer.where} opens no session with {caller.key} (AccessDenied): it must be a user's, and neither "
            "the store's root key nor a session's."
        )
    both = "sts:AssumeRole, and for issue.sessionTags both need sts:TagSession"
    actions = both if options.session_tags else "sts:AssumeRole"
    role = role_arn or "The role"
    return _assume_role.refusal(caller, answer, role, external_id, refusals=REFUSALS, actions=actions)


def _of_role(fields: Mapping[str, str], role_arn: str | None) -> dict[str, str]:
    """Leaves out what says to assume the role, and names its account where one is named."""
    left = {name: value for name, value in fields.items() if name not in ROLE_FIELDS}
    role = _sts.ROLE_PARTS.fullmatch(role_arn or "")
    return {**left, "accountID": role["account"]} if role and "accountID" in left else left


def _host(url: str) -> str:
    return str(network.parse(url))
