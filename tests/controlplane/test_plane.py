"""The control plane is a real one, and does what the tests of the operator need of it."""

import datetime as dt
import json
import socket
import sys
import time
from collections.abc import Callable

import pytest

from controlplane import CommandError, ControlPlane, ports, processes, store

DEADLINE_SECONDS = 60.0
HOUR = dt.timedelta(hours=1)


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def exists(plane: ControlPlane, *names: str) -> bool:
    return plane.kubectl("get", *names, check=False).returncode == 0


def test_two_run_side_by_side(plane: ControlPlane) -> None:
    with ControlPlane() as other:
        assert other.url != plane.url
        other.kubectl("create", "configmap", "only-here")
        assert exists(other, "configmap", "only-here")
        assert not exists(plane, "configmap", "only-here")
        assert set(other.pids().values()).isdisjoint(plane.pids().values())
    assert not other.directory.exists()
    assert exists(plane, "namespace", "default")


def test_data_survives_a_crash_of_both_servers() -> None:
    with ControlPlane(durable=True) as plane:
        plane.kubectl("create", "configmap", "kept")
        url = plane.url
        plane.kill_apiserver()
        assert not exists(plane, "configmap", "kept")
        plane.start_apiserver()
        assert exists(plane, "configmap", "kept")
        plane.kill_etcd()
        assert not exists(plane, "configmap", "kept", "--request-timeout=1s")
        plane.start_etcd()
        assert exists(plane, "configmap", "kept")
        assert plane.url == url


def test_a_port_that_another_program_takes_is_changed_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((ports.ADDRESS, 0))
        taken.listen()
        calls: list[int] = []
        free = ports.free

        def first_unlucky(count: int) -> list[int]:
            calls.append(count)
            found = free(count)
            return [*found[:2], taken.getsockname()[1], found[3]] if len(calls) == 1 else found

        monkeypatch.setattr(ports, "free", first_unlucky)
        with ControlPlane() as plane:
            assert exists(plane, "namespace", "default")
        assert calls == [4, 4]


def test_a_start_that_fails_says_why_and_leaves_nothing() -> None:
    plane = ControlPlane(extra_flags=("--no-such-flag",))
    with pytest.raises(processes.ProcessError, match="no-such-flag"), plane:
        pass
    assert not plane.directory.exists()


def test_a_token_has_the_rights_of_its_service_account_only(plane: ControlPlane) -> None:
    plane.kubectl("create", "serviceaccount", "reader")
    plane.kubectl("create", "rolebinding", "reader", "--clusterrole=view", "--serviceaccount=default:reader")
    file = plane.kubeconfig_for("reader", plane.token("default", "reader", duration=HOUR))
    assert file.parent == plane.directory
    assert file.stat().st_mode & 0o077 == 0
    with ControlPlane.existing(file) as reader:
        assert "kube-root-ca.crt" in reader.kubectl("get", "configmaps").stdout
        with pytest.raises(
            CommandError, match='User "system:serviceaccount:default:reader" cannot list resource "secrets"'
        ):
            reader.kubectl("get", "secrets")


def test_kubectl_and_helm_impersonate(plane: ControlPlane) -> None:
    said = plane.kubectl("auth", "whoami", "--output=json", impersonate="jane", groups=("dev", "ops")).stdout
    user = json.loads(said)["status"]["userInfo"]
    assert user["username"] == "jane"
    assert {"dev", "ops"} <= set(user["groups"])
    refused = plane.helm("list", impersonate="jane", groups=("dev",), check=False)
    assert refused.returncode != 0
    assert 'User "jane" cannot list resource "secrets"' in refused.stderr
    assert plane.helm("list").returncode == 0


def test_kubectl_reads_its_input(plane: ControlPlane) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "from-input"}}
    plane.kubectl("apply", "--filename=-", input=json.dumps(manifest))
    assert exists(plane, "configmap", "from-input")


def test_the_controllers_run(plane: ControlPlane) -> None:
    """Tells that owners' garbage, namespaces, ServiceAccounts and Deployments are taken care of."""
    plane.kubectl("create", "namespace", "controlled")
    assert wait_until(lambda: exists(plane, "serviceaccount", "default", "--namespace=controlled"))
    plane.kubectl("create", "deployment", "web", "--image=none", "--namespace=controlled")
    pods = ("get", "pods", "--namespace=controlled", "--output=name")
    assert wait_until(lambda: "web" in plane.kubectl(*pods).stdout)
    plane.kubectl("delete", "deployment", "web", "--namespace=controlled")
    assert wait_until(lambda: not plane.kubectl(*pods).stdout)
    plane.kubectl("delete", "namespace", "controlled", f"--timeout={DEADLINE_SECONDS:.0f}s")
    assert not exists(plane, "namespace", "controlled")


def test_admission_policies_of_both_kinds_are_served(plane: ControlPlane) -> None:
    served = plane.kubectl(
        "api-resources", "--api-group=admissionregistration.k8s.io", "--output=name"
    ).stdout
    assert "validatingadmissionpolicies.admissionregistration.k8s.io" in served
    assert "mutatingadmissionpolicies.admissionregistration.k8s.io" in served


def test_everything_etcd_stores_is_shown(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.kubectl("create", "secret", "generic", "holder", "--from-literal=key=CANARY-1f2e3d")
    monkeypatch.setattr(store, "PAGE", 7)
    stored = dict(plane.etcd_dump())
    assert [key for key, value in stored.items() if b"CANARY-1f2e3d" in value] == [
        "/registry/secrets/default/holder"
    ]
    monkeypatch.setattr(store, "PAGE", 100_000)
    assert len(stored) > 100
    assert stored.keys() <= dict(plane.etcd_dump()).keys()


def test_metrics_and_use_of_the_machine_are_shown(plane: ControlPlane) -> None:
    assert "apiserver_request_total" in plane.metrics()
    if sys.platform == "linux":
        assert plane.cpu_seconds().keys() == plane.resident_bytes().keys() == plane.pids().keys()
        assert plane.cpu_seconds()["kube-apiserver"] > 0.1
        assert plane.resident_bytes()["kube-apiserver"] > 50_000_000


def test_the_audit_log_says_who_did_what(plane: ControlPlane) -> None:
    plane.kubectl("create", "configmap", "audited", impersonate="jane", groups=("system:masters",))

    def seen() -> bool:
        return any(
            event["verb"] == "create" and event["impersonatedUser"]["username"] == "jane"
            for event in plane.audit_events()
            if event.get("objectRef", {}).get("name") == "audited"
        )

    assert wait_until(seen)


def test_a_cluster_of_the_user_s_own_has_the_same_surface(plane: ControlPlane) -> None:
    with ControlPlane.existing(plane.kubeconfig) as own:
        assert own.url == plane.url
        assert own.directory != plane.directory
        assert "apiserver_request_total" in own.metrics()
        assert own.helm("list", "--all-namespaces").returncode == 0
        token = own.token("default", "default", duration=HOUR)
        with ControlPlane.existing(own.kubeconfig_for("default", token)) as account:
            assert "system:serviceaccount:default:default" in account.kubectl("auth", "whoami").stdout
    assert exists(plane, "namespace", "default")
    assert plane.kubeconfig.exists()
