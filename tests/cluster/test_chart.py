"""What `helm install` brings into a cluster, with both values files, and what it lets the operator do."""

import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import replica
from cluster import users
from controlplane import Cluster, ControlPlane
from credential_operator import consumers, leader, settings, shards, workloads

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
LISTED = CHART / "values-namespaces.yaml"
GROUP = users.GROUP
KINDS = ("credentials", "credentialreferences")
POLICIES = (
    *("source", "workload-identity", "targets", "adoption", "target-metadata"),
    *("delete-protection", "reference-audit", "force-delete", "release", "distribute"),
)
EVERYWHERE, PLATFORM = "credential-operator", "platform"
"""Namespaces of the two installations: cluster-wide, and for the namespaces of values-namespaces.yaml."""

Json = dict[str, Any]
Rule = tuple[str, str, str, str]
"""API group, resource, name or "", verb."""

USERS = frozenset(
    [
        *((kind.api_versions[0].rpartition("/")[0], kind.resource) for kind in workloads.KINDS),
        *((rule.group, rule.resource) for rule in consumers.load() if rule.scope == "namespaced"),
    ]
)
"""API group and resource of what is watched for the Secrets that it uses."""

AT_WORK: frozenset[Rule] = frozenset(
    [
        *((GROUP, "credentials", "", verb) for verb in ("get", "list", "watch", "patch", "release")),
        *(
            (GROUP, "credentialreferences", "", verb)
            for verb in ("list", "watch", "create", "patch", "delete")
        ),
        *((GROUP, f"{kind}/status", "", "patch") for kind in KINDS),
        *(("", "secrets", "", verb) for verb in ("get", "list", "watch", "create", "patch", "delete")),
        ("", "events", "", "create"),
        ("", "namespaces", "", "get"),
        *((*kind, "", verb) for kind in USERS for verb in ("get", "list", "watch")),
    ]
)
"""What the operator may do in a namespace that it serves."""

IN_ALL: frozenset[Rule] = frozenset(
    [
        *(("", "namespaces", "", verb) for verb in ("list", "watch")),
        *(
            (rule.group, rule.resource, "", verb)
            for rule in consumers.load()
            if rule.scope == "cluster"
            for verb in ("get", "list", "watch")
        ),
    ]
)
"""What it may do besides where it serves all namespaces."""

AT_HOME: frozenset[Rule] = frozenset(
    [
        ("coordination.k8s.io", "leases", "", "create"),
        *(
            ("coordination.k8s.io", "leases", leader.lease_name(shard), verb)
            for shard in range(shards.MOST)
            for verb in ("get", "update")
        ),
        ("", "secrets", "", "create"),
        ("", "secrets", "credential-operator-installation-key", "get"),
    ]
)
"""What it may do in its own namespace."""

ANYWHERE: frozenset[Rule] = frozenset(
    ("apiextensions.k8s.io", "customresourcedefinitions", f"{kind}.{GROUP}", verb)
    for kind in KINDS
    for verb in ("get", "list", "watch")
)
"""What it may do in the whole cluster in either case."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane of this file's own, whose namespaces refuse Pods that are not restricted."""
    with ControlPlane() as plane:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        for name in (EVERYWHERE, PLATFORM, "team-a", "team-b", "elsewhere"):
            metadata = {"name": name, "labels": labels}
            users.apply(plane, [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
        yield plane


@pytest.fixture(scope="module")
def everywhere(plane: ControlPlane) -> ControlPlane:
    """The chart with its own values."""
    install(plane, EVERYWHERE)
    users.until(lambda: may(plane, EVERYWHERE, EVERYWHERE) > AT_WORK | AT_HOME, "the roles are in force")
    return plane


@pytest.fixture(scope="module")
def listed(everywhere: ControlPlane) -> ControlPlane:
    """The chart for a list of namespaces, beside the other, under the same name."""
    install(everywhere, PLATFORM, f"--values={LISTED}", "--set=crds.install=false")
    for namespace, expected in (("team-a", AT_WORK), ("team-b", AT_WORK), (PLATFORM, AT_HOME)):
        users.until(functools.partial(_may_all, everywhere, namespace, expected), "the roles are in force")
    return everywhere


def install(plane: Cluster, namespace: str, *options: str) -> None:
    plane.helm("upgrade", "--install", "credential-operator", CHART, f"--namespace={namespace}", *options)


# Rendering


@pytest.mark.parametrize("options", [(), (f"--values={LISTED}",)], ids=["cluster-wide", "namespaces"])
def test_lint_finds_nothing(plane: ControlPlane, options: tuple[str, ...]) -> None:
    plane.helm("lint", "--strict", CHART, *options)


@pytest.mark.parametrize(
    "wrong",
    [
        "policies.delteProtection=true",
        "watchNamespaces=team-a",
        "policies.finalizer=maybe",
        "policies.targetMetadata.allowed={a'b}",
        "leaderElection=false",
        "leaderElection=false,replicas=1,shards=2",
        f"shards={shards.MOST + 1}",
        "shards=0",
    ],
)
def test_values_that_mean_nothing_are_refused(plane: ControlPlane, wrong: str) -> None:
    assert plane.helm("template", CHART, f"--set={wrong}", check=False).returncode != 0


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ((), False),
        (("--api-versions=admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",), True),
        (("--set=policies.finalizer=true",), True),
        (
            (
                "--set=policies.finalizer=false",
                "--api-versions=admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
            ),
            False,
        ),
    ],
    ids=["not-served", "served", "wanted", "unwanted"],
)
def test_the_mutating_policy_comes_where_it_is_served_or_as_told(
    plane: ControlPlane, options: tuple[str, ...], *, there: bool
) -> None:
    kinds = {document["kind"] for document in rendered(plane, *options)}

    assert ({"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"} <= kinds) is there


def test_the_charts_definitions_are_those_of_the_repository() -> None:
    def contents(folder: Path) -> dict[str, str]:
        return {path.name: path.read_text() for path in folder.glob("*.yaml")}

    assert contents(CHART / "files" / "crds") == contents(ROOT / "crds")


def test_values_reach_the_operator_as_its_settings(plane: ControlPlane) -> None:
    options = {
        "watchNamespaces": "{team-a,team-b}",
        "leaderElection": "false",
        "replicas": "1",
        "logLevel": "DEBUG",
        "metrics.perCredential": "false",
        "traces.endpoint": "http://collector:4318",
        "endpointPolicy.allow": "{*.minio.svc,10.1.2.3:9000}",
        "endpointPolicy.privateAddresses": "false",
        "endpointPolicy.serviceCIDRs": "{10.0.0.0/24,fd00::/108}",
        "clusterDomain": "example.local",
        "clusterName": "prod-eu",
        "caBundle.configMapName": "authorities",
        "proxy": "http://proxy.example:3128",
    }
    documents = rendered(plane, *(f"--set={name}={value}" for name, value in options.items()))
    (deployment,) = (document for document in documents if document["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    environment = {
        variable["name"]: variable.get("value") or variable["valueFrom"]["fieldRef"]["fieldPath"]
        for variable in container["env"]
    }

    assert {name.removeprefix(settings.PREFIX).lower() for name in environment} <= set(
        settings.Settings.model_fields
    )
    assert settings.load(environment) == settings.Settings(
        namespaces=("team-a", "team-b"),
        own_namespace="metadata.namespace",
        service_account="spec.serviceAccountName",
        identity="metadata.name",
        leader_election=False,
        log_level="DEBUG",
        http_port=8080,
        metrics_per_credential=False,
        traces_endpoint="http://collector:4318",
        endpoint_allow=("*.minio.svc", "10.1.2.3:9000"),
        private_addresses=False,
        service_cidrs=("10.0.0.0/24", "fd00::/108"),
        cluster_domain="example.local",
        cluster_name="prod-eu",
        ca_bundle="/etc/credential-operator/ca/ca.crt",
        proxy="http://proxy.example:3128",
    )


@pytest.mark.parametrize("options", [(), (f"--values={LISTED}",)], ids=["cluster-wide", "namespaces"])
def test_where_nothing_is_distributed_the_operator_makes_no_references(
    plane: ControlPlane, options: tuple[str, ...]
) -> None:
    documents = rendered(plane, *options, "--set=distribution=false")
    verbs = {
        verb
        for document in documents
        if document["kind"] in {"Role", "ClusterRole"}
        and not document["metadata"]["name"].endswith(("view", "edit", "admin"))
        for rule in document["rules"]
        if "credentialreferences" in rule["resources"]
        for verb in rule["verbs"]
    }
    assert verbs == {"list", "watch", "delete"}


def test_the_number_of_shards_reaches_the_operator(plane: ControlPlane) -> None:
    found = {one["kind"]: one for one in render(plane, MATRIX["shards"])}
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    assert settings.load(told).shards == 3


REACHABLE: Json = {
    "enabled": True,
    "providerPorts": [443, 9000],
    "extraEgress": [
        {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "minio"}}}]}
    ],
    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
}
SPREAD = {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
MATRIX: dict[str, Json] = {
    "as it is": {},
    "one replica": {"replicas": 1, "leaderElection": False},
    "shards": {"replicas": 3, "shards": 3},
    "a network policy": {"networkPolicy": REACHABLE},
    "volumes": {
        "extraVolumes": [{"name": "keys", "emptyDir": {}}, {"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "keys", "mountPath": "/keys"}, {"name": "more", "mountPath": "/more"}],
        "caBundle": {"configMapName": "authorities"},
    },
    "placed": {
        "topologySpreadConstraints": [SPREAD, {**SPREAD, "topologyKey": "room"}],
        "nodeSelector": {"role": "platform"},
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
    },
    "all of it": {
        "networkPolicy": REACHABLE,
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}],
        "podAnnotations": {"a": "b"},
        "consumers": [],
        "clusterName": "blue",
        "proxy": "http://proxy.example:3128",
        "image": {"digest": f"sha256:{'0' * 64}"},
    },
}
"""Values that are set together, of which something follows in the manifests."""


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_whatever_is_set_the_api_server_accepts_the_manifests(plane: ControlPlane, values: Json) -> None:
    rendered = render(plane, values)
    users.apply(plane, rendered, "--dry-run=server", "--validate=strict", "--force-conflicts")


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_each_role_for_people_can_be_left_out(plane: ControlPlane, role: str) -> None:
    def roles(values: Json) -> set[str]:
        return {one["metadata"]["name"] for one in render(plane, values) if one["kind"] == "ClusterRole"}

    assert roles({}) - roles({"rbac": {role: False}}) == {f"credential-operator-{role}"}


def test_pods_are_spread_and_one_stays_unless_told_otherwise(plane: ControlPlane) -> None:
    found = {one["kind"]: one for one in render(plane, {})}
    spread = found["Deployment"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    labels = found["Deployment"]["spec"]["selector"]
    assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert [one["labelSelector"] for one in spread] == [labels, labels]
    assert found["PodDisruptionBudget"]["spec"]["selector"] == labels
    assert "NetworkPolicy" not in found

    alone = {one["kind"]: one for one in render(plane, {**MATRIX["one replica"], **MATRIX["placed"]})}
    assert "PodDisruptionBudget" not in alone, "a drain would never end"
    placed = alone["Deployment"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert placed == [SPREAD, {**SPREAD, "topologyKey": "room"}]
    assert "PodDisruptionBudget" not in {one["kind"] for one in render(plane, {"podDisruptionBudget": False})}


def test_a_network_policy_lets_pods_speak_with_what_they_need_alone(plane: ControlPlane) -> None:
    (policy,) = (one for one in render(plane, {"networkPolicy": REACHABLE}) if one["kind"] == "NetworkPolicy")
    dns, others, extra = policy["spec"]["egress"]
    assert {one["port"] for one in dns["ports"]} == {53}
    assert [one["port"] for one in others["ports"]] == [443, 6443, 9000]
    assert extra == REACHABLE["extraEgress"][0]
    assert policy["spec"]["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}], "from": REACHABLE["from"]}
    ]


def render(plane: ControlPlane, values: Json) -> list[Json]:
    """Return what the chart makes of values, without hooks."""
    text = plane.helm(
        "template",
        "credential-operator",
        CHART,
        "--no-hooks",
        f"--namespace={EVERYWHERE}",
        "--values=-",
        input=json.dumps(values),
    ).stdout
    return [one for one in yaml.safe_load_all(text) if one]


# Installing


def test_what_is_installed_for_the_whole_cluster(everywhere: ControlPlane) -> None:
    assert installed(everywhere, EVERYWHERE) == {
        ("Deployment", EVERYWHERE, "credential-operator"),
        ("PodDisruptionBudget", EVERYWHERE, "credential-operator"),
        ("ServiceAccount", EVERYWHERE, "credential-operator"),
        ("Role", EVERYWHERE, "credential-operator-own-namespace"),
        ("RoleBinding", EVERYWHERE, "credential-operator-own-namespace"),
        *(("CustomResourceDefinition", "", f"{kind}.{GROUP}") for kind in KINDS),
        *without_namespace("credential-operator"),
    }


def test_what_is_installed_for_a_list_of_namespaces(listed: ControlPlane) -> None:
    name = "credential-operator-platform"

    assert installed(listed, PLATFORM) == {
        ("Deployment", PLATFORM, "credential-operator"),
        ("PodDisruptionBudget", PLATFORM, "credential-operator"),
        ("ServiceAccount", PLATFORM, "credential-operator"),
        ("Role", PLATFORM, "credential-operator-own-namespace"),
        ("RoleBinding", PLATFORM, "credential-operator-own-namespace"),
        *itertools.product(("Role", "RoleBinding"), ("team-a", "team-b"), (name,)),
        *without_namespace(name),
    }


def test_the_operator_may_do_in_every_namespace_what_it_needs_and_no_more(everywhere: ControlPlane) -> None:
    assert may(everywhere, EVERYWHERE, "elsewhere") == AT_WORK | ANYWHERE | IN_ALL
    assert may(everywhere, EVERYWHERE, EVERYWHERE) == AT_WORK | ANYWHERE | IN_ALL | AT_HOME


def test_the_operator_of_some_namespaces_may_do_nothing_elsewhere(listed: ControlPlane) -> None:
    assert may(listed, PLATFORM, "team-a") == AT_WORK | ANYWHERE
    assert may(listed, PLATFORM, "team-b") == AT_WORK | ANYWHERE
    assert may(listed, PLATFORM, PLATFORM) == AT_HOME | ANYWHERE
    assert may(listed, PLATFORM, "elsewhere") == ANYWHERE


@pytest.mark.parametrize(("namespace", "answer"), [("team-a", "yes"), ("elsewhere", "no")])
def test_a_role_in_a_namespace_is_leave_to_read_that_namespace(
    listed: ControlPlane, namespace: str, answer: str
) -> None:
    question = ("auth", "can-i", "get", f"namespaces/{namespace}", f"--namespace={namespace}")

    assert listed.kubectl(*question, impersonate=account(PLATFORM), check=False).stdout.strip() == answer


def test_no_role_has_a_wildcard(listed: ControlPlane) -> None:
    for namespace in (EVERYWHERE, PLATFORM):
        for document in manifest(listed, namespace):
            if document["kind"] in {"Role", "ClusterRole"}:
                words = [word for rule in document["rules"] for list_ in rule.values() for word in list_]
                assert "*" not in words, document["metadata"]["name"]


def test_pods_are_restricted_and_there_are_two(everywhere: ControlPlane) -> None:
    def pods() -> list[Any]:
        question = ("get", "pods", f"--namespace={EVERYWHERE}", "--output=json")
        return list(json.loads(everywhere.kubectl(*question).stdout)["items"])

    users.until(lambda: len(pods()) == 2, "two Pods are admitted to a restricted namespace")

    assert {pod["spec"]["containers"][0]["image"] for pod in pods()} == {"credential-operator:0.1.0"}


def test_policies_of_a_list_leave_other_namespaces_alone(listed: ControlPlane) -> None:
    """Of the two installations only the listed one is looked at, since the other refuses everywhere."""
    users.apply(listed, [binding("carl")])
    listed.helm("uninstall", "credential-operator", f"--namespace={EVERYWHERE}", "--no-hooks")
    attempts = dict.fromkeys(("team-a", "elsewhere"), ("create", "--filename=-", "--dry-run=server"))

    def answers() -> dict[str, bool]:
        return {
            namespace: listed.kubectl(
                *attempt,
                input=json.dumps(users.credential("probe", namespace)),
                impersonate="carl",
                check=False,
            ).returncode
            == 0
            for namespace, attempt in attempts.items()
        }

    users.until(lambda: answers() == {"team-a": False, "elsewhere": True}, "refused in team-a only")


def test_uninstalling_keeps_credentials_and_installing_again_takes_them_back(listed: ControlPlane) -> None:
    install(listed, EVERYWHERE)
    replica.wait_until_in_force(listed, namespace="elsewhere")
    listed.kubectl("create", "--filename=-", input=json.dumps(users.credential("kept", "elsewhere")))

    listed.helm("uninstall", "credential-operator", f"--namespace={EVERYWHERE}", "--no-hooks")
    assert listed.kubectl("get", "credential", "kept", "--namespace=elsewhere", "--output=name").stdout
    install(listed, EVERYWHERE)

    assert listed.kubectl("get", "credential", "kept", "--namespace=elsewhere", "--output=name").stdout


# What the tests share


def rendered(plane: Cluster, *options: str) -> list[users.Json]:
    output = plane.helm("template", "credential-operator", CHART, *options).stdout
    return [document for document in yaml.safe_load_all(output) if document]


def manifest(plane: Cluster, namespace: str) -> list[users.Json]:
    output = plane.helm("get", "manifest", "credential-operator", f"--namespace={namespace}").stdout
    return [document for document in yaml.safe_load_all(output) if document]


def installed(plane: Cluster, namespace: str) -> set[tuple[str, str, str]]:
    """Return kind, namespace and name of everything in a release."""
    return {
        (document["kind"], document["metadata"].get("namespace", ""), document["metadata"]["name"])
        for document in manifest(plane, namespace)
    }


def without_namespace(name: str) -> set[tuple[str, str, str]]:
    """Return what either installation has that belongs to no namespace, besides the definitions."""
    policies = itertools.product(("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"), POLICIES)
    return {
        ("ClusterRole", "", name),
        ("ClusterRoleBinding", "", name),
        *(("ClusterRole", "", f"{name}-{role}") for role in ("view", "edit", "admin")),
        *((kind, "", f"{name}-{policy}") for kind, policy in policies),
        ("MutatingAdmissionPolicy", "", f"{name}-finalizer"),
        ("MutatingAdmissionPolicyBinding", "", f"{name}-finalizer"),
    }


def account(namespace: str) -> str:
    return f"system:serviceaccount:{namespace}:credential-operator"


def _may_all(plane: Cluster, namespace: str, rules: frozenset[Rule]) -> bool:
    return may(plane, PLATFORM, namespace) >= rules


def may(plane: Cluster, installation: str, namespace: str) -> frozenset[Rule]:
    """Return what an installation's operator may do in a namespace, without what every account may."""
    everybody = reviewed(plane, "system:serviceaccount:default:default", namespace)
    return reviewed(plane, account(installation), namespace) - everybody


def reviewed(plane: Cluster, user: str, namespace: str) -> frozenset[Rule]:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = plane.kubectl(
        *("create", "--filename=-", "--output=json", "--validate=false"),
        input=json.dumps(review),
        impersonate=user,
    ).stdout
    return frozenset(
        rule
        for found in json.loads(answer)["status"]["resourceRules"]
        for rule in itertools.product(
            found["apiGroups"], found["resources"], found.get("resourceNames", [""]), found["verbs"]
        )
    )


def binding(name: str) -> users.Json:
    """Return what gives a person the chart's role for editors in every namespace."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "credential-operator-platform-edit"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": name}],
    }
