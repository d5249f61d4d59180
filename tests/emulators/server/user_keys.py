"""The keys and tags of users, as moto keeps them, with the rules and the pages that it has not.

Sources: docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html, API_UpdateAccessKey.html,
API_ListUserTags.html.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from xml.sax import saxutils

from emulators.server import accounts, answers, backing, naming, wire

PAGE = 100
_STATUSES = frozenset({"Active", "Inactive"})
_LISTS = {"ListAccessKeys": "AccessKeyMetadata", "ListUserTags": "Tags"}
_CHANGES = frozenset({"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "TagUser"})
ACTIONS = _CHANGES | _LISTS.keys()


@dataclasses.dataclass(slots=True)
class UserKeys:
    """The rules that tests may change: how long a list lacks a new key, in seconds, and how long a page is."""

    unlisted: float = 0.0
    page: int = PAGE

    def answer(self, request: wire.Request, call: naming.Call, caller: accounts.Principal) -> wire.Reply:
        """Answers a call about the keys or the tags of a user, the caller where none is named."""
        user = call.form.get("UserName") or _name(caller, call.action)
        if call.action in _CHANGES:
            if call.action == "UpdateAccessKey" and call.form.get("Status") not in _STATUSES:
                raise answers.Refusal(400, "ValidationError", "Status must be Active or Inactive")
            return backing.forward(backing.with_form(request, {**call.form, "UserName": user}))
        of_user = accounts.user(caller.account, caller.partition, user)
        if of_user is None:
            raise answers.Refusal(404, "NoSuchEntity", f"The user with name {user} cannot be found.")
        if call.action == "ListUserTags":
            members = [_member(Key=key, Value=value) for key, value in sorted(of_user.tags.items())]
        else:
            known = [key for key in of_user.keys if time.time() - key.created >= self.unlisted]
            members = [
                _member(
                    UserName=user,
                    AccessKeyId=key.id,
                    Status=key.status,
                    CreateDate=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.created)),
                )
                for key in known
            ]
        return self._page(call, members)

    def _page(self, call: naming.Call, members: Sequence[str]) -> wire.Reply:
        start = int(call.form.get("Marker", "0"))
        size = min(self.page, int(call.form.get("MaxItems", PAGE)))
        more = start + size < len(members)
        listed, marker = _LISTS[call.action], f"<Marker>{start + size}</Marker>" if more else ""
        inner = "".join(members[start : start + size])
        return answers.result(
            "iam",
            call.action,
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{marker}<{listed}>{inner}</{listed}>",
        )


def _name(caller: accounts.Principal, action: str) -> str:
    kind, _, path = caller.arn.split(":", 5)[5].partition("/")
    if kind != "user" or action in {"TagUser", "ListUserTags"}:
        raise answers.Refusal(
            400, "ValidationError", "Must specify userName when calling with non-User credentials"
        )
    return path.rpartition("/")[2]


def _member(**texts: str) -> str:
    inner = "".join(f"<{name}>{saxutils.escape(text)}</{name}>" for name, text in texts.items())
    return f"<member>{inner}</member>"
