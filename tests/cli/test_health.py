"""How a cluster is judged by what is seen of it."""

import datetime
from typing import Any

import pytest

from cli import world
from credential_operator import leader
from credential_operator.cli import app, doctor, health
from credential_operator.cli.documents import Credential
from credential_operator.cli.health import Finding, Need, State
from credential_operator.cli.problems import Exit

OK, WARNING, ERROR, HIDDEN = State.OK, State.WARNING, State.ERROR, State.HIDDEN


def later(seconds: float) -> datetime.datetime:
    return world.NOW + datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("version", "state"), [("v1.36.3", OK), ("v1.30.0+k3s1", OK), ("v1.29.9", ERROR), ("custom", OK)]
)
def test_the_api_server_must_be_new_enough(version: str, state: State) -> None:
    assert health.server(version).state is state


@pytest.mark.parametrize(
    ("theirs", "state", "told"),
    [
        (0, OK, "agrees"),
        (1, OK, "agrees"),
        (-5, OK, "agrees"),
        (60, WARNING, "58 s behind the API"),
        (-60, WARNING, "59 s ahead of the API"),
        (-400, ERROR, "399 s ahead of"),
    ],
)
def test_clocks_are_compared(theirs: float, state: State, told: str) -> None:
    found = health.clock(later(theirs), later(0), later(2))

    assert found.state is state
    assert told in found.message


def test_fields_are_compared_wherever_they_stand() -> None:
    text = {"type": "string"}
    schema = {
        "properties": {
            "a": {"properties": {"b": text}},
            "c": {"items": {"properties": {"d": text}}},
            "e": {"additionalProperties": {"properties": {"f": text}}},
        }
    }

    assert {*health.paths(schema)} == {".a", ".a.b", ".c", ".c[].d", ".e", ".e[].f"}
    assert health.definition("Credential", {".a"}, {".a"}).state is OK
    older = health.definition("Credential", {f".a{number}" for number in range(7)}, {".a0"})
    assert (older.state, "lacks a1, a2, a3, a4, a5 and 1 more." in older.message) == (WARNING, True)
    newer = health.definition("Credential", {".a"}, {".a", ".b"})
    assert (newer.state, "does not know: b." in newer.message) == (WARNING, True)


def deployment(wanted: int, ready: int, version: str = "1") -> dict[str, Any]:
    labels = {"app.kubernetes.io/version": version} if version else {}
    return {
        "metadata": {"name": "operator", "namespace": "operators", "labels": labels},
        "spec": {"replicas": wanted},
        "status": {"readyReplicas": ready},
    }


@pytest.mark.parametrize(
    ("found", "states"),
    [
        ([], [ERROR]),
        ([deployment(2, 2)], [OK]),
        ([deployment(2, 1)], [WARNING]),
        ([deployment(2, 0)], [ERROR]),
        ([deployment(0, 0)], [WARNING]),
        ([deployment(1, 1, "2"), deployment(1, 1, "")], [OK, WARNING, OK]),
    ],
)
def test_the_operator_has_to_be_ready(found: list[Any], states: list[State]) -> None:
    assert [one.state for one in health.deployments(found, "1")] == states


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        ({"holderIdentity": "a", "renewTime": world.ago(seconds=3), "leaseDurationSeconds": 15}, OK),
        ({"holderIdentity": "a", "renewTime": world.ago(seconds=31), "leaseDurationSeconds": 15}, ERROR),
        ({"holderIdentity": "", "renewTime": world.ago(seconds=1)}, ERROR),
        ({}, ERROR),
    ],
)
def test_somebody_has_to_lead(spec: dict[str, Any], state: State) -> None:
    assert health.lease("Lease a/b", {"spec": spec}, world.NOW).state is state
    assert leader.NAME == doctor.LEASE


def credential(name: str, *, spec: Any = None, **status: Any) -> Credential:
    whole = {"aws": {}, "secretRef": {"name": "k"}, **(spec or {})}
    ready = status.pop("ready", ("True", "Available"))
    conditions = [world.condition("Ready", *ready)]
    return Credential(world.credential(name, 1, whole, conditions=conditions, **status))


@pytest.mark.parametrize(
    ("one", "states", "told"),
    [
        (credential("a", nextValidationTime=world.ahead(hours=1)), [OK, OK], "1 here, 1 ready."),
        (credential("a", ready=("False", "Rejected")), [WARNING, OK], "Not ready: team-a/a."),
        (credential("a", nextValidationTime=world.ago(hours=1)), [OK, ERROR], "looked at team-a/a"),
        (
            credential("a", spec={"suspend": True}, nextValidationTime=world.ago(hours=1)),
            [OK, OK],
            "None is overdue",
        ),
        (credential("a", observedGeneration=-1), [OK, ERROR], "looked at team-a/a"),
        (credential("a", ready=("True", "ValidationStale")), [OK, WARNING], "asked about team-a/a"),
    ],
)
def test_credentials_have_to_be_looked_at(one: Credential, states: list[State], told: str) -> None:
    found = [*health.credentials("here", [one], world.NOW)]

    assert [each.state for each in found] == states
    assert any(told in each.message for each in found)


def policy(name: str, *warnings: str) -> dict[str, Any]:
    checked = {"expressionWarnings": [*warnings]} if warnings else {}
    return {"metadata": {"name": name}, "status": {"typeChecking": checked}}


def binding(name: str, **fields: Any) -> dict[str, Any]:
    return {"spec": {"policyName": name, **fields}}


@pytest.mark.parametrize(
    ("found", "bindings", "state"),
    [
        ([], [], WARNING),
        ([policy("a")], [binding("a", validationActions=["Deny"])], OK),
        ([policy("a")], [binding("a")], OK),
        ([policy("a")], [binding("a", validationActions=["Audit"])], ERROR),
        ([policy("a"), policy("b")], [binding("a")], ERROR),
        ([policy("a", "x")], [binding("a")], WARNING),
    ],
)
def test_policies_have_to_be_bound(found: list[Any], bindings: list[Any], state: State) -> None:
    assert health.policies("ValidatingAdmissionPolicy", found, bindings).state is state


def test_rights_are_told_by_commands() -> None:
    rules = [
        {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["deployments"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["*"]},
        {"verbs": ["delete"], "apiGroups": ["*"], "resources": ["secrets"], "resourceNames": ["one"]},
    ]
    assert health.granted(rules, Need("patch", "apps", "deployments"))
    assert health.granted(rules, Need("get", "", "secrets"))
    assert not health.granted(rules, Need("delete", "", "secrets"))
    every = {need for _, needs in health.COMMANDS.values() for need in needs}
    assert health.rights("vera", "a", every).message.endswith("delete --force.")
    none = health.rights("nobody", "a", set())
    assert (none.state, "delete --force (admin: force-delete credentials)" in none.message) == (ERROR, True)


def test_only_errors_count() -> None:
    found = [Finding("a", OK, "x"), Finding("b", WARNING, "y"), health.hidden("c")]

    assert health.status(found) is Exit.DONE
    assert health.document(found)["healthy"] is True
    assert health.status([*found, Finding("d", ERROR, "z")]) is Exit.REFUSED
    assert [row[1].text for row in health.table(found).rows] == ["ok", "warning", "hidden"]


def test_every_command_that_takes_rights_is_told_of() -> None:
    told = {word.split()[0] for names in health.COMMANDS for word in names.split(", ")}
    assert app.COMMANDS.keys() - told == {"check", "doctor", "version"}
    assert told <= app.COMMANDS.keys()
