"""What a running operator tells Prometheus, and that docs/metrics.md says so."""

import pathlib
import re
import time
from collections.abc import Iterator

import pytest
from prometheus_client import parser
from prometheus_client.metrics_core import Metric

import replica
from cluster import sites
from cluster.sites import Site
from cluster.space import Space
from emulators.aws import AwsEmulator

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \|(?P<labels>[^|]*)\|", re.MULTILINE)
LABELS = {row["name"]: set(re.findall(r"`(\w+)`", row["labels"])) for row in ROW.finditer(PAGE)}
"""Each metric of the page with its labels."""
ABNORMAL = "credential_operator_credential_abnormal_timestamp_seconds"
EXPIRY = "credential_operator_credential_expiry_timestamp_seconds"


def told(operator: replica.Replica) -> list[Metric]:
    """Return what an operator tells of itself and its work."""
    families = parser.text_string_to_metric_families(operator.get("/metrics"))
    return [one for one in families if one.name.startswith(("credential_operator_", "workqueue_"))]


def named(family: Metric) -> str:
    """Return the name by which a metric is asked for."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def abnormal(site: Site, space: Space) -> dict[tuple[str, str, str], float]:
    """Return condition, status and reason of what is not as it should be with backups, and since when."""
    found = (one.samples for one in told(site.operator) if one.name == ABNORMAL)
    return {
        (sample.labels["condition"], sample.labels["status"], sample.labels["reason"]): sample.value
        for samples in found
        for sample in samples
        if (sample.labels["namespace"], sample.labels["name"]) == (space.name, "backups")
    }


def test_the_page_has_every_metric_with_its_labels_and_none_else(site: Site, space: Space) -> None:
    space.published()
    families = told(site.operator)

    assert {named(family) for family in families} == LABELS.keys()
    for family in families:
        seen = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert seen in (set(), LABELS[named(family)]), family.name


def test_a_credential_in_order_has_its_times_and_nothing_abnormal(site: Site, space: Space) -> None:
    began = time.time()
    space.published(expiresAt="2027-01-31T00:00:00Z")

    # The API server shows what was written a moment before the operator has its answer.
    space.until(lambda: abnormal(site, space) == {}, "nothing is abnormal")
    assert site.operator.metric(EXPIRY, namespace=space.name) == 1801353600
    validated = site.operator.metric(
        "credential_operator_credential_last_validation_timestamp_seconds", namespace=space.name
    )
    # The status has whole seconds.
    assert began - 1 <= validated <= time.time()


def test_what_is_held_back_or_waits_to_be_deleted_is_told_with_its_beginning(
    site: Site, space: Space
) -> None:
    began = time.time()
    space.published(whenReferenced="Hold")
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.apply(space.source(("AKIAWRONGWRONGWRONG1", "wrong")))
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse", Synced="False HeldBack", seconds=60)

    both = {("DeletionBlocked", "True", "InUse"), ("Synced", "False", "HeldBack")}
    space.until(lambda: both <= abnormal(site, space).keys(), "both are told")
    assert all(began - 1 <= since <= time.time() for since in abnormal(site, space).values())


@pytest.fixture
def waiting(site: Site, aws: AwsEmulator, tmp_path: pathlib.Path) -> Iterator[replica.Replica]:
    """Give a second replica, without series of each Credential; the first works again afterwards."""
    settings = sites.chosen(aws, {"metrics_per_credential": "false"})
    with replica.Replica(site.kubeconfig, tmp_path, name="replica-2", settings=settings) as started:
        yield started
    if not site.operator.running:
        site.operator.start()


def test_the_replica_that_works_tells_of_credentials_and_of_each_only_if_wanted(
    site: Site, space: Space, waiting: replica.Replica
) -> None:
    space.published(expiresAt="2027-01-31T00:00:00Z")
    count = "credential_operator_credentials"
    space.until(lambda: site.operator.metric(count, type="aws", reason="Available") >= 1, "it tells of them")
    assert [one.metric("credential_operator_leader") for one in (site.operator, waiting)] == [1, 0]
    assert {one.name for one in told(waiting)}.isdisjoint({count, ABNORMAL})

    site.operator.stop()

    sites.wait(
        lambda: waiting.metric(count, type="aws", reason="Available") >= 1, "the other one tells of them"
    )
    assert waiting.metric("credential_operator_leader") == 1
    names = {one.name for one in told(waiting)}
    assert ABNORMAL in names
    assert EXPIRY not in names
