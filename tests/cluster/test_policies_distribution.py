"""Who may distribute a Credential: what the chart's policies say to it."""

from typing import Any

import pytest

from cluster import policies, users
from cluster.policies import OPERATOR, TARGET, TEAM, Policed
from cluster.users import credential, patch

policed, unique = policies.policed, policies.unique

SHARED = {"allowedNamespaces": {"names": ["team-b"]}, "distribute": {"target": TARGET}}
WORDS = "need the verb distribute on credentials in all namespaces"


@pytest.fixture
def dana(policed: Policed) -> users.User:
    """Somebody of the platform, who has the role admin everywhere."""
    words = ("create", "clusterrolebinding", "dana", "--clusterrole=admin", "--user=dana")
    policed.plane.kubectl(*words, check=False)
    dana = policed.user("dana")
    question = ("auth", "can-i", "distribute", f"credentials.{users.GROUP}", "--all-namespaces")
    users.until(
        lambda: policed.plane.kubectl(*question, impersonate="dana", check=False).returncode == 0,
        "her role is in force",
    )
    return dana


@pytest.mark.parametrize("name", ["alice", "adam"], ids=["edit", "admin of one namespace"])
@pytest.mark.parametrize("wanted", [{"target": TARGET}, {"advertise": True}], ids=["a target", "an offer"])
def test_who_holds_the_verb_in_a_namespace_only_does_not_distribute(
    policed: Policed, unique: str, name: str, wanted: users.Json
) -> None:
    document = credential(unique, TEAM, **{**SHARED, "distribute": wanted})
    refusal = policed.user(name).refused("create", "--filename=-", document=document)
    assert refusal.policy == "distribute"
    assert WORDS in refusal.message

    policed.credential(unique, allowedNamespaces=SHARED["allowedNamespaces"])
    assert policed.user(name).refused(*patch(unique, {"spec": SHARED})).policy == "distribute"


def test_who_holds_the_verb_everywhere_distributes(policed: Policed, unique: str, dana: users.User) -> None:
    dana.create(credential(unique, TEAM, **SHARED))
    dana.kubectl(*patch(unique, {"spec": {"allowedNamespaces": {"names": ["team-b", "team-c"]}}}))


@pytest.mark.parametrize(
    "change",
    [
        {"allowedNamespaces": {"names": ["team-b", "team-c"]}},
        {"allowedNamespaces": {"all": True}},
        {"distribute": {"target": {"name": "another"}}},
    ],
    ids=["to another namespace", "to all", "under another name"],
)
def test_more_of_it_needs_the_verb_too(policed: Policed, unique: str, change: dict[str, Any]) -> None:
    policed.credential(unique, **SHARED)
    refusal = policed.user("alice").refused(*patch(unique, {"spec": change}))
    assert refusal.policy == "distribute"


def test_the_rest_stays_editable_and_anybody_may_end_it(policed: Policed, unique: str) -> None:
    policed.credential(unique, **SHARED)
    alice = policed.user("alice")
    alice.kubectl(*patch(unique, {"spec": {"displayName": "nightly"}}))
    alice.kubectl(*patch(unique, {"spec": {"distribute": None}}))
    assert alice.refused(*patch(unique, {"spec": SHARED})).policy == "distribute"


def test_what_is_distributed_triggers_no_other_controllers(
    policed: Policed, unique: str, dana: users.User
) -> None:
    marked = TARGET | {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}
    document = credential(unique, TEAM, **{**SHARED, "distribute": {"target": marked}})
    assert dana.refused("create", "--filename=-", document=document).policy == "target-metadata"


def test_the_operator_puts_its_finalizer_on_what_is_distributed(policed: Policed, unique: str) -> None:
    document = credential(unique, TEAM, **SHARED)
    policed.user().create(document)
    policed.user(OPERATOR).kubectl(*patch(unique, {"metadata": {"finalizers": [users.FINALIZER]}}))


def test_a_refusal_to_delete_does_not_advise_to_delete_what_the_operator_made(
    policed: Policed, unique: str
) -> None:
    policed.used(unique, "team-a/hourly", "team-b/mirror", "team-c/backups")
    references = {"distributed": 1}
    policed.user().kubectl(*patch(unique, {"status": {"references": references}}, "--subresource=status"))

    assert policed.user("alice").refused("delete", "credential", unique).message == (
        "in use by CredentialReferences hourly, team-b/mirror, team-c/backups; release them first: "
        "kubectl delete credentialreference hourly -n team-a; "
        "kubectl delete credentialreference mirror -n team-b; "
        "those that spec.distribute made end when nothing uses their Secrets any more"
    )
