"""IAM of AWS: how old a key is, when it was last used, and what its user or role may do.

Sources: docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html,
API_GetAccessKeyLastUsed.html, API_ListAccessKeys.html, API_GetRole.html.
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

import pydantic

from credential_operator import errors
from credential_operator.providers import _json, _sigv4, _sts, _xml, contract

Endpoint = Annotated[
    str,
    pydantic.Field(max_length=512),
    _sigv4.matching_root("https://iam.amazonaws.com"),
]
ACTION = re.compile(r"(?=.{3,128}$)[A-Za-z0-9-]+:[A-Za-z0-9]+")
BATCH = 20
"""How many actions are asked for at a time: what AWS says of that many fits into what is read of an answer."""
ALLOWED = "allowed"
DECISIONS = frozenset({ALLOWED, "explicitDeny", "implicitDeny"})
REFUSALS: _sigv4.Refusals = {
    **_sigv4.REFUSALS,
    "InvalidAction": (errors.Misconfigured, "iamEndpoint is not AWS's IAM"),
    "NoSuchEntity": (errors.Rejected, "the key's user or role does not exist any more"),
}
CONDITIONS = "its policies have conditions that only a real request can meet."

Context = Mapping[str, tuple[str, str]]
"""Condition key -> its type and value, as every real request has it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IAM:
    """Asks IAM with one key."""

    caller: _sigv4.Caller
    url: str

    def ask(
        self, action: str, wanted: frozenset[str] = frozenset(), /, **parameters: str
    ) -> _sigv4.Answer | None:
        """Makes one call; None where the key may not make it."""
        answer = self.read(action, wanted, parameters)
        if answer.code in {"AccessDenied", "AccessDeniedException"}:
            return None
        if answer.root != f"{action}Response":
            raise self.caller.refusal(answer, REFUSALS)
        return answer

    def read(self, action: str, wanted: frozenset[str], parameters: Mapping[str, str]) -> _sigv4.Answer:
        """Makes one call, whatever comes of it."""
        body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **parameters})
        return self.caller.call("POST", self.url, body=body, wanted=wanted)


def history(iam: IAM) -> contract.History | None:
    """Asks for the key's last use before anything else uses it, then for its making; sessions have neither."""
    key = iam.caller.key
    if key.token is not None:
        return None
    used = iam.ask("GetAccessKeyLastUsed", frozenset({"LastUsedDate"}), AccessKeyId=key.id)
    listed = iam.ask("ListAccessKeys")
    if used is None and listed is None:
        raise errors.PermissionDenied(
            f"IAM did not permit {iam.caller.subject} to read its own history: grant "
            "iam:GetAccessKeyLastUsed and iam:ListAccessKeys to its user."
        )
    known = _xml.members(listed.response, "AccessKeyMetadata") if listed else []
    made = next((each.get("CreateDate", "") for each in known if each.get("AccessKeyId") == key.id), "")
    return contract.History(
        created_at=_json.moment(made),
        last_used_at=_json.moment(used.texts.get("LastUsedDate") if used else None),
    )


class Untold(Exception):
    """Nobody says what the key may do; the text says why, and what would make it told."""


def grants(
    iam: IAM,
    principal: Callable[[], str],
    permissions: Sequence[str],
    *,
    context: Context,
    resource: Callable[[str], str] = lambda _: "*",
) -> contract.Grants:
    """Asks what a principal, named by ARN, may do; `resource` gives what a permission is about."""
    for permission in permissions:
        if not ACTION.fullmatch(permission):
            raise errors.Misconfigured(
                f"{permission} in spec.validation.permissions is no action of AWS: write one without "
                "wildcards, such as s3:GetObject."
            )
    try:
        decisions = _decisions(iam, principal(), permissions, context, resource)
    except Untold as untold:
        return contract.Grants(unknown=tuple(sorted(permissions)), why=str(untold))
    lacking = sorted(one for one in permissions if decisions[one]["EvalDecision"] != ALLOWED)
    unsaid = tuple(one for one in lacking if decisions[one].get("MissingContextValues"))
    return contract.Grants(
        missing=tuple(one for one in lacking if one not in unsaid),
        unknown=unsaid,
        why=CONDITIONS if unsaid else "",
    )


Decisions = dict[str, dict[str, str]]


def _decisions(
    iam: IAM,
    principal: str,
    permissions: Sequence[str],
    context: Context,
    resource: Callable[[str], str],
) -> Decisions:
    simulation = _Simulation(iam, _entity(iam, principal), context)
    about: dict[str, list[str]] = {}
    for permission in permissions:
        about.setdefault(resource(permission), []).append(permission)
    found: Decisions = {}
    for what, actions in about.items():
        for first in range(0, len(actions), BATCH):
            found |= simulation.run(actions[first : first + BATCH], what)
    return found


def _entity(iam: IAM, principal: str) -> str:
    """Gives the user or role that a principal is; raises Untold where it is neither."""
    kind, _, name = principal.split(":", 5)[5].partition("/")
    if kind in {"user", "role"}:
        return principal
    if kind != "assumed-role":
        raise Untold("AWS tells it of users and roles alone: use a key of a user that has a policy.")
    # The session's name says nothing of the role's path.
    answer = iam.ask("GetRole", frozenset({"Arn"}), RoleName=name.partition("/")[0])
    if answer is None:
        raise Untold("grant iam:GetRole to the key's role.")
    arn = answer.texts.get("Arn", "")
    if not _sts.ROLE_PARTS.fullmatch(arn):
        raise iam.caller.refusal(answer, REFUSALS)
    return arn


@dataclasses.dataclass(frozen=True, slots=True)
class _Simulation:
    """Has AWS evaluate the policies of a user or role."""

    iam: IAM
    entity: str
    context: Context

    def run(self, actions: Sequence[str], resource: str) -> Decisions:
        """Asks for decisions, in halves where AWS finds fault with one action or says too much of all."""
        found: Decisions = {}
        marker = ""
        while True:
            answer = self._ask(actions, resource, marker)
            if answer.code == "InvalidInput" or answer.response.truncated:
                return self._halves(actions, resource, answer)
            if answer.root != "SimulatePrincipalPolicyResponse":
                raise self.iam.caller.refusal(answer, REFUSALS)
            found |= dict(_read(actions, answer))
            marker = answer.texts.get("Marker", "")
            if answer.texts.get("IsTruncated") != "true" or not marker:
                break
        if found.keys() != set(actions):
            raise self.iam.caller.refusal(answer, REFUSALS)
        return found

    def _halves(self, actions: Sequence[str], resource: str, answer: _sigv4.Answer) -> Decisions:
        middle = len(actions) // 2
        if middle:
            return self.run(actions[:middle], resource) | self.run(actions[middle:], resource)
        if answer.code == "InvalidInput":
            raise errors.Misconfigured(
                f"{answer.where} does not know {actions[0]} in spec.validation.permissions: correct it, or "
                "take it off."
            )
        raise self.iam.caller.refusal(answer, REFUSALS)

    def _ask(self, actions: Sequence[str], resource: str, marker: str) -> _sigv4.Answer:
        parameters = {"PolicySourceArn": self.entity, "ResourceArns.member.1": resource}
        parameters |= {f"ActionNames.member.{number}": one for number, one in enumerate(actions, 1)}
        for number, (name, (kind, value)) in enumerate(self.context.items(), 1):
            entry = f"ContextEntries.member.{number}"
            parameters[f"{entry}.ContextKeyName"] = name
            parameters[f"{entry}.ContextKeyType"] = kind
            parameters[f"{entry}.ContextKeyValues.member.1"] = value
        if marker:
            parameters["Marker"] = marker
        wanted = frozenset({"IsTruncated", "Marker"})
        answer = self.iam.read("SimulatePrincipalPolicy", wanted, parameters)
        if answer.code in {"AccessDenied", "AccessDeniedException"}:
            whose = "role" if ":role/" in self.entity else "key's user"
            raise Untold(f"grant iam:SimulatePrincipalPolicy to the {whose}.")
        return answer


def _read(actions: Sequence[str], answer: _sigv4.Answer) -> Iterator[tuple[str, dict[str, str]]]:
    """Reads what was decided, by the actions as they were asked for."""
    asked = {action.lower(): action for action in actions}
    for one in _xml.members(answer.response, "EvaluationResults"):
        action = asked.get(one.get("EvalActionName", "").lower())
        if action and one.get("EvalDecision") in DECISIONS:
            yield action, one
