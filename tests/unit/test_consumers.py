"""Custom resources and the Secrets that they name, by rules."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import consumers

STORE: dict[str, Any] = {
    "project": "Example",
    "group": "example.org",
    "versions": ["v1", "v1beta1"],
    "kind": "Store",
    "resource": "stores",
    "scope": "namespaced",
    "secrets": ["spec.secretRef"],
}
BUILT_IN = {rule.key: rule for rule in consumers.load()}

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "namespace", "name", "spec", "secretRef", "list", ""]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def rule(*expressions: str, **fields: Any) -> consumers.Rule:
    return consumers.Rule.model_validate({**STORE, "secrets": expressions or STORE["secrets"], **fields})


def document(spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "a", "name": "it"}, "spec": spec}


def written(tmp_path: pathlib.Path, *rules: Any) -> str:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(list(rules)))
    return str(file)


def refusal(file: str) -> str:
    with pytest.raises(ValueError, match=r"rules\.yaml") as raised:
        consumers.load(file)
    return str(raised.value).replace(file, "rules.yaml")


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ("keys", {("a", "keys")}),
        ({"name": "keys", "key": "token"}, {("a", "keys")}),
        ({"name": "keys", "namespace": "b"}, {("b", "keys")}),
        ({"name": "keys", "namespace": ""}, {("a", "keys")}),
        ({"name": "keys", "namespace": None}, {("a", "keys")}),
        (["x", {"name": "y"}, [["z"], []]], {("a", "x"), ("a", "y"), ("a", "z")}),
        ({"name": "keys", "namespace": 5}, set()),
        ({"name": ["keys"]}, set()),
        ({"key": "token"}, set()),
        ("", set()),
        (7, set()),
        (True, set()),
        (None, set()),
    ],
)
def test_a_secret_is_named_by_a_string_or_an_object_in_lists_of_any_depth(
    found: Any, named: set[tuple[str, str]]
) -> None:
    assert consumers.secrets(rule(), document({"secretRef": found})) == named


def test_each_expression_counts_once_for_each_secret() -> None:
    found = rule("spec.one", "spec.more[].ref", "spec.from[?kind=='Secret'].name", "spec.nowhere.at.all")
    spec = {
        "one": "x",
        "more": [{"ref": {"name": "x"}}, {"ref": "y"}, {}],
        "from": [{"kind": "Secret", "name": "z"}, {"kind": "ConfigMap", "name": "c"}],
    }
    assert consumers.secrets(found, document(spec)) == {("a", "x"), ("a", "y"), ("a", "z")}


def test_a_cluster_scoped_object_means_the_rule_s_namespace_or_none() -> None:
    spec = {"secretRef": "keys"}
    assert consumers.secrets(rule(scope="cluster", namespace="system"), document(spec)) == {
        ("system", "keys")
    }
    assert consumers.secrets(rule(scope="cluster"), document(spec)) == frozenset()
    named = {"secretRef": {"name": "keys", "namespace": "b"}}
    assert consumers.secrets(rule(scope="cluster"), document(named)) == {("b", "keys")}


@pytest.mark.parametrize(
    "odd",
    [None, [], "text", {"metadata": None}, {"metadata": {"namespace": 1}}, {"metadata": {"namespace": ""}}],
)
def test_an_object_without_a_namespace_names_nothing(odd: Any) -> None:
    shown = {**odd, "spec": {"secretRef": "keys"}} if isinstance(odd, dict) else odd
    assert consumers.secrets(rule(), shown) == frozenset()


@pytest.mark.parametrize("expression", ["length(spec)", "spec[::0]", "sort(spec.list)", "spec.list[*].name"])
def test_what_an_expression_was_not_written_for_names_nothing(expression: str) -> None:
    found = rule(expression, "spec.secretRef")
    shown = document({"secretRef": "keys", "list": [1, "x", None]})
    for spec in (shown["spec"], 5, [1]):
        assert consumers.secrets(found, {**shown, "spec": spec}) <= {("a", "keys")}
    assert consumers.secrets(found, shown) == {("a", "keys")}


def test_lists_may_be_deep() -> None:
    deep: Any = "keys"
    for _ in range(5_000):
        deep = [deep]
    assert consumers.secrets(rule(), document({"secretRef": deep})) == {("a", "keys")}
    assert consumers.secrets(rule("spec.*.*"), document({"secretRef": deep})) == frozenset()


@given(shown=json)
def test_no_document_is_too_odd(shown: Any) -> None:
    odd = rule("@", "*", "spec.*", "spec.secretRef", "[]", "[].name", "spec.list[?name].name", "keys(@)")
    for each in (odd, rule("@", "*.*", scope="cluster", namespace="system"), *BUILT_IN.values()):
        for pair in consumers.secrets(each, shown):
            assert len(pair) == 2
            assert all(isinstance(part, str) and part for part in pair)


@pytest.mark.filterwarnings("ignore:deprecated string literal")
@given(expression=st.text("abc.[]*?@&|!'`\"\\{}()<=>:, 01-", max_size=24))
def test_an_expression_is_compiled_or_refused(expression: str) -> None:
    try:
        found = rule(expression)
    except ValueError:
        return
    consumers.secrets(found, document({"a": {"b": ["c"]}}))


def test_a_rule_says_which_kind_it_is_for() -> None:
    assert rule().key == ("example.org", "Store")


def test_a_file_adds_rules_after_the_built_in_ones(tmp_path: pathlib.Path) -> None:
    assert consumers.load(written(tmp_path, STORE)) == (*consumers.load(), rule())


def test_a_file_without_rules_changes_nothing(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("# none yet\n")
    assert consumers.load(str(file)) == consumers.load()


def test_a_rule_of_the_same_kind_takes_the_place_of_a_built_in_one(tmp_path: pathlib.Path) -> None:
    another = BUILT_IN["keda.sh", "ClusterTriggerAuthentication"].model_copy(update={"namespace": "scaling"})
    loaded = consumers.load(written(tmp_path, another.model_dump(mode="json")))
    assert {one.key: one for one in loaded} == {**BUILT_IN, another.key: another}


def test_a_rule_that_names_nothing_switches_a_built_in_one_off(tmp_path: pathlib.Path) -> None:
    off = BUILT_IN["cert-manager.io", "Issuer"].model_copy(update={"secrets": ()})
    loaded = consumers.load(written(tmp_path, off.model_dump(mode="json")))
    assert {one.key for one in loaded} == BUILT_IN.keys() - {off.key}


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"secrets": ["spec..x"]}, "secrets.0: 'spec..x' is not a JMESPath expression"),
        ({"secrets": ["spec.x", ""]}, "secrets.1"),
        ({"secrets": ["(" * 512]}, "is not a JMESPath expression"),
        ({"secrets": ["spec.x | names(@)"]}, "secrets.0: 'spec.x | names(@)' calls names"),
        ({"secrets": ["x"] * 65}, "secrets"),
        ({"secrets": "spec.x"}, "secrets"),
        ({"secrets": ["x" * 513]}, "secrets.0"),
        ({"versions": []}, "versions"),
        ({"versions": ["1"]}, "versions.0"),
        ({"kind": "store"}, "kind"),
        ({"group": "Example"}, "group"),
        ({"resource": "Stores"}, "resource"),
        ({"scope": "galaxy"}, "scope"),
        ({"project": ""}, "project"),
        ({"namespace": "a"}, "namespace is for scope cluster"),
        ({"scope": "cluster", "namespace": "A"}, "namespace"),
        ({"paths": ["x"]}, "paths"),
    ],
)
def test_a_wrong_rule_is_named_with_its_field(
    tmp_path: pathlib.Path, changed: dict[str, Any], where: str
) -> None:
    wrong = {**STORE, **changed}
    said = refusal(written(tmp_path, {**STORE, "kind": "Other"}, wrong))
    assert said.startswith(f"rules.yaml, rule 2 ({wrong['kind']})")
    assert where in said


@pytest.mark.parametrize(
    "content", ["a: [", "{}", "text", "- 5", "[[]]", "- {kind: 5}", "? [a]\n: b", "a: *b"]
)
def test_a_file_of_another_form_is_refused(tmp_path: pathlib.Path, content: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(content)
    assert refusal(str(file)).startswith("rules.yaml")


def test_two_rules_for_a_kind_in_one_file_are_refused(tmp_path: pathlib.Path) -> None:
    assert "Store of example.org" in refusal(written(tmp_path, STORE, STORE))


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        consumers.load(str(tmp_path / "missing"))
