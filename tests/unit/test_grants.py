"""Whom the owner of a Credential shares it with."""

from typing import Any

import pytest

from credential_operator import grants

Json = dict[str, Any]


def credential(**granted: Any) -> Json:
    spec = {"allowedNamespaces": granted} if granted else {}
    return {"metadata": {"namespace": "a", "name": "backups"}, "spec": spec}


def test_its_own_namespace_always_may_and_others_only_if_they_are_allowed() -> None:
    assert grants.allows(credential(), "a", None)
    assert not grants.allows(credential(), "b", {})
    assert grants.allows(credential(names=["b"]), "b", None)
    assert not grants.allows(credential(names=["b"]), "c", {})
    assert grants.allows(credential(all=True), "c", None)
    assert not grants.allows(credential(all=False, names=["b"]), "c", {})


def test_a_selector_looks_at_labels_and_matches_nothing_where_they_are_unknown() -> None:
    shared = credential(selector={"matchLabels": {"backups": "true"}})
    assert grants.allows(shared, "b", {"backups": "true", "other": "x"})
    assert not grants.allows(shared, "b", {"backups": "false"})
    assert not grants.allows(shared, "b", {})
    assert not grants.allows(shared, "b", None)


EXPRESSIONS = [
    ("In", ["dev", "prod"], {"env": "dev"}, True),
    ("In", ["dev"], {"env": "prod"}, False),
    ("In", ["dev"], {}, False),
    ("NotIn", ["dev"], {"env": "prod"}, True),
    ("NotIn", ["dev"], {"env": "dev"}, False),
    ("NotIn", ["dev"], {}, True),
    ("Exists", None, {"env": ""}, True),
    ("Exists", None, {}, False),
    ("DoesNotExist", None, {}, True),
    ("DoesNotExist", None, {"env": "dev"}, False),
]


@pytest.mark.parametrize(("operator", "values", "labels", "matches"), EXPRESSIONS)
def test_expressions_mean_what_they_mean_in_kubernetes(
    operator: str, values: list[str] | None, labels: dict[str, str], *, matches: bool
) -> None:
    one = {"key": "env", "operator": operator, **({"values": values} if values else {})}
    assert grants.selects({"matchExpressions": [one]}, labels) is matches


def test_the_owner_says_in_which_formats_others_get_it() -> None:
    assert grants.formats(credential(all=True), "b") is None
    limited = credential(all=True, **{"as": {"formats": ["env"]}})
    assert grants.formats(limited, "b") == ["env"]
    assert grants.formats(limited, "a") is None
    assert grants.formats(credential(), "b") is None


def test_the_owner_says_which_short_lived_key_others_get() -> None:
    form = {"kind": "SessionToken"}
    limited = credential(all=True, **{"as": {"issue": form}})
    assert grants.issue(limited, "b") == form
    assert grants.issue(limited, "a") is None
    assert grants.issue(credential(all=True), "b") is None
    assert grants.formats(limited, "b") is None
