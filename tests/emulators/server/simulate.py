"""SimulatePrincipalPolicy, which moto lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax import saxutils

from emulators.server import accounts, answers, policy, wire

PAGE = 100
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_GRAVITY = [policy.Decision.ALLOWED, policy.Decision.IMPLICIT_DENY, policy.Decision.EXPLICIT_DENY]
_MEMBER = re.compile(r"(\w+)\.member\.(\d+)")
_ENTRY = re.compile(r"ContextEntries\.member\.(\d+)\.ContextKeyName")


def answer(form: Mapping[str, str], size: int) -> wire.Reply:
    """Answers what the identity policies of a user or role say, `size` actions at a time.

    Resource policies are not consulted.
    """
    arn = form.get("PolicySourceArn", "")
    if ":sts:" in arn:
        message = f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        raise answers.Refusal(400, "InvalidInput", message)
    subject = accounts.principal(arn)
    if subject is None:
        raise answers.Refusal(404, "NoSuchEntity", f"{arn} cannot be found.")
    context = _context(form)
    actions, resources = _members(form, "ActionNames"), _members(form, "ResourceArns")
    start, size = int(form.get("Marker", "0")), min(size, int(form.get("MaxItems", PAGE)))
    page = actions[start : start + size]
    more = start + size < len(actions)
    inner = "".join(_result(subject, action, resources, context) for action in page)
    marker = f"<Marker>{start + size}</Marker>" if more else ""
    return answers.result(
        "iam",
        "SimulatePrincipalPolicy",
        f"<EvaluationResults>{inner}</EvaluationResults><IsTruncated>{str(more).lower()}</IsTruncated>{marker}",
    )


def _result(
    subject: accounts.Principal, action: str, resources: list[str], context: Mapping[str, str]
) -> str:
    """Says what is decided of an action: over all the resources that are named, and of each."""
    if not _ACTION.fullmatch(action):
        raise answers.Refusal(400, "InvalidInput", f"Invalid Action: {action}")
    questions = [policy.Question(action, resource, context) for resource in resources or ["*"]]
    decisions = [policy.decide(subject.documents, question) for question in questions]
    worst = max(decisions, key=_GRAVITY.index)
    missing = sorted({key for each in questions for key in policy.missing_context(subject.documents, each)})
    names = "".join(f"<member>{saxutils.escape(name)}</member>" for name in missing)
    each = "".join(
        f"<member><EvalResourceName>{saxutils.escape(question.resource)}</EvalResourceName>"
        f"<EvalResourceDecision>{decision}</EvalResourceDecision></member>"
        for question, decision in zip(questions, decisions, strict=True)
        if resources
    )
    return (
        f"<member><ResourceSpecificResults>{each}</ResourceSpecificResults>"
        f"<EvalActionName>{saxutils.escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
        f"<EvalDecision>{worst}</EvalDecision><MatchedStatements/>"
        f"<MissingContextValues>{names}</MissingContextValues></member>"
    )


def _members(form: Mapping[str, str], name: str) -> list[str]:
    found = ((_MEMBER.fullmatch(key), value) for key, value in form.items())
    numbered = [(int(match[2]), value) for match, value in found if match and match[1] == name]
    return [value for _, value in sorted(numbered)]


def _context(form: Mapping[str, str]) -> dict[str, str]:
    keys = ((_ENTRY.fullmatch(key), value) for key, value in form.items())
    return {
        name: form.get(f"ContextEntries.member.{match[1]}.ContextKeyValues.member.1", "")
        for match, name in keys
        if match
    }
