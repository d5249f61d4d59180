"""What the chart brings for Prometheus and Grafana, judged by the Prometheus operator's own definitions."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from controlplane import ControlPlane, tools

CHART = pathlib.Path(__file__).parents[2] / "deploy" / "chart"
GROUP = "monitoring.coreos.com"
KINDS = ("podmonitors", "prometheusrules")
LABELS = {"release": "kube-prometheus-stack"}
SWITCHED_ON = {
    "podMonitor": {"enabled": True, "labels": LABELS, "interval": "1m30s"},
    "rules": {"enabled": True, "labels": LABELS, "repository": "https://git.example.com/platform/main/"},
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def monitored(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Give a cluster that has the Prometheus operator's kinds."""
    files = [tools.path("definitions") / f"{GROUP}_{kind}.yaml" for kind in KINDS]
    names = [f"customresourcedefinition/{kind}.{GROUP}" for kind in KINDS]
    plane.kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    yield plane
    plane.kubectl("delete", *names)


def rendered(plane: ControlPlane, metrics: Json) -> dict[str, Json]:
    """Return what the chart makes with these values: kind -> object, of each kind the last."""
    text = plane.helm(
        *("template", "credential-operator", CHART, "--no-hooks", "--values=-"),
        input=json.dumps({"metrics": metrics}),
    ).stdout
    return {one["kind"]: one for one in yaml.safe_load_all(text) if one}


def alerts(rules: Json) -> dict[str, Json]:
    """Return the alerts of a PrometheusRule by their names, of each name the last."""
    return {rule["alert"]: rule for group in rules["spec"]["groups"] for rule in group["rules"]}


def test_nothing_is_there_for_prometheus_and_grafana_unless_it_is_wanted(plane: ControlPlane) -> None:
    assert {"PodMonitor", "PrometheusRule", "ConfigMap"}.isdisjoint(rendered(plane, {}))


def test_the_prometheus_operators_definitions_accept_what_is_there(monitored: ControlPlane) -> None:
    found = rendered(monitored, SWITCHED_ON)
    monitor, rules = found["PodMonitor"], found["PrometheusRule"]
    for one in (monitor, rules):
        assert one["metadata"]["labels"].items() >= LABELS.items()
        monitored.kubectl(
            *("create", "--dry-run=server", "--validate=strict", "--filename=-"), input=json.dumps(one)
        )


def test_the_monitor_finds_the_pods_and_their_port(plane: ControlPlane) -> None:
    found = rendered(plane, SWITCHED_ON)
    pods = found["Deployment"]["spec"]["template"]
    spec = found["PodMonitor"]["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]

    assert spec["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in pods["spec"]["containers"][0]["ports"]}
    assert endpoint["interval"] == "1m30s"
    assert endpoint["honorLabels"] is True, "a series' namespace is the Credential's"


def test_the_rules_are_those_of_the_file_and_say_where_their_runbooks_are(plane: ControlPlane) -> None:
    rules = rendered(plane, SWITCHED_ON)["PrometheusRule"]
    written = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())

    text = json.dumps(rules["spec"]).replace("https://git.example.com/platform/main/docs/", "docs/")

    assert json.loads(text) == written
    assert text != json.dumps(rules["spec"])


def test_without_series_of_each_credential_no_alert_needs_them(plane: ControlPlane) -> None:
    every = alerts(rendered(plane, SWITCHED_ON)["PrometheusRule"])
    without = alerts(rendered(plane, {**SWITCHED_ON, "perCredential": False})["PrometheusRule"])

    assert every.keys() - without.keys() == {"CredentialExpiring"}
    assert not [name for name, rule in without.items() if "expiry" in rule["expr"]]


def test_grafanas_sidecar_finds_the_dashboard_as_it_is_written(plane: ControlPlane) -> None:
    values = {"enabled": True, "annotations": {"grafana_folder": "Platform"}}
    found = rendered(plane, {"dashboard": values})["ConfigMap"]

    plane.kubectl("create", "--dry-run=server", "--validate=strict", "--filename=-", input=json.dumps(found))
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "Platform"}
    (text,) = found["data"].values()
    assert json.loads(text) == json.loads((CHART / "files" / "dashboard.json").read_text())
