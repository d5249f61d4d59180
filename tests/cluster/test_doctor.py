"""`kubectl credential doctor` at an installation: what people with many and with few rights are told."""

import json
from typing import Any

from cluster import crds
from cluster.desk import Desk
from cluster.sites import Site
from cluster.space import Json
from controlplane import ControlPlane


def examined(desk: Desk, status: int, *words: str, user: str | None = None) -> dict[str, list[Json]]:
    """Return what was found out, by what it is about; the command must end with this status."""
    answer = desk.run("doctor", "-o", "json", *words, user=user)
    assert answer.returncode == status, answer.stdout + answer.stderr
    found: dict[str, list[Json]] = {}
    document = json.loads(answer.stdout)
    assert document["healthy"] == (status == 0)
    for item in document["items"]:
        found.setdefault(item["check"], []).append(item)
    return found


def states(found: dict[str, list[Json]]) -> dict[str, list[str]]:
    """Return how bad each thing is."""
    return {check: [one["state"] for one in items] for check, items in found.items()}


def message(found: dict[str, list[Json]], check: str) -> str:
    """Return what is said of a thing."""
    return " ".join(one["message"] for one in found[check])


def needed(desk: Desk) -> None:
    """Have a Credential that somebody declared to need."""
    space = desk.space
    space.apply(space.source(space.new_key()), space.credential(), space.reference())
    space.becomes(Ready="True Available")

    def declared() -> Any:
        return space.get("credential", "backups")["status"].get("references", {}).get("declared")

    space.until(declared, "the reference is counted")


def test_an_admin_is_told_of_all_of_it(desk: Desk) -> None:
    needed(desk)

    found = examined(desk, 0)

    # The chart's Deployment has no Pods here: the operator runs beside the control plane.
    assert states(found) == {
        "API server": ["ok"],
        "Clock": ["ok"],
        "Credential": ["ok"],
        "CredentialReference": ["ok"],
        "Operator": ["warning"],
        "Leader": ["ok"],
        "Your rights": ["ok"],
        "ValidatingAdmissionPolicy": ["ok"],
        "MutatingAdmissionPolicy": ["ok"],
        "Policies at work": ["ok", "ok"],
        "Deletion": ["ok"],
        "Credentials": [found["Credentials"][0]["state"]],
        "Validation": ["ok"],
    }
    assert "backups, which is needed, cannot be deleted" in message(found, "Deletion")
    assert desk.space.find("credential", "backups") is not None
    assert "Ask for the role" not in message(found, "Your rights")


def test_few_rights_are_enough(desk: Desk) -> None:
    needed(desk)

    found = examined(desk, 0, user="alice")

    assert {check for check, each in states(found).items() if each == ["hidden"]} == {
        "Operator",
        "ValidatingAdmissionPolicy",
        "MutatingAdmissionPolicy",
    }
    assert states(found)["Policies at work"] == ["ok", "ok"]
    assert "delete --force (admin: force-delete credentials)" in message(found, "Your rights")
    assert f"1 in namespace {desk.space.name}, 1 ready." in message(found, "Credentials")
    looking = examined(desk, 0, user="vera")
    assert "vera may use in namespace" in message(looking, "Your rights")
    assert "create, import --apply (edit: create credentials, create secrets)" in message(
        looking, "Your rights"
    )
    assert states(looking)["Policies at work"] == ["hidden"]
    nobody = examined(desk, 1, user="nobody")
    assert states(nobody)["Your rights"] == ["error"]
    assert states(nobody)["Credentials"] == ["hidden"]


def test_a_table_has_a_line_for_each_and_nothing_is_left_behind(desk: Desk) -> None:
    shown = desk.shown("doctor", user="alice").splitlines()

    assert shown[0].split() == ["CHECK", "STATE", "MESSAGE"]
    assert any(line.startswith("Policies at work") for line in shown)
    assert desk.space.all("credentials") == []


def test_an_operator_that_is_gone_and_a_policy_that_is_not_bound_are_errors(desk: Desk, site: Site) -> None:
    binding = "validatingadmissionpolicybinding/credential-operator-force-delete"
    kept = json.loads(site.plane.kubectl("get", binding, "--output=json").stdout)
    site.plane.kubectl("delete", binding)
    site.operator.kill()
    try:
        desk.space.until(lambda: "Nobody leads" in desk.run("doctor").stdout, "the Lease ends")
        found = examined(desk, 1)
    finally:
        site.operator.start()
        del kept["metadata"]["resourceVersion"], kept["metadata"]["uid"]
        site.plane.kubectl("create", "--filename=-", input=json.dumps(kept))

    assert states(found)["ValidatingAdmissionPolicy"] == ["error"]
    assert "credential-operator-force-delete" in message(found, "ValidatingAdmissionPolicy")
    assert states(found)["Leader"] == ["error"]
    assert "Lease credential-operator/credential-operator was last renewed" in message(found, "Leader")


def test_a_cluster_without_the_operator_and_one_with_an_older_schema_say_so(desk: Desk) -> None:
    with ControlPlane() as bare:
        where = ("--kubeconfig", str(bare.kubeconfig))
        bare.kubectl("create", "namespace", desk.space.name)
        without = examined(desk, 1, *where)
        assert "serves neither kind" in message(without, "Definitions")
        assert states(without)["Operator"] == ["error"]
        assert states(without)["ValidatingAdmissionPolicy"] == ["warning"]

        older = crds.definitions(crds.ROOT / "crds")
        for document in older:
            (version,) = document["spec"]["versions"]
            version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"].pop("description")
        crds.serve(bare, *older)
        desk.space.until(lambda: "older than the plugin" in desk.run("doctor", *where).stdout, "it is served")
        unprotected = examined(desk, 1, *where)
    assert states(unprotected)["Credential"] == ["warning"]
    assert "it lacks spec.description" in message(unprotected, "Credential")
    assert states(unprotected)["Policies at work"] == ["warning", "warning"]


def test_an_api_server_that_does_not_answer_is_all_that_is_told(desk: Desk) -> None:
    found = examined(desk, 1, "--context", "nope")

    assert list(found) == ["API server"]
    assert "has no context nope" in message(found, "API server")
