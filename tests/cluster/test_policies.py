"""Who may do what to a Credential: the API server itself accepts and refuses, by the chart's policies."""

import json
from collections.abc import Callable

import pytest

from cluster import policies, users
from cluster.policies import ALLOWED, OPERATOR, TARGET, TEAM, Policed
from cluster.users import FINALIZER, FORCE_DELETE, credential, patch

policed, unique = policies.policed, policies.unique
reinstall = policies.reinstall

SWITCHES = (
    *("source", "workloadIdentity", "targets", "targetMetadata.enabled", "deleteProtection"),
    *("distribute", "referenceAudit", "targetProtection", "forceDelete", "release", "finalizer"),
)
"""The chart's values below `policies` that switch one off each."""


# Who may


@pytest.mark.parametrize("name", ["rita", "paul", "alice", "adam"])
def test_who_may_read_the_source_or_create_pods_may_create_a_credential(policed: Policed, name: str) -> None:
    policed.user(name).create(credential(f"by-{name}-{policed.finalizer}".lower(), TEAM))


def test_who_may_not_read_the_source_may_not_create_a_credential(policed: Policed) -> None:
    refusal = policed.user("carl").refused("create", "--filename=-", document=credential("stolen", TEAM))

    assert refusal == users.Refusal(
        "source",
        "you may neither get Secret backups-keys nor create Pods in namespace team-a: "
        "who says where a key is sent must be able to read it",
    )


def test_leave_to_read_one_secret_is_none_for_another(policed: Policed) -> None:
    other = credential("other", TEAM, secretRef={"name": "cluster-admin-token"})

    assert policed.user("rita").refused("create", "--filename=-", document=other).policy == "source"


@pytest.mark.parametrize(
    "change",
    [
        {"s3": {"endpoint": "https://collector.example"}},
        {"secretRef": {"name": "others-keys"}},
        {"secretRef": {"keys": {"accessKeyID": "password"}}},
        {"targets": [{"name": "mine", "format": "env"}]},
    ],
    ids=["endpoint", "source", "keys", "target"],
)
def test_who_may_not_read_the_source_may_not_send_its_key_elsewhere(
    policed: Policed, credential_of_admin: str, change: users.Json
) -> None:
    refusal = policed.user("carl").refused(*patch(credential_of_admin, {"spec": change}))

    assert refusal.policy in {"source", "targets"}


def test_who_says_where_a_renewed_key_is_sent_may_read_it_and_may_create_its_secret(
    policed: Policed, unique: str
) -> None:
    document = credential(unique, TEAM)
    del document["spec"]["s3"]
    document["spec"]["aws"] = {"region": "eu-west-1"}
    rita, tom = policed.user("rita"), policed.user("tom")
    rita.create(document)
    renewed = {"spec": {"rotation": {"store": f"{unique}-kept"}}}
    assert rita.refused(*patch(unique, renewed)).policy in {"source", "targets"}
    tom.kubectl(*patch(unique, renewed))

    rita.kubectl(*patch(unique, {"spec": {"description": "who may not, may change the rest"}}))
    refusal = rita.refused(*patch(unique, {"spec": {"aws": {"endpoint": "https://collector.example"}}}))
    assert refusal == users.Refusal(
        "source",
        f"you may neither get Secret {unique}-kept nor create Pods in namespace team-a: "
        "who says where a key is sent must be able to read it",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": "Nightly", "description": "…", "owner": {"team": "storage"}, "suspend": True},
        {"validation": {"interval": "2h"}, "whenReferenced": "Hold"},
        {
            "targetDeletionPolicy": "Retain",
            "expiresAt": "2027-01-31T00:00:00Z",
            "expiry": {"warnBefore": "24h"},
        },
        {"targets": None},
    ],
    ids=["words", "behaviour", "ends", "fewer-targets"],
)
def test_what_leaves_the_key_where_it_is_may_be_changed_without_reading_it(
    policed: Policed, credential_of_admin: str, change: users.Json
) -> None:
    policed.user("carl").kubectl(*patch(credential_of_admin, {"spec": change}))


def test_who_may_read_the_source_may_send_its_key_elsewhere(
    policed: Policed, credential_of_admin: str
) -> None:
    policed.user("rita").kubectl(
        *patch(credential_of_admin, {"spec": {"s3": {"endpoint": "https://s3.example"}}})
    )


@pytest.mark.parametrize("name", ["ida", "paul", "alice", "adam"])
def test_who_may_make_a_token_or_create_pods_may_name_its_account(policed: Policed, name: str) -> None:
    policed.user(name).create(keyless(f"keyless-by-{name}-{policed.finalizer}".lower()))


def test_who_may_not_make_a_token_may_not_have_it_sent(policed: Policed) -> None:
    refusal = policed.user("tom").refused("create", "--filename=-", document=keyless("lent"))

    assert refusal == users.Refusal(
        "workload-identity",
        "you may neither create tokens of ServiceAccount backup nor create Pods in namespace team-a: "
        "who says where its tokens are sent must be able to make them",
    )
    other = keyless("other", serviceAccountName="cluster-admin")
    assert policed.user("ida").refused("create", "--filename=-", document=other).policy == "workload-identity"


def test_who_may_not_make_a_token_may_change_what_does_not_send_it(policed: Policed, unique: str) -> None:
    policed.user("ida").create(keyless(unique))
    carl = policed.user("carl")
    carl.kubectl(*patch(unique, {"spec": {"displayName": "Nightly", "discoverReach": True}}))
    change = {"spec": {"aws": {"endpoint": "https://collector.example"}}}
    assert carl.refused(*patch(unique, change)).policy == "workload-identity"


def keyless(name: str, **identity: str) -> users.Json:
    """Return a Credential that needs no stored key."""
    document = credential(name, TEAM)
    role = "arn:aws:iam::123456789012:role/backup"
    document["spec"] = {
        "aws": {"region": "eu-west-1"},
        "workloadIdentity": {"serviceAccountName": "backup", "roleARN": role} | identity,
    }
    return document


def test_who_may_not_create_secrets_gets_no_target(policed: Policed) -> None:
    refusal = policed.user("rita").refused(
        "create", "--filename=-", document=credential("planted", TEAM, targets=[TARGET])
    )

    assert refusal == users.Refusal(
        "targets",
        "you may not create Secrets in namespace team-a, so the operator does not do it for you: "
        "leave targets out, or have them added by someone who may",
    )


def test_the_targets_of_references_are_for_the_same_people_and_carry_the_same_marks(
    policed: Policed, unique: str
) -> None:
    rita, tom = policed.user("rita"), policed.user("tom")
    claim = users.reference(unique, TEAM)
    rita.create(claim)
    lent = {"spec": {"target": TARGET}}
    change = ("patch", "credentialreference", unique, "--type=merge")

    assert rita.refused(*change, f"--patch={json.dumps(lent)}").policy == "targets"
    tom.kubectl(*change, f"--patch={json.dumps(lent)}")
    marked = {"spec": {"target": TARGET | {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}}}
    assert tom.refused(*change, f"--patch={json.dumps(marked)}").policy == "target-metadata"
    rita.kubectl(*change, '--patch={"spec":{"description":"who may not, may change the rest"}}')


def test_who_may_create_secrets_gets_targets(policed: Policed, unique: str) -> None:
    tom = policed.user("tom")
    tom.create(credential(unique, TEAM, targets=[TARGET]))

    tom.kubectl(*patch(unique, {"spec": {"targets": [TARGET, {"name": "second", "format": "velero"}]}}))


def test_a_changed_target_counts_as_a_new_one(policed: Policed, credential_of_admin: str) -> None:
    changed = TARGET | {"labels": {"team": "storage"}}

    assert policed.user("rita").refused(
        *patch(credential_of_admin, {"spec": {"targets": [changed]}})
    ).policy == ("targets")


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize(
    "key",
    [
        "argocd.argoproj.io/secret-type",
        "sealedsecrets.bitnami.com/managed",
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "replicator.v1.mittwald.de/replicate-to",
        "kubernetes.io/service-account.name",
        "app.kubernetes.io/managed-by",
    ],
)
def test_targets_carry_no_marks_that_other_controllers_act_on(policed: Policed, where: str, key: str) -> None:
    targets = [TARGET | {where: {key: "true", "fine": "true"}}]

    refusal = policed.user("alice").refused(
        "create", "--filename=-", document=credential("marked", TEAM, targets=targets)
    )

    assert refusal == users.Refusal(
        "target-metadata",
        f"labels and annotations of targets may not be those that other controllers act on: {key} "
        "(an administrator can allow a key: chart value policies.targetMetadata.allowed)",
    )


def test_other_marks_are_fine_and_so_are_those_the_administrator_allows(
    policed: Policed, unique: str
) -> None:
    marks = {"my-kubernetes.io/tier": "gold", "team": "storage", ALLOWED: "shop"}

    policed.user("alice").create(credential(unique, TEAM, targets=[TARGET | {"labels": marks}]))


def test_only_the_operator_writes_a_status(policed: Policed, credential_of_admin: str) -> None:
    change = patch(credential_of_admin, {"status": {"references": {"declared": 0}}}, "--subresource=status")

    for name in ("vera", "alice", "adam", "carl"):
        policed.user(name).forbidden(*change)
    policed.user(OPERATOR).kubectl("auth", "can-i", "patch", "credentials", "--subresource=status")


def test_admin_alone_clears_away_at_once_what_edit_writes(policed: Policed, unique: str) -> None:
    reference = {
        "apiVersion": users.API_VERSION,
        "kind": "CredentialReference",
        "metadata": {"name": unique, "namespace": TEAM},
        "spec": {"credentialRef": {"name": "backups"}},
    }
    collection = f"/apis/{users.API_VERSION}/namespaces/{TEAM}/credentialreferences"
    alone = f"{collection}?fieldSelector=metadata.name%3D{unique}"
    vera, alice, adam = (policed.user(name) for name in ("vera", "alice", "adam"))

    alice.create(reference)
    vera.kubectl("get", "credentials,credentialreferences")
    vera.forbidden("delete", "credentialreference", unique)
    vera.forbidden("create", "--filename=-", document=credential(unique, TEAM))
    alice.forbidden("delete", "--raw", alone)
    alice.kubectl("delete", "credentialreference", unique)

    alice.create(reference)
    adam.kubectl("delete", "--raw", alone)
    assert adam.kubectl("get", "credentialreference", unique, "--ignore-not-found") == ""


# Cost


def test_the_largest_object_is_within_the_cost_limits(policed: Policed, unique: str) -> None:
    renewed = {"store": "k" * 253, "interval": "720h"}
    document = credential(
        unique, TEAM, secretRef={"name": "s" * 253}, targets=policies.largest_targets("a"), rotation=renewed
    )
    del document["spec"]["s3"]
    document["spec"]["aws"] = {"region": "us-east-1"}
    tom = policed.user("tom")
    tom.create(document)

    document["spec"] |= {"aws": {"region": "eu-west-1"}, "targets": policies.largest_targets("b")}
    tom.kubectl("replace", "--filename=-", document=document)
    document["spec"]["targets"] = policies.largest_targets("c")
    refusal = policed.user("carl").refused("replace", "--filename=-", document=document)

    assert refusal.policy in {"source", "targets"}
    assert "cost" not in refusal.message


def test_as_many_domains_as_the_chart_takes_are_within_the_cost_limits(
    policed: Policed, unique: str, reinstall: Callable[..., None]
) -> None:
    """The dearest case: every key is below the last refused domain, and allowed by the last beginning."""
    targets = policies.largest_targets("a", domain=f"{'.'.join(['d' * 58] * 4)}.last.example")
    document = credential(unique, TEAM, targets=targets)
    refused = [f"{number:02}.example" for number in range(23)]
    allowed = [f"{number:02}.example" for number in range(15)]

    reinstall(f"targetMetadata.refused={{{','.join([*refused, 'last.example'])}}}")
    users.until(lambda: not policed.may_create(document, "--dry-run=server"), "the last domain is refused")
    reinstall(
        f"targetMetadata.refused={{{','.join([*refused, 'last.example'])}}}",
        f"targetMetadata.allowed={{{','.join([*allowed, 'd'])}}}",
    )

    users.until(lambda: policed.may_create(document, "--dry-run=server"), "the last beginning is allowed")
    shared = {"allowedNamespaces": {"all": True}, "distribute": {"target": targets[0]}}
    document["spec"] |= shared
    policed.user().kubectl("create", "--filename=-", "--dry-run=server", document=document)


def test_the_api_server_finds_no_fault_in_the_expressions(
    policed: Policed, reinstall: Callable[..., None]
) -> None:
    """It looks once at each policy, so they are made anew now that it knows the definitions."""

    def listed() -> list[users.Json]:
        answer = policed.plane.kubectl("get", "validatingadmissionpolicies", "--output=json").stdout
        return list(json.loads(answer)["items"])

    reinstall(*(f"{switch}=false" for switch in SWITCHES))
    assert not listed()
    reinstall()
    users.until(
        lambda: all("typeChecking" in policy.get("status", {}) for policy in listed()),
        "every policy's types are checked",
    )

    assert {policy["metadata"]["name"]: policy["status"]["typeChecking"] for policy in listed()} == {
        f"credential-operator-{name}": {}
        for name in (
            *("source", "workload-identity", "targets", "adoption", "target-metadata", "distribute"),
            *("delete-protection", "reference-audit", "target-protection", "force-delete", "release"),
        )
    }


# Switched off


def test_each_policy_can_be_switched_off(
    policed: Policed, unique: str, reinstall: Callable[..., None]
) -> None:
    alice, carl = policed.user("alice"), policed.user("carl")
    marked = TARGET | {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}
    document = credential(unique, TEAM, targets=[marked])

    reinstall(*(f"{switch}=false" for switch in SWITCHES))
    users.until(lambda: policed.may_create(document), "no policy refuses it")
    users.until(lambda: not policed.mutates(), "no policy puts the finalizer on")

    alice.kubectl("annotate", "credential", unique, f"{FORCE_DELETE}=")
    alice.kubectl(*patch(unique, {"metadata": {"finalizers": [FINALIZER]}}))
    alice.kubectl(*patch(unique, {"metadata": {"finalizers": None}}))
    carl.kubectl(*patch(unique, {"spec": {"secretRef": {"name": "others-keys"}}}))
    status = {"references": {"count": 1, "declared": 1}}
    policed.user().kubectl(*patch(unique, {"status": status}, "--subresource=status"))
    carl.kubectl("delete", "credential", unique)
    assert not policed.plane.kubectl("get", "validatingadmissionpolicies", "--output=name").stdout


def test_what_a_policy_would_refuse_today_stays_editable(
    policed: Policed, unique: str, reinstall: Callable[..., None]
) -> None:
    alice = policed.user("alice")
    marked = TARGET | {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}
    document = credential(unique, TEAM, targets=[marked])
    reinstall("targetMetadata.enabled=false")
    users.until(lambda: policed.may_create(document), "the policy is gone")
    document["metadata"]["name"] = f"{unique}-2"
    reinstall("targetMetadata.enabled=true")
    users.until(lambda: not policed.may_create(document, "--dry-run=server"), "the policy is in force")

    renamed = {"displayName": "from before", "targets": [marked, TARGET | {"name": "second"}]}
    alice.kubectl(*patch(unique, {"spec": renamed}))

    again = marked | {"name": "again"}
    refusal = alice.refused(*patch(unique, {"spec": {"targets": [marked, again]}}))
    assert refusal.policy == "target-metadata"


def test_a_platform_may_ask_every_new_credential_whom_it_belongs_to(
    policed: Policed, unique: str, reinstall: Callable[..., None]
) -> None:
    alice, before = policed.user("alice"), policed.credential(f"{unique}-before")
    nobodys = credential(f"{unique}-nobodys", TEAM, description="Nightly backups", owner={})
    reinstall("require={owner,description}")
    users.until(lambda: not policed.may_create(nobodys, "--dry-run=server"), "the policy is in force")

    assert alice.refused("create", "--filename=-", document=nobodys) == users.Refusal(
        "require",
        "spec.owner is missing: every Credential of this cluster says whom to ask about it "
        "(owner.team or owner.contact) (chart value policies.require)",
    )
    owned = alice.create(
        credential(f"{unique}-owned", TEAM, description="Backups", owner={"team": "storage"})
    )
    assert alice.refused(*patch(owned, {"spec": {"owner": None}})).policy == "require"
    assert "spec.description" in alice.refused(*patch(owned, {"spec": {"description": None}})).message

    alice.kubectl(*patch(before, {"spec": {"displayName": "from before"}}))
    alice.kubectl("delete", "credential", owned, "--wait=false")


# What the tests share


@pytest.fixture
def credential_of_admin(policed: Policed, unique: str) -> str:
    """A Credential with a target that somebody else made."""
    return policed.credential(f"{unique}-x", targets=[TARGET])
