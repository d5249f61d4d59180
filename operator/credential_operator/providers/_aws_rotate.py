"""AWS access keys that renew themselves: what a user's key does, through IAM, to the keys of its own user.

docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html, and likewise API_ListAccessKeys,
API_GetAccessKeyLastUsed, API_UpdateAccessKey, API_DeleteAccessKey, API_ListUserTags, API_TagUser.
A user has two keys at most, switched off ones included:
docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import abc
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from credential_operator import errors
from credential_operator.providers import _iam, _json, _sigv4, _sts, _xml, contract, rotate

TAG = "credential-operator.io/owner"
"""The tag of a user that says who rotates its keys."""
NEEDS = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:ListAccessKeys",
    "iam:ListUserTags",
    "iam:TagUser",
    "iam:UpdateAccessKey",
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
GONE = "NoSuchEntity"
CHANGING = (errors.Conflict, "somebody else is changing its user just now")
REFUSALS: _sigv4.Refusals = {
    **_iam.REFUSALS,
    "ConcurrentModification": CHANGING,
    "EntityTemporarilyUnmodifiable": CHANGING,
}
NO_MORE_KEYS: _sigv4.Refusals = {
    **REFUSALS,
    "LimitExceeded": (
        errors.Misconfigured,
        "its user has two keys, as many as AWS allows, switched off ones included: delete the one nobody needs",
    ),
}
NO_MORE_TAGS: _sigv4.Refusals = {
    **REFUSALS,
    "LimitExceeded": (errors.Misconfigured, f"its user has no room for the tag {TAG}: take one off"),
}
ACTIVE = "Active"


class Rotation(abc.ABC):
    """The keys of the user whose key it is; also where that assumes a role."""

    most: ClassVar[int] = 2
    disables: ClassVar[bool] = True
    # What Terraform's provider waits for (hashicorp/terraform-provider-aws, internal/service/iam).
    settles: ClassVar[datetime.timedelta] = datetime.timedelta(minutes=2)
    needs: ClassVar[Sequence[str]] = NEEDS
    cost: ClassVar[str] = (
        "Each takes one CreateAccessKey, UpdateAccessKey and DeleteAccessKey of IAM, and some calls to IAM and STS "
        "that look at the user, its keys and tags; CloudTrail records all of them, and AWS bills none."
    )

    @abc.abstractmethod
    def iam(self, config: Any, key: _sigv4.Key, context: contract.Context, end: float) -> _iam.IAM:
        """Gives IAM as the key itself sees it; raises Misconfigured where nobody says where it is."""

    @abc.abstractmethod
    def principal(self, config: Any, key: _sigv4.Key, context: contract.Context, end: float) -> str:
        """Asks STS whose the key is, by ARN."""

    @abc.abstractmethod
    def endpoint(self, config: Any) -> str:
        """Names IAM; raises Misconfigured where nobody says where it is."""

    def fit(self, config: Any, keys: Any) -> None:
        """Refuses sessions, which have no keys, and an IAM that nobody names."""
        if isinstance(keys, _sts.SessionKeys) or keys.session_token:
            raise errors.Misconfigured(
                "A session's key cannot be rotated, since it ends by itself: store the key of a user, without "
                "sessionToken, or take rotation off."
            )
        self.endpoint(config)

    def owner(self, config: Any, keys: _sigv4.Keys, context: contract.Context) -> str:
        """Reads the user's tag."""
        user, iam = self._user(config, keys, context)
        for tag in _members(iam, "ListUserTags", "Tags", UserName=user):
            if tag.get("Key") == TAG:
                return tag.get("Value", "")
        return ""

    def claim(self, config: Any, keys: _sigv4.Keys, owner: str, context: contract.Context) -> None:
        """Tags the user."""
        user, iam = self._user(config, keys, context)
        tag = {"Tags.member.1.Key": TAG, "Tags.member.1.Value": owner}
        _ask(iam, "TagUser", {"UserName": user, **tag}, refusals=NO_MORE_TAGS)

    def listed(self, config: Any, keys: _sigv4.Keys, context: contract.Context) -> tuple[rotate.Listed, ...]:
        """Lists both keys, and asks of each when it was last used."""
        iam = self.iam(config, keys.key(), context, context.end())
        found = [_read(iam, member) for member in _members(iam, "ListAccessKeys", "AccessKeyMetadata")]
        return tuple(sorted(found, key=lambda one: (one.created_at, one.id)))

    def identify(
        self,
        _config: Any,
        keys: _sigv4.Keys,
        listed: Sequence[rotate.Listed],
    ) -> str | None:
        """Compares ids."""
        key_id = keys.key().id
        return key_id if any(one.id == key_id for one in listed) else None

    def make(self, config: Any, keys: _sigv4.Keys, _mark: str, context: contract.Context) -> rotate.Made:
        """Makes the user's second key, on which nothing can be written; not one of the account's root user."""
        _, iam = self._user(config, keys, context)
        wanted = frozenset({"AccessKeyId", "SecretAccessKey"})
        answer = _ask(iam, "CreateAccessKey", {}, wanted, refusals=NO_MORE_KEYS)
        key_id, secret = (answer.texts.get(name, "") for name in ("AccessKeyId", "SecretAccessKey"))
        if not _sigv4.PLAIN.fullmatch(key_id) or not _sigv4.PLAIN.fullmatch(secret):
            raise iam.caller.refusal(answer, REFUSALS)
        return rotate.Made(id=key_id, fields={"accessKeyID": key_id, "secretAccessKey": secret})

    def disable(self, config: Any, keys: _sigv4.Keys, key_id: str, context: contract.Context) -> None:
        """Switches a key off."""
        iam = self._ending(config, keys, key_id, context)
        _ask(iam, "UpdateAccessKey", {"AccessKeyId": key_id, "Status": "Inactive"}, ends=True)

    def delete(self, config: Any, keys: _sigv4.Keys, key_id: str, context: contract.Context) -> None:
        """Deletes a key."""
        iam = self._ending(config, keys, key_id, context)
        _ask(iam, "DeleteAccessKey", {"AccessKeyId": key_id}, ends=True)

    def _ending(self, config: Any, keys: _sigv4.Keys, key_id: str, context: contract.Context) -> _iam.IAM:
        """Gives IAM, to end a key that is another one."""
        if key_id == keys.key().id:
            raise rotate.ends_itself(key_id)
        return self.iam(config, keys.key(), context, context.end())

    def _user(self, config: Any, keys: _sigv4.Keys, context: contract.Context) -> tuple[str, _iam.IAM]:
        """Gives the name of the key's user, without its path, and IAM; raises Misconfigured where it is none's."""
        end = context.end()
        kind, _, path = self.principal(config, keys.key(), context, end).split(":", 5)[5].partition("/")
        if kind != "user":
            raise errors.Misconfigured(
                f"Only the keys of users are rotated, and {keys.key()} is of the account's {kind}: make a user with "
                "the rights that are needed, and store a key of it."
            )
        return path.rpartition("/")[2], self.iam(config, keys.key(), context, end)


def _ask(
    iam: _iam.IAM,
    action: str,
    parameters: Mapping[str, str],
    wanted: frozenset[str] = frozenset(),
    *,
    refusals: _sigv4.Refusals = REFUSALS,
    ends: bool = False,
) -> _sigv4.Answer:
    """Makes one call, of the key's own user where the parameters name none; `ends`: what is gone may be gone."""
    answer = iam.read(action, wanted, parameters)
    if answer.code in DENIED:
        raise errors.PermissionDenied(
            f"{answer.where} does not let {iam.caller.subject} call {action}: allow its user, on itself, "
            f"{', '.join(NEEDS)} ({answer.code})."
        )
    if answer.root != f"{action}Response" and not (ends and answer.code == GONE):
        raise iam.caller.refusal(answer, refusals)
    return answer


def _members(iam: _iam.IAM, action: str, listed: str, **parameters: str) -> Iterator[dict[str, str]]:
    """Gives what is listed, page by page."""
    while True:
        answer = _ask(iam, action, parameters, frozenset({"IsTruncated", "Marker"}))
        if answer.response.truncated:
            raise iam.caller.refusal(answer, REFUSALS)
        yield from _xml.members(answer.response, listed)
        marker = answer.texts.get("Marker", "")
        if answer.texts.get("IsTruncated") != "true" or not marker:
            return
        parameters["Marker"] = marker


def _read(iam: _iam.IAM, member: Mapping[str, str]) -> rotate.Listed:
    """Reads a key of the list, and asks whether it was used."""
    key_id, made = member.get("AccessKeyId", ""), _json.moment(member.get("CreateDate"))
    if not _sigv4.PLAIN.fullmatch(key_id) or made is None:
        raise errors.ProviderUnreachable(
            f"IAM lists a key of {iam.caller.subject}'s user without a name or an age."
        )
    enabled = member.get("Status") == ACTIVE
    return rotate.Listed(id=key_id, created_at=made, enabled=enabled, used=_used(iam, key_id))


def _used(iam: _iam.IAM, key_id: str) -> bool | None:
    """Tells whether a key was ever used; None where that is not permitted, or nothing known of a key so new."""
    answer = iam.read("GetAccessKeyLastUsed", frozenset({"LastUsedDate"}), {"AccessKeyId": key_id})
    if answer.root == "GetAccessKeyLastUsedResponse":
        return _json.moment(answer.texts.get("LastUsedDate")) is not None
    if answer.code in DENIED | {GONE}:
        return None
    raise iam.caller.refusal(answer, REFUSALS)
