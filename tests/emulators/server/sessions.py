"""GetSessionToken: sessions of users, of which moto keeps nothing, and what they may not do."""

from __future__ import annotations

from collections.abc import Mapping

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from emulators.server import answers, wire

_SHORTEST = 900
_LONGEST = 129_600
_DEFAULT = 43_200
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


def require_allowed(service: str, action: str) -> None:
    """Raises a Refusal for what no session of a user without a second factor may call."""
    if service == "iam":
        raise answers.refuse(service, answers.Reason.UNKNOWN_KEY)
    if service == "sts" and action not in _ALLOWED:
        raise answers.Refusal(403, "AccessDenied", f"Cannot call {action} with session credentials")


def open_for_user(
    arn: str, account: str, region: str, form: Mapping[str, str], seconds: float | None
) -> wire.Reply:
    """Opens a session of a user; `seconds` is how long it lasts where that is not what was asked for."""
    asked = int(form.get("DurationSeconds", _DEFAULT))
    if not _SHORTEST <= asked <= _LONGEST:
        raise answers.Refusal(400, "ValidationError", f"Value '{asked}' at 'durationSeconds' is not allowed")
    session = UserSession(
        account_id=account,
        region_name=region,
        access_key=iam_backends[account][_partition(arn)].create_temp_access_key(),
        role_session_name="",
        role_arn=arn,
        policy="",
        duration=asked if seconds is None else int(seconds),
        external_id="",
    )
    sts_backends[account][_partition(arn)].assumed_roles.append(session)
    return answers.result(
        "sts",
        "GetSessionToken",
        f"<Credentials><AccessKeyId>{session.access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{session.secret_access_key}</SecretAccessKey>"
        f"<SessionToken>{session.session_token}</SessionToken>"
        f"<Expiration>{session.expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>",
    )


def _partition(arn: str) -> str:
    return arn.split(":")[1]
