"""What a scrape tells, read with Prometheus' own parser."""

import functools
from typing import Any

import pytest
from prometheus_client import parser

from credential_operator import controller, inventory, scrape
from credential_operator.objects import Key
from unit import conditions

Labels = dict[str, str]

NAMED = {"namespace": "a", "name": "backups"}
BACKLOG = controller.Load(waiting=3, working=(1.5, 0.5))


def known(**status: Any) -> inventory.Inventory:
    """Return what is known of one Credential."""
    found = inventory.Inventory(lambda _: "sts.example.com")
    document = conditions.credential(*status.pop("conditions", conditions.GOOD), type="aws", **status)
    document["spec"] = {"aws": {}, "owner": {"team": "storage"}}
    document["metadata"] |= {"uid": "1", "resourceVersion": "1", "generation": 1}
    found.put_credential(document)
    return found


def told(found: inventory.Inventory, *, down: tuple[str, ...] = (), each: bool = True) -> dict[str, Any]:
    """Return what a scrape tells of the work: metric -> labels and value of each of its samples."""
    queue = controller.Controller(found, workers=1, endpoint_limit=1)
    return read(scrape.work(found, queue, down=frozenset(down), each=each))


def read(*taken: scrape.Replica | scrape.Work) -> dict[str, Any]:
    """Return the samples of each metric."""
    text = scrape.exposition(taken).decode()
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in parser.text_string_to_metric_families(text)
    }


def test_credentials_are_counted_by_type_readiness_and_reason() -> None:
    one = {"type": "aws", "ready": "True", "reason": "Available"}
    assert told(known())["credential_operator_credentials"] == [(one, 1)]


def test_references_are_counted_by_whether_they_are_bound() -> None:
    found = known()
    for number, (status, reason) in enumerate(
        [("True", "Bound"), ("True", "Bound"), ("False", "NotGranted")]
    ):
        metadata = {"namespace": f"team-{number}", "name": "nightly", "uid": f"{number}", "generation": 1}
        found.put_reference(
            {
                "metadata": metadata | {"resourceVersion": "1", "creationTimestamp": conditions.CREATED},
                "spec": {"credentialRef": NAMED},
                "status": {"conditions": [{"type": "Bound", "status": status, "reason": reason}]},
            }
        )
    assert told(found)["credential_operator_references"] == [
        ({"bound": "False", "reason": "NotGranted"}, 1),
        ({"bound": "True", "reason": "Bound"}, 2),
    ]
    assert told(found)["credential_operator_references_refused"] == [({"namespace": "a"}, 1)]


def test_each_credential_has_its_times_its_owner_and_who_runs_its_previous_key() -> None:
    rotation = {"drained": False, "previousKeyID": "AKIA1", "staleCount": 3}
    found = known(expiresAt=conditions.SINCE, lastValidatedTime=conditions.CREATED, rotation=rotation)
    metrics = told(found)
    assert metrics["credential_operator_credential_expiry_timestamp_seconds"] == [
        (NAMED, conditions.AT_SINCE)
    ]
    validated = metrics["credential_operator_credential_last_validation_timestamp_seconds"]
    assert validated == [(NAMED, conditions.AT_CREATION)]
    owner = {**NAMED, "team": "storage", "contact": ""}
    assert metrics["credential_operator_credential_owner_info"] == [(owner, 1)]
    assert metrics["credential_operator_stale_workloads"] == [({**NAMED, "key_id": "AKIA1"}, 3)]


def test_without_series_of_each_only_one_in_trouble_is_named() -> None:
    held_back = conditions.condition("Synced", "False", "HeldBack")
    found = known(conditions=[*conditions.GOOD, held_back], expiresAt=conditions.SINCE)
    metrics = told(found, each=False)
    named = {name: samples for name, samples in metrics.items() if any("name" in one for one, _ in samples)}
    labels = {**NAMED, "type": "aws", "condition": "Synced", "status": "False", "reason": "HeldBack"}
    assert named.pop("credential_operator_credential_abnormal_timestamp_seconds") == [
        (labels, conditions.AT_SINCE)
    ]
    assert {name.partition("_")[0] for name in named} == {"workqueue"}


@pytest.mark.parametrize(
    ("down", "expected"),
    [((), []), (("sts.example.com", "of-nobody.example.com"), [({"host": "sts.example.com"}, 1)])],
)
def test_an_endpoint_that_is_down_is_told_while_credentials_have_it(
    down: tuple[str, ...], expected: list[tuple[Labels, float]]
) -> None:
    assert told(known(), down=down)["credential_operator_provider_down_credentials"] == expected


def test_the_queue_is_told_as_kubernetes_own_controllers_do() -> None:
    taken = scrape.Work(
        credentials=[],
        references={},
        refused={},
        load={"Credential": BACKLOG},
        lag=7,
        down=frozenset(),
        each=True,
    )
    metrics = read(taken)
    assert metrics["workqueue_depth"] == [({"name": "Credential"}, 3)]
    assert metrics["workqueue_unfinished_work_seconds"] == [({"name": "Credential"}, 2)]
    assert metrics["workqueue_longest_running_processor_seconds"] == [({"name": "Credential"}, 1.5)]
    assert metrics["credential_operator_queue_lag_seconds"] == [({}, 7)]


@pytest.mark.parametrize("leads", [1, 0])
def test_every_replica_tells_what_runs_whether_it_leads_and_what_it_hears(leads: int) -> None:
    metrics = read(scrape.Replica(leads={0: bool(leads)}, divided=False, heard=[(("secrets", "*"), 5.0)]))
    assert metrics["credential_operator_build_info"] == [({"version": scrape.VERSION}, 1)]
    assert metrics["credential_operator_leader"] == [({}, leads)]
    heard = metrics["credential_operator_watch_heard_timestamp_seconds"]
    assert heard == [({"resource": "secrets", "watched": "*"}, 5)]


def test_what_comes_after_it_was_taken_is_not_told() -> None:
    found = known()
    queue = controller.Controller(found, workers=1, endpoint_limit=1)
    write = functools.partial(read, scrape.work(found, queue, down=frozenset(), each=True))
    found.drop_credential(Key(**NAMED), "1")
    assert len(write()["credential_operator_credentials"]) == 1


def test_of_several_shards_each_is_told_that_is_not_overruled() -> None:
    for leads, expected in (({0: True, 2: False}, [({"shard": "0"}, 1), ({"shard": "2"}, 0)]), ({}, [])):
        metrics = read(scrape.Replica(leads=leads, divided=True, heard=[]))
        assert metrics["credential_operator_leader"] == expected


@pytest.mark.parametrize("here", ["a", "team-0"])
def test_what_is_worked_on_elsewhere_is_counted_there(here: str) -> None:
    found = known()
    metadata = {"namespace": "team-0", "name": "nightly", "uid": "0", "generation": 1}
    found.put_reference(
        {
            "metadata": metadata | {"resourceVersion": "1", "creationTimestamp": conditions.CREATED},
            "spec": {"credentialRef": NAMED},
            "status": {"conditions": [{"type": "Bound", "status": "False", "reason": "NotGranted"}]},
        }
    )
    queue = controller.Controller(found, workers=1, endpoint_limit=1)
    metrics = read(
        scrape.work(found, queue, down=frozenset(), each=True, among=lambda namespace: namespace == here)
    )
    counts = {
        name: sum(value for _, value in metrics[f"credential_operator_{name}"])
        for name in ("credentials", "references", "references_refused")
    }
    assert set(counts.values()) == {1 if here == NAMED["namespace"] else 0}
