"""The checker can fail: who led, and who wrote, made up."""

import datetime

import pytest

from cluster import sites
from credential_operator import leader, shards
from races import leading
from races.history import DELETED, LEASES, SECRETS, Event
from races.leading import Write

COUNT = 3
NAMESPACE = "race-1-1"
OURS = leader.lease_name(shards.of(NAMESPACE, COUNT))
OTHERS = leader.lease_name((shards.of(NAMESPACE, COUNT) + 1) % COUNT)
PATH = f"/apis/credential-operator.io/v1beta1/namespaces/{NAMESPACE}/credentials/a/status"


def lease(at: float, holder: str, *, since: float = 0.0, name: str = OURS, type_: str = "MODIFIED") -> Event:
    acquired = datetime.datetime.fromtimestamp(since, datetime.UTC).isoformat()
    spec = {"holderIdentity": holder, "acquireTime": acquired}
    metadata = {"name": name, "namespace": sites.NAMESPACE, "resourceVersion": f"{at:.0f}"}
    return Event(LEASES, type_, {"metadata": metadata, "spec": spec}, at)


KEY = Event(SECRETS, "ADDED", {"metadata": {"name": "key", "namespace": sites.NAMESPACE}}, 1)
HANDED_OVER = [
    lease(11, "one", since=10),
    lease(15, "one", since=10),
    lease(20, ""),
    lease(26, "two", since=25),
]
TAKEN_OVER = [lease(11, "one", since=10), lease(41, "two", since=40)]
DELETED_LEASE = [lease(11, "one", since=10), lease(20, "one", since=10, type_=DELETED)]


@pytest.mark.parametrize(
    ("leases", "replica", "at", "led"),
    [
        (HANDED_OVER, "one", 9, "nobody"),
        (HANDED_OVER, "one", 10.5, ""),
        (HANDED_OVER, "one", 19, ""),
        (HANDED_OVER, "two", 19, "one"),
        (HANDED_OVER, "one", 21, "nobody"),
        (HANDED_OVER, "one", 25.5, "two"),
        (HANDED_OVER, "two", 25.5, ""),
        (TAKEN_OVER, "one", 39, ""),
        (TAKEN_OVER, "two", 39, "one"),
        (TAKEN_OVER, "one", 40.5, "two"),
        (DELETED_LEASE, "one", 21, "nobody"),
        ([], "one", 21, "nobody"),
        ([lease(11, "one", since=10, name=OTHERS)], "one", 12, "nobody"),
    ],
)
def test_only_who_leads_may_write(leases: list[Event], replica: str, at: float, led: str) -> None:
    found = list(leading.broken([Write(replica, PATH, at)], [KEY, *leases], count=COUNT))
    said = f"{replica} wrote to {PATH} at {at:.3f}: {led} led"
    assert found == ([(NAMESPACE, said)] if led else [])


def test_what_is_written_elsewhere_is_not_judged() -> None:
    elsewhere = PATH.replace("/credentials/", "/credentialreferences/")
    assert list(leading.broken([Write("two", elsewhere, 12)], HANDED_OVER, count=COUNT)) == []
