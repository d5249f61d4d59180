"""Faults of the cluster: the operator is killed, the API server goes away, watches break, writes are refused.

It converges, no target that had a good key is ever without one, no write is repeated without need, and no
finalizer is left behind. A control plane of this file's own, whose etcd survives a crash.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

import replica
from cluster import churn, sites
from cluster import space as spaces
from cluster.churn import Churn, TargetWatch
from cluster.sites import Site
from cluster.space import Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

SEED = int(os.environ.get("CREDENTIAL_OPERATOR_SEED", time.time_ns() % 1_000_000))
"""Of what is left to chance; a test that fails has it in its name."""
CHURN = 12.0
"""Seconds of it."""
KILLS = 2
"""How often the operator is killed in it at least."""
CONVERGES = 120.0
TAKEN_OVER = 40.0
"""Seconds until another replica works when the leader is killed: a lease of fifteen, and a busy machine."""


@pytest.fixture(scope="module")
def site(aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        ControlPlane(durable=True) as plane,
        sites.site(plane, aws, tmp_path_factory.mktemp("faults")) as started,
    ):
        yield started


@pytest.fixture(autouse=True)
def _mended(site: Site) -> Iterator[None]:
    """Leave the installation whole."""
    yield
    site.proxy.lift()
    site.proxy.accept_connections()
    restart_if_ended(site.operator)


def restart_if_ended(operator: replica.Replica) -> None:
    """Do what kubelet does."""
    if not operator.running:
        operator.start()


def _writes(site: Site) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in site.writes()]


def _held(site: Site, identity: str) -> Callable[[], bool]:
    """Return the question whether that replica holds the Lease."""
    where = ("lease", "credential-operator", f"--namespace={sites.NAMESPACE}")
    return lambda: (
        site.plane.kubectl("get", *where, "--output=jsonpath={.spec.holderIdentity}").stdout == identity
    )


# The operator itself


def test_killed_at_random_moments_it_loses_nothing(site: Site, space: Space) -> None:
    people = Churn(space, count=5, seed=SEED)
    people.begin(CONVERGES)
    done: list[str] = []
    with TargetWatch(space, people.good) as watch:
        end = time.monotonic() + CHURN
        while time.monotonic() < end or done.count("kill") < KILLS:
            done.append(people.step(watch))
            if people.random.random() < 0.15:
                site.operator.kill()
                site.operator.start(wait=people.random.random() < 0.5)
                done.append("kill")
        site.operator.wait_until_ready()
        people.end(seconds=CONVERGES)
    assert watch.violations == [], f"seed {SEED}: {done}"
    assert watch.seen > len(people.names)


def test_a_restart_writes_nothing_and_asks_no_provider(site: Site, space: Space, aws: AwsEmulator) -> None:
    space.published()
    space.apply(space.credential("without", targets=None), space.reference())
    space.becomes("without", Ready="True Available")
    space.becomes("nightly", "credentialreference", Ready="True Available")
    site.settled()
    count = len(site.plane.kubectl("get", "credentials", "--all-namespaces", "--output=name").stdout.split())
    site.operator.kill()
    site.proxy.forget()
    aws.reset_calls()

    site.operator.start()
    sites.wait(
        lambda: site.operator.metric("credential_operator_reconcile_total", kind="Credential") >= count,
        "all are looked at",
    )

    assert _writes(site) == []
    assert aws.calls == []


def test_another_replica_works_when_the_leader_is_killed_and_at_once_when_it_stops(
    site: Site, space: Space, aws: AwsEmulator
) -> None:
    first = site.operator
    second = replica.Replica(site.kubeconfig, first.log.parent, name="replica-2", settings=sites.chosen(aws))
    space.published()
    with second:
        first.kill()
        key = space.new_key()
        space.apply(space.source(key))
        space.until(lambda: space.key_in() == key, "the second has published it", seconds=TAKEN_OVER)
        assert _held(site, "replica-2")()

        first.start()
        assert first.metric("credential_operator_leader") == 0
        space.new_user(name="x")
        third = space.new_key("x")
        assert second.process is not None
        second.process.send_signal(signal.SIGTERM)
        space.apply(space.source(third))
        space.until(lambda: space.key_in() == third, "the first has published it", seconds=spaces.SOON)
        assert second.process.wait(20) == 0
    assert _held(site, first.name)()


def test_on_sigterm_it_ends_in_order_and_gives_its_lease_back(site: Site, space: Space) -> None:
    space.published()
    for path in ("/healthz", "/readyz"):
        assert site.operator.get(path) == "ok\n"
    assert site.operator.metric("credential_operator_leader") == 1
    assert site.operator.metric("credential_operator_validation_total", outcome="Accepted") >= 1
    began = time.monotonic()

    assert site.operator.stop() == 0

    assert time.monotonic() - began < 30
    assert _held(site, "")()
    assert site.operator.lines()[-1]["message"] == "stopped"


# The API server


@pytest.mark.parametrize("trouble", ["cut", "expired"])
def test_what_happens_while_watches_are_broken_is_not_missed(site: Site, space: Space, trouble: str) -> None:
    space.published()
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    key = space.new_key()
    again = site.proxy.fail(500, path="", watch=True)
    broken = site.proxy.cut_watches() if trouble == "cut" else site.proxy.expire_watches()
    assert broken >= 3

    space.apply(space.source(key), space.credential("new"))
    space.kubectl("delete", "credentialreference", "nightly")
    site.proxy.lift(again)

    space.until(lambda: space.key_in() == key, "the new key is published", seconds=CONVERGES)
    space.becomes("new", Ready="True Available", seconds=CONVERGES)
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["count"] == 0,
        "the end of the reference is noticed",
        seconds=CONVERGES,
    )


def test_it_comes_back_from_an_api_server_that_was_out_of_reach(site: Site, space: Space) -> None:
    space.published()
    key = space.new_key()

    site.proxy.refuse_connections()
    space.apply(space.source(key))
    site.proxy.accept_connections()
    restart_if_ended(site.operator)

    space.until(lambda: space.key_in() == key, "the new key is published", seconds=CONVERGES)


def test_refused_and_lost_answers_lead_to_the_same_end_without_a_write_too_many(
    site: Site, space: Space
) -> None:
    people = Churn(space, count=5)
    ours = rf"/namespaces/{space.name}/(credentials|credentialreferences|secrets|events)"
    site.proxy.fail(409, method="PATCH", path=ours, probability=0.1)
    site.proxy.fail(429, path=ours, probability=0.05, retry_after=1)
    site.proxy.fail(500, path=ours, probability=0.05)
    site.proxy.fail(500, path=ours, method="PATCH", probability=0.1, applied=True)
    site.proxy.cut(path=ours, method="POST", probability=0.2, applied=True)
    people.begin(CONVERGES)

    with TargetWatch(space, people.good) as watch:
        for name in people.names:
            space.apply(space.source(churn.UNKNOWN_KEY, name))
        for name in people.names:
            space.apply(space.source(people.keys[name][1], name))
        people.wait_until_good(1, seconds=CONVERGES)
        generations = [
            secret["metadata"]["annotations"][spaces.GENERATION]
            for secret in space.all("secrets")
            if secret["metadata"]["name"].endswith("-env")
        ]

    assert watch.violations == []
    # One write of data for each of the two keys, however often its answer was lost.
    assert generations == ["2"] * len(people.names)

    site.proxy.lift()
    space.kubectl("delete", "credentials", "--all", "--timeout=120s")
    left = [secret["metadata"]["name"] for secret in space.all("secrets")]
    assert sorted(left) == people.names


def test_where_it_may_not_write_it_says_so_and_goes_on_when_it_may(site: Site, space: Space) -> None:
    space.new_user()
    key = space.new_key()
    refused = site.proxy.fail(403, method="POST", path=f"/namespaces/{space.name}/secrets$")

    space.apply(space.source(key), space.credential())
    space.becomes(Ready="False Forbidden", Synced="False Forbidden", Validated="True Accepted")
    site.proxy.lift(refused)
    space.kubectl("annotate", "credential", "backups", "credential-operator.io/reconcile-at=now")

    space.becomes(Ready="True Available", Synced="True Published")
    assert space.key_in() == key


def test_it_outlives_a_restart_of_the_api_server_and_of_etcd(site: Site, space: Space) -> None:
    people = Churn(space, count=2)
    people.begin(CONVERGES)

    for stop, start in (
        (site.plane.kill_apiserver, site.plane.start_apiserver),
        (site.plane.kill_etcd, site.plane.start_etcd),
    ):
        stop()
        start()
        restart_if_ended(site.operator)
    for name in people.names:
        space.apply(space.source(people.keys[name][1], name))

    people.end(seconds=CONVERGES)
