"""Sessions of roles as AWS gives them: the role, its trust policy, the caller's own policies, the duration."""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulators.server import accounts, answers, authority, federation, policy
from emulators.server.policy import Decision

_ACTION = "sts:AssumeRole"
_TAG_ACTION = "sts:TagSession"
_WEB_ACTION = "sts:AssumeRoleWithWebIdentity"
_SHORTEST = 900
_DEFAULT = 3600
_LONGEST_CHAINED = 3600
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_TAG_KEY = re.compile(r"Tags[.]member[.][0-9]+[.]Key")
_TAG = re.compile(r"[\w .:/=+@-]{1,256}")
_LONGEST_KEY = 128
_MOST_TAGS = 50
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")


def require_allowed(caller: accounts.Principal, form: Mapping[str, str]) -> None:
    """Raises a Refusal unless AWS would hand out the role's session."""
    _require_shape(form)
    arn = form["RoleArn"]
    trust = accounts.trust(arn)
    tags = _tags(form)
    # AWS does not tell a role that is not there from one that does not trust the caller.
    if trust is None:
        raise authority.denied(caller, _ACTION, arn, "sts")
    for action in (_ACTION, _TAG_ACTION) if tags else (_ACTION,):
        if not _allowed(caller, action, trust[0], form, tags):
            raise authority.denied(caller, action, arn, "sts")
    _require_duration(form, trust[1], chained=caller.role_arn is not None)


def require_trusted(bearer: federation.Bearer, form: Mapping[str, str]) -> None:
    """Raises a Refusal unless the role trusts the bearer of a token whose issuer the role's account knows."""
    _require_shape(form)
    trust = accounts.trust(form["RoleArn"])
    question = policy.Question(_WEB_ACTION, form["RoleArn"], bearer.context, frozenset({bearer.provider}))
    if trust is None or policy.decide([trust[0]], question) is not Decision.ALLOWED:
        raise answers.Refusal(403, "AccessDenied", f"Not authorized to perform {_WEB_ACTION}")
    _require_duration(form, trust[1], chained=False)


def _allowed(
    caller: accounts.Principal,
    action: str,
    trust: policy.Document,
    form: Mapping[str, str],
    tags: Mapping[str, str],
) -> bool:
    """Tells whether both sides agree.

    In one account a trust policy that names the caller is enough; one that names the account, or a role
    of another account, needs the caller's own policies too. Source: the documentation of AssumeRole.
    """
    arn = form["RoleArn"]
    context = authority.context_of(caller) | {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    own = policy.decide(caller.documents, policy.Question(action, arn, context))
    context |= {"sts:RoleSessionName": form["RoleSessionName"]}
    if "ExternalId" in form:
        context["sts:ExternalId"] = form["ExternalId"]

    def trusts(principals: frozenset[str]) -> Decision:
        return policy.decide([trust], policy.Question(action, arn, context, principals))

    either = trusts(caller.names | caller.account_names)
    if Decision.EXPLICIT_DENY in (own, either) or either is not Decision.ALLOWED:
        return False
    same_account = f"::{caller.account}:" in arn
    named = trusts(caller.names) is Decision.ALLOWED
    return own is Decision.ALLOWED or (same_account and named)


def _tags(form: Mapping[str, str]) -> dict[str, str]:
    """Reads the session's tags; raises a Refusal for what no tag can be."""
    keys = {name.split(".")[2]: value for name, value in form.items() if _TAG_KEY.fullmatch(name)}
    tags = {key: form.get(f"Tags.member.{number}.Value", "") for number, key in keys.items()}
    texts = all(_TAG.fullmatch(key) and _TAG.fullmatch(value or "-") for key, value in tags.items())
    if len({key.lower() for key in keys.values()}) != len(keys) or len(keys) > _MOST_TAGS or not texts:
        raise _invalid("Value at 'tags' failed to satisfy constraint")
    if any(len(key) > _LONGEST_KEY or key.startswith("aws:") for key in tags):
        raise _invalid("Value at 'tags' failed to satisfy constraint")
    return tags


def _require_shape(form: Mapping[str, str]) -> None:
    if not form.get("RoleArn", "").startswith("arn:"):
        raise _invalid(f"{form.get('RoleArn', '')} is invalid")
    if not _SESSION_NAME.fullmatch(form.get("RoleSessionName", "")):
        raise _invalid("Value at 'roleSessionName' failed to satisfy constraint")
    if "ExternalId" in form and not _EXTERNAL_ID.fullmatch(form["ExternalId"]):
        raise _invalid("Value at 'externalId' failed to satisfy constraint")
    if any(name.startswith("Policy") for name in form):
        raise _invalid("session policies are not emulated")


def _require_duration(form: Mapping[str, str], longest: int, *, chained: bool) -> None:
    seconds = int(form.get("DurationSeconds", _DEFAULT))
    if seconds < _SHORTEST:
        raise _invalid(
            f"Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: at least {_SHORTEST}"
        )
    if seconds > longest:
        raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    if chained and seconds > _LONGEST_CHAINED:
        raise _invalid("The requested DurationSeconds exceeds the 1 hour session limit for role chaining.")


def _invalid(message: str) -> answers.Refusal:
    return answers.Refusal(400, "ValidationError", message)
