"""Each built-in rule against its project's own definition, else against the form that is documented."""

from __future__ import annotations

import re
from typing import Any

import pytest

from consumers import documents
from credential_operator import consumers

RULES = {rule.key: rule for rule in consumers.load()}
DOCUMENTED = {
    (kind["objects"][0]["apiVersion"].partition("/")[0], kind["objects"][0]["kind"]): kind
    for kind in documents.documented()
}
DEFINED = [rule for key, rule in RULES.items() if key not in DOCUMENTED]
WORD = re.compile(r"\b\w+\b")


def name(rule: consumers.Rule) -> str:
    return f"{rule.kind}.{rule.group}"


def found(rule: consumers.Rule, expression: str, objects: list[Any]) -> set[tuple[str, str]]:
    alone = rule.model_copy(update={"secrets": (expression,)})
    return {pair for one in objects for pair in consumers.secrets(alone, one)}


def misspelt(expression: str) -> list[str]:
    """Return the expression with each of its words in turn written wrong."""
    return [f"{expression[: word.end()]}x{expression[word.end() :]}" for word in WORD.finditer(expression)]


@pytest.mark.parametrize("rule", DEFINED, ids=name)
def test_a_rule_is_for_a_kind_that_its_project_defines(rule: consumers.Rule) -> None:
    definition = documents.definition(rule)
    assert definition["group"] == rule.group
    assert (definition["names"]["kind"], definition["names"]["plural"]) == (rule.kind, rule.resource)
    assert definition["scope"].lower() == rule.scope
    assert [one["name"] for one in definition["versions"] if one["storage"]] == [rule.versions[0]]


@pytest.mark.parametrize("rule", DEFINED, ids=name)
def test_every_path_leads_to_the_name_of_a_secret_in_that_definition(rule: consumers.Rule) -> None:
    shown = [documents.filled(documents.definition(rule), rule.versions[0])]
    where = documents.OWN if rule.scope == "namespaced" else rule.namespace
    for expression in rule.secrets:
        ((namespace, place),) = found(rule, expression, shown)
        assert namespace == where
        assert re.search("secret|credential", expression + place, re.IGNORECASE)
        for wrong in misspelt(expression):
            assert found(rule, wrong, shown) == set(), wrong


@pytest.mark.parametrize("key", DOCUMENTED, ids=".".join)
def test_a_rule_is_for_a_kind_as_it_is_documented(key: tuple[str, str]) -> None:
    rule, kind = RULES[key], DOCUMENTED[key]
    assert (kind["resource"], kind["scope"].lower()) == (rule.resource, rule.scope)
    for one in kind["objects"]:
        group, _, version = one["apiVersion"].partition("/")
        assert (group, one["kind"]) == key
        assert version in rule.versions
        assert ("namespace" in one["metadata"]) == (rule.scope == "namespaced")


@pytest.mark.parametrize("key", DOCUMENTED, ids=".".join)
def test_every_path_names_secrets_of_documented_objects_and_no_others(key: tuple[str, str]) -> None:
    rule, kind = RULES[key], DOCUMENTED[key]
    named = {pair for one in kind["objects"] for pair in consumers.secrets(rule, one)}
    assert named == {tuple(secret.split("/")) for secret in kind["secrets"]}
    for expression in rule.secrets:
        assert found(rule, expression, kind["objects"]), expression
        for wrong in misspelt(expression):
            assert found(rule, wrong, kind["objects"]) == set(), wrong


def test_no_kind_is_documented_twice() -> None:
    assert len(DOCUMENTED) == len(list(documents.documented()))
