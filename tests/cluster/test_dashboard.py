"""The dashboard and the alerts over a running operator that Prometheus scrapes: every panel shows something."""

import functools
import json
import pathlib
import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import workloads
from cluster.prometheus import Prometheus
from cluster.sites import Site
from cluster.space import Space

FILES = pathlib.Path(__file__).parents[2] / "deploy" / "chart" / "files"
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
CHOSEN = {"$__rate_interval": "30s", "$namespace": ".*"}
"""What Grafana puts in the place of its variables."""
NOWHERE = {"region": "eu-west-1", "endpoint": "https://127.0.0.1:1"}
SECONDS = 60.0
"""Until the last of it is scraped twice, and an endpoint counts as down."""
WRONG = ("AKIAWRONGWRONGWRONG1", "wrong")

Json = dict[str, Any]


@pytest.fixture
def prometheus(site: Site) -> Iterator[Prometheus]:
    """Give a Prometheus that scrapes the operator."""
    with Prometheus([site.operator.port], rules=FILES / "alerts.yaml") as started:
        yield started


def queries(panel: Json) -> list[str]:
    """Return what a panel asks Prometheus."""
    found = [str(target["expr"]) for target in panel["targets"]]
    for variable, value in CHOSEN.items():
        found = [query.replace(variable, value) for query in found]
    return found


def empty(prometheus: Prometheus) -> dict[str, str]:
    """Return the panels of which a query has no series, with the query."""
    asked = [(panel["title"], query) for panel in PANELS for query in queries(panel)]
    return {title: query for title, query in asked if not prometheus.query(query)}


def trouble(space: Space) -> None:
    """Have something of everything: good keys, bad ones, an outage, a rotation, a short-lived key, a wait."""
    owner, end = {"team": "storage"}, "2026-12-01T00:00:00Z"
    issued = [{"name": "backups-env", "format": "env", "issue": {"kind": "SessionToken"}}]
    space.published(owner=owner, expiresAt=end, targets=issued, whenReferenced="Hold")
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.kubectl("delete", "credential", "backups", "--wait=false")

    keyed = {"secretRef": {"name": "more-keys"}}
    space.new_user(name="-more")
    space.apply(space.source(space.new_key("-more"), "more-keys"))
    space.apply(space.credential("rotated", **keyed), workloads.deployment("api", "rotated-env"))
    space.becomes("rotated", Ready="True Available")
    space.apply(space.source(space.new_key("-more"), "more-keys"))
    space.until(
        lambda: "drained" in space.get("credential", "rotated")["status"].get("rotation", {}), "rotated"
    )
    space.apply(space.source(WRONG, "more-keys"), space.credential("away", aws=NOWHERE))
    space.becomes("rotated", Synced="False HeldBack", seconds=60)


def test_every_panel_shows_what_a_running_operator_tells_and_every_rule_can_be_evaluated(
    space: Space, prometheus: Prometheus
) -> None:
    trouble(space)

    deadline = time.monotonic() + SECONDS
    while left := empty(prometheus):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)

    labels = {"namespace": space.name, "name": "backups"}
    (ending,) = (
        one for one in prometheus.query('ALERTS{alertname="CredentialExpiring"}') if _is(one, labels)
    )
    assert ending["metric"]["team"] == "storage"
    assert {rule["health"] for rule in prometheus.rules()} == {"ok"}


def _is(series: Json, labels: dict[str, str]) -> bool:
    return bool(labels.items() <= series["metric"].items())


def test_a_query_that_is_none_is_noticed(prometheus: Prometheus) -> None:
    with pytest.raises(urllib.error.HTTPError):
        prometheus.query("sum(")


def test_panels_stand_beside_and_below_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_a_table_names_the_columns_that_its_query_has(prometheus: Prometheus, space: Space) -> None:
    space.published(expiresAt="2026-12-01T00:00:00Z")
    space.apply(space.credential("missing", secretRef={"name": "nowhere"}))
    tables = {panel["title"]: panel for panel in PANELS if panel["type"] == "table"}

    for panel in tables.values():
        (query,) = queries(panel)
        space.until(functools.partial(prometheus.query, query), "the table has rows")
        (row, *_) = prometheus.query(query)
        (organized,) = panel["transformations"]
        assert {*row["metric"], "Value"} == organized["options"]["indexByName"].keys()
