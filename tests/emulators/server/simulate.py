"""SimulatePrincipalPolicy, which moto lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax import saxutils

from emulators.server import accounts, answers, policy, wire

_PAGE = 100
_MEMBER = re.compile(r"(\w+)\.member\.(\d+)")
_ENTRY = re.compile(r"ContextEntries\.member\.(\d+)\.ContextKeyName")


def answer(form: Mapping[str, str]) -> wire.Reply:
    """Answers what the identity policies of a user or role say; resource policies are not consulted."""
    arn = form.get("PolicySourceArn", "")
    if ":sts:" in arn:
        message = f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        raise answers.Refusal(400, "InvalidInput", message)
    subject = accounts.principal(arn)
    if subject is None:
        raise answers.Refusal(404, "NoSuchEntity", f"{arn} cannot be found.")
    context = _context(form)
    questions = [
        policy.Question(action, resource, context)
        for action in _members(form, "ActionNames")
        for resource in _members(form, "ResourceArns") or ["*"]
    ]
    start, size = int(form.get("Marker", "0")), int(form.get("MaxItems", _PAGE))
    page = questions[start : start + size]
    more = start + size < len(questions)
    inner = "".join(_result(subject, question) for question in page)
    marker = f"<Marker>{start + size}</Marker>" if more else ""
    return answers.result(
        "iam",
        "SimulatePrincipalPolicy",
        f"<EvaluationResults>{inner}</EvaluationResults><IsTruncated>{str(more).lower()}</IsTruncated>{marker}",
    )


def _result(subject: accounts.Principal, question: policy.Question) -> str:
    decision = policy.decide(subject.documents, question)
    missing = policy.missing_context(subject.documents, question)
    names = "".join(f"<member>{saxutils.escape(name)}</member>" for name in missing)
    return (
        f"<member><EvalActionName>{saxutils.escape(question.action)}</EvalActionName>"
        f"<EvalResourceName>{saxutils.escape(question.resource)}</EvalResourceName>"
        f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/>"
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
