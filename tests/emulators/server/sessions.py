"""GetSessionToken: sessions of users, of which moto keeps nothing, and what they may not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from emulators.server import answers, wire

if TYPE_CHECKING:
    from emulators.server import accounts

_SHORTEST = 900
_LONGEST = 129_600
_ALLOWED = frozenset({"AssumeRole", "GetCallerIdentity"})


class UserSession(AssumedRole):
    """A session of a user, kept where moto keeps those of roles; its ARN is the user's."""

    @property
    def arn(self) -> str:
        """Names the user."""
        return str(self.role_arn)

    @property
    def user_id(self) -> str:
        """Gives the user's id."""
        users = iam_backends[self.account_id][self.partition].users.values()
        return next(str(user.id) for user in users if user.arn == self.role_arn)


def require_roleless(action: str, *, in_session: bool) -> None:
    """Raises a Refusal for what MinIO refuses: other actions than AssumeRole, and sessions' keys."""
    if action != "AssumeRole":
        raise answers.Refusal(400, "InvalidParameterValue", f"Unsupported action {action}")
    if in_session:
        raise answers.Refusal(403, "AccessDenied", "Generating temporary credentials not allowed.")


def require_allowed(service: str, action: str) -> None:
    """Raises a Refusal for what no session of a user without a second factor may call."""
    if service == "iam":
        raise answers.refuse(service, answers.Reason.UNKNOWN_KEY)
    if service == "sts" and action not in _ALLOWED:
        raise answers.Refusal(403, "AccessDenied", f"Cannot call {action} with session credentials")


def open_for_user(
    caller: accounts.Principal, region: str, form: Mapping[str, str], seconds: float
) -> wire.Reply:
    """Opens a session of a user that lasts so many seconds, whatever was asked for.

    AWS does so when it is asked for one, a store without roles when it is asked to assume one.
    """
    action = form["Action"]
    asked = int(form.get("DurationSeconds", _SHORTEST))
    if not _SHORTEST <= asked <= _LONGEST:
        raise answers.Refusal(400, "ValidationError", f"Value '{asked}' at 'durationSeconds' is not allowed")
    session = UserSession(
        account_id=caller.account,
        region_name=region,
        access_key=iam_backends[caller.account][caller.partition].create_temp_access_key(),
        role_session_name="",
        role_arn=caller.arn,
        policy="",
        duration=int(seconds),
        external_id="",
    )
    sts_backends[caller.account][caller.partition].assumed_roles.append(session)
    return answers.result(
        "sts",
        action,
        f"<Credentials><AccessKeyId>{session.access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{session.secret_access_key}</SecretAccessKey>"
        f"<SessionToken>{session.session_token}</SessionToken>"
        f"<Expiration>{session.expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>",
    )
