"""After a rotation: which workloads run the previous key still, until none does."""

import datetime

from cluster import workloads
from cluster.sites import Site
from cluster.space import Json, Space
from emulators.aws import AwsEmulator

ENV = "backups-env"
MOUNTED = {"name": "keys", "secret": {"secretName": ENV}}


def _now() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _start(space: Space, pod: str, since: str) -> None:
    """Say of a Pod what a kubelet says of one whose container has started."""
    space.kubectl(
        "patch", "pod", pod, "--subresource=status", "--type=merge", f"--patch={workloads.started(since)}"
    )


def _mounting(name: str, **mount: str) -> Json:
    pod = workloads.pod(name, ENV)
    container = pod["spec"]["containers"][0]
    del container["envFrom"]
    container["volumeMounts"] = [{"name": "keys", "mountPath": "/keys", **mount}]
    pod["spec"]["volumes"] = [MOUNTED]
    return pod


def _rotation(space: Space) -> Json:
    return dict(space.get("credential", "backups")["status"].get("rotation", {}))


def _stale(space: Space) -> list[str]:
    return [f"{one['kind']} {one['name']}" for one in _rotation(space).get("stale", ())]


def _rotate(space: Space) -> tuple[str, str]:
    key = space.new_key()
    space.apply(space.source(key))
    space.until(lambda: space.key_in() == key, "the new key is published")
    return key


def _pods(space: Space, app: str) -> list[str]:
    found = space.kubectl("get", "pods", f"--selector=app={app}", "--output=name").split()
    return [name.removeprefix("pod/") for name in found]


def test_workloads_that_run_the_previous_key_are_named_until_none_does(space: Space, site: Site) -> None:
    old = space.published()
    before = _now()
    space.apply(
        workloads.deployment("api", ENV, replicas=2),
        _mounting("part", subPath="AWS_ACCESS_KEY_ID"),
        _mounting("whole"),
        workloads.pod("waiting", ENV),
        workloads.deployment("scaled-down", ENV, replicas=0),
    )
    space.until(lambda: len(_pods(space, "api")) == 2, "there are Pods")
    for pod in (*_pods(space, "api"), "part", "whole"):
        _start(space, pod, before)

    _rotate(space)
    # A volume that is mounted whole follows by itself, in two minutes at most.
    space.until(lambda: _stale(space) == ["Deployment api", "Pod part", "Pod whole"], "they are named")
    rotation = _rotation(space)
    assert (rotation["previousKeyID"], rotation["drained"], rotation["staleCount"]) == (old[0], False, 3)
    labels = {"namespace": space.name, "key_id": old[0]}
    assert site.operator.metric("credential_operator_stale_workloads", **labels) == 3

    space.kubectl("delete", "pod", "part", "whole", "--force", "--grace-period=0")
    space.until(lambda: _stale(space) == ["Deployment api"], "they are gone")
    restarted, kept = _pods(space, "api")
    _start(space, restarted, _later())
    site.operator.kill()
    site.operator.start()
    space.until(lambda: site.operator.metric("credential_operator_leader") == 1, "it leads", seconds=120)
    assert _stale(space) == ["Deployment api"]
    assert _rotation(space)["publishedAt"] == rotation["publishedAt"]

    _start(space, kept, _later())
    space.until(lambda: _rotation(space)["drained"], "none is left")
    assert _rotation(space) == {
        "publishedAt": rotation["publishedAt"],
        "previousKeyID": old[0],
        "drained": True,
    }
    assert site.operator.metric("credential_operator_stale_workloads", **labels) == 0
    space.until(lambda: ("Normal", "Drained") in space.events(), "it is told")


def _later() -> str:
    """Return a time that is after a key was written just now."""
    return f"{datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"


def test_where_nobody_runs_the_previous_key_it_is_drained_at_once(space: Space) -> None:
    old = space.published()
    assert _rotation(space) == {}
    _rotate(space)
    space.until(lambda: _rotation(space).get("drained"), "nobody runs it")
    assert _rotation(space)["previousKeyID"] == old[0]
    assert ("Normal", "Drained") not in space.events()


def test_workloads_of_borrowers_count(space: Space, site: Site, aws: AwsEmulator) -> None:
    borrower = site.space(f"{space.name}-b")
    space.published(allowedNamespaces={"names": [borrower.name]})
    claim = borrower.reference()
    claim["spec"]["credentialRef"]["namespace"] = space.name
    claim["spec"]["target"] = {"name": ENV, "format": "env"}
    borrower.apply(claim, workloads.pod("theirs", ENV))
    borrower.becomes("nightly", "credentialreference", Synced="True Published")
    _start(borrower, "theirs", _now())

    key = _rotate(space)
    borrower.until(lambda: borrower.key_in(ENV) == key, "it has the new key, too")
    space.until(lambda: _stale(space) == ["Pod theirs"], "it is named")
    borrower.kubectl("delete", "pod", "theirs", "--force", "--grace-period=0")
    space.until(lambda: _rotation(space)["drained"], "none is left")


def test_users_of_a_source_that_is_published_nowhere_count(space: Space) -> None:
    space.new_user()
    old, new = space.new_key(), space.new_key()
    space.apply(space.source(old), space.credential(targets=None), workloads.pod("direct", "keys"))
    space.becomes(Ready="True Available")
    _start(space, "direct", _now())
    space.apply(space.source(new))
    space.until(lambda: _stale(space) == ["Pod direct"], "it is named")
    assert _rotation(space)["previousKeyID"] == old[0]
