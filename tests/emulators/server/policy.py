"""Evaluates IAM policy documents: identity policies and role trust policies.

What is not evaluated is refused when the document is written, never ignored: a policy that
silently means something else than on AWS would prove nothing.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]


class UnsupportedPolicyError(ValueError):
    """A policy uses what this emulator does not evaluate."""


class Decision(enum.StrEnum):
    """The words of SimulatePrincipalPolicy."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """Whether one action on one resource is allowed, and to whom.

    `principals` holds every form in which a trust policy may name the caller.
    """

    action: str
    resource: str
    context: Mapping[str, str] = dataclasses.field(default_factory=dict)
    principals: frozenset[str] = frozenset()


def decide(documents: Iterable[Document], question: Question) -> Decision:
    """Answers as AWS does: a matching Deny beats any Allow, and silence denies."""
    effects = {
        statement["Effect"]
        for statement in _all_statements(documents)
        if _concerns(statement, question) and _conditions_hold(statement, question.context)
    }
    if "Deny" in effects:
        return Decision.EXPLICIT_DENY
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICIT_DENY


def missing_context(documents: Iterable[Document], question: Question) -> list[str]:
    """Names the condition keys that matter to the question and have no value in it."""
    given = {key.lower() for key in question.context}
    keys = {
        key
        for statement in _all_statements(documents)
        if _concerns(statement, question)
        for wanted in statement.get("Condition", {}).values()
        for key in wanted
    }
    return sorted(key for key in keys if key.lower() not in given)


def require_supported(document: Document) -> None:
    """Raises UnsupportedPolicyError where the document could not be evaluated faithfully."""
    for statement in _statements(document):
        if "NotPrincipal" in statement:
            raise UnsupportedPolicyError("NotPrincipal is not emulated")
        for operator in statement.get("Condition", {}):
            _operator(operator)
    if "${" in str(document):
        raise UnsupportedPolicyError("policy variables are not emulated")


def _all_statements(documents: Iterable[Document]) -> Iterator[Document]:
    for document in documents:
        require_supported(document)
        yield from _statements(document)


def _statements(document: Document) -> list[Document]:
    return list(_listed(document["Statement"]))


def _concerns(statement: Document, question: Question) -> bool:
    return (
        _named(statement, "Action", question.action.lower(), fold=True)
        and _named(statement, "Resource", question.resource)
        and _trusts(statement, question.principals)
    )


def _named(statement: Document, element: str, value: str, *, fold: bool = False) -> bool:
    """Tells whether Action or Resource, or the Not form of either, covers the value."""
    if f"Not{element}" in statement:
        patterns, wanted = statement[f"Not{element}"], False
    elif element in statement:
        patterns, wanted = statement[element], True
    else:
        # A trust policy names no resource: it belongs to one.
        return True
    found = any(_like(pattern.lower() if fold else pattern, value) for pattern in _listed(patterns))
    return found is wanted


def _trusts(statement: Document, principals: frozenset[str]) -> bool:
    if "Principal" not in statement:
        return True
    principal = statement["Principal"]
    kinds = principal.values() if isinstance(principal, Mapping) else [principal]
    named = [name for kind in kinds for name in _listed(kind)]
    return "*" in named or not principals.isdisjoint(named)


def _conditions_hold(statement: Document, context: Mapping[str, str]) -> bool:
    folded = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, _listed(wanted), folded.get(key.lower()))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, wanted: list[Any], actual: str | None) -> bool:
    if operator == "Null":
        return (actual is None) is (str(wanted[0]).lower() == "true")
    matches, negated = _operator(operator)
    if actual is None:
        return negated or operator.endswith("IfExists")
    return any(matches(str(value), actual) for value in wanted) is not negated


def _operator(name: str) -> tuple[Callable[[str, str], bool], bool]:
    bare = name.removesuffix("IfExists")
    positive = bare.replace("Not", "", 1)
    if bare != "Null" and positive not in _OPERATORS:
        raise UnsupportedPolicyError(f"condition operator {name} is not emulated")
    return _OPERATORS.get(positive, _equal), positive != bare


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


@functools.lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _like(pattern: str, value: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _equal(wanted: str, value: str) -> bool:
    return wanted == value


def _fold_equal(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _in_network(wanted: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _fold_equal,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _fold_equal,
    "IpAddress": _in_network,
}
