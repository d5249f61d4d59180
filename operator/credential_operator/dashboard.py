"""The Grafana dashboard over the operator's metrics: panels in rows, laid out from left to right. Pure.

The form is that of Grafana's JSON model (grafana.com/docs, "JSON model"), schema version 39, Grafana 10.4 and later.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ABNORMAL = "credential_operator_credential_abnormal_timestamp_seconds"
VALIDATED = "credential_operator_credential_last_validation_timestamp_seconds"
EXPIRY = "credential_operator_credential_expiry_timestamp_seconds"
HERE = 'namespace=~"$namespace"'
"""What people choose; all, unless they do."""
OURS = "and on (instance) credential_operator_build_info"
"""Leaves out the processes of others."""
NEXT = 20
"""How many Credentials a table shows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What stands beside others: a query in Prometheus' language and what its series are called, for each line.

    `kind` and `unit` are Grafana's words. `columns`: of a table, its labels and what its value is called.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    columns: Sequence[str] = ()
    text: str = ""

    def model(self, number: int, x: int, y: int) -> Json:
        """Gives Grafana's model of it, at a place."""
        found: Json = {
            "id": number,
            "title": self.title,
            "description": self.text,
            "type": self.kind,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": {"unit": self.unit}, "overrides": []},
            "targets": [*self._targets()],
        }
        if self.kind == "table":
            found["transformations"] = [
                {
                    "id": "organize",
                    "options": {
                        "indexByName": {
                            name: place for place, name in enumerate([*self.columns[:-1], "Value"])
                        },
                        "renameByName": {"Value": self.columns[-1]},
                        "excludeByName": {"Time": True},
                    },
                }
            ]
        return found

    def _targets(self) -> Iterator[Json]:
        now = self.kind in ("stat", "table")
        for place, (query, legend) in enumerate(self.queries):
            yield {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "expr": query,
                "legendFormat": legend,
                "instant": now,
                "range": not now,
                "format": "table" if self.kind == "table" else "time_series",
            }


def _stat(title: str, query: str, *, unit: str = "short", text: str = "") -> Panel:
    return Panel(title=title, queries=[(query, "")], kind="stat", unit=unit, width=4, height=4, text=text)


def _count(condition: str) -> str:
    """Counts the Credentials of which something is told, 0 where nothing is."""
    return f"count({ABNORMAL}{{{HERE},{condition}}}) or vector(0)"


def _rate(counter: str, *labels: str) -> str:
    return f"sum by ({', '.join(labels)}) (rate({counter}[$__rate_interval]))"


def _quantile(share: float, histogram: str, label: str) -> str:
    return f"histogram_quantile({share}, {_rate(f'{histogram}_bucket', label, 'le')})"


STATE = (
    _stat("Credentials", "sum(credential_operator_credentials)"),
    _stat("Not ready", _count('condition="Ready"'), text="Consumers have no key, or one that does not work."),
    _stat("Held back", _count('condition="Synced",reason="HeldBack"'), text="A new key was not accepted."),
    _stat(
        "End within 14 days",
        f"count({EXPIRY}{{{HERE}}} - time() < 14 * 86400) or vector(0)",
    ),
    _stat("Deletions that wait", _count('condition="DeletionBlocked"')),
    _stat(
        "Shards that are worked on",
        "sum(credential_operator_leader)",
        text="As many as there are: one by default, or nothing is done.",
    ),
)
CREDENTIALS = (
    Panel(
        title="Credentials by readiness",
        queries=[("sum by (ready, reason) (credential_operator_credentials)", "{{ready}} {{reason}}")],
    ),
    Panel(
        title="References by whether they are bound",
        queries=[("sum by (bound, reason) (credential_operator_references)", "{{bound}} {{reason}}")],
    ),
    Panel(
        title="Credentials of endpoints that are down",
        queries=[("sum by (host) (credential_operator_provider_down_credentials)", "{{host}}")],
    ),
    Panel(
        title="In trouble, the longest first",
        queries=[
            (
                f"sort_desc(time() - max by (namespace, name, type, condition, reason) ({ABNORMAL}{{{HERE}}}))",
                "",
            )
        ],
        kind="table",
        unit="s",
        width=12,
        columns=("namespace", "name", "type", "condition", "reason", "for"),
    ),
    Panel(
        title="Keys that end next",
        queries=[
            (
                f"sort(bottomk({NEXT}, max by (namespace, name) ({EXPIRY}{{{HERE}}}) - time()))",
                "",
            )
        ],
        kind="table",
        unit="s",
        width=6,
        columns=("namespace", "name", "ends in"),
    ),
    Panel(
        title="Validated the longest ago",
        queries=[(f"sort_desc(topk({NEXT}, time() - max by (namespace, name) ({VALIDATED}{{{HERE}}})))", "")],
        kind="table",
        unit="s",
        width=6,
        columns=("namespace", "name", "ago"),
    ),
)
PROVIDERS = (
    Panel(
        title="Validations by outcome",
        queries=[(_rate("credential_operator_validation_total", "type", "outcome"), "{{type}} {{outcome}}")],
        unit="ops",
    ),
    Panel(
        title="Time of a validation, of 100 the slowest",
        queries=[(_quantile(0.99, "credential_operator_validation_seconds", "type"), "{{type}}")],
        unit="s",
    ),
    Panel(
        title="Short-lived keys by outcome",
        queries=[(_rate("credential_operator_issue_total", "type", "outcome"), "{{type}} {{outcome}}")],
        unit="ops",
    ),
    Panel(
        title="Workloads that run a previous key",
        queries=[
            (
                f"sum by (namespace, name) (credential_operator_stale_workloads{{{HERE}}})",
                "{{namespace}}/{{name}}",
            )
        ],
        text="After a rotation: when this is 0, the previous key can end.",
    ),
    Panel(
        title="Reconciles by result",
        queries=[(_rate("credential_operator_reconcile_total", "kind", "result"), "{{kind}} {{result}}")],
        unit="ops",
    ),
    Panel(
        title="Time of a reconcile, of 100 the slowest",
        queries=[(_quantile(0.99, "credential_operator_reconcile_seconds", "kind"), "{{kind}}")],
        unit="s",
    ),
)
OPERATOR = (
    Panel(title="Objects that wait", queries=[("sum by (name) (workqueue_depth)", "{{name}}")]),
    Panel(
        title="Waiting without a beginning, and the longest under way",
        queries=[
            ("max(credential_operator_queue_lag_seconds)", "waiting"),
            ("max by (name) (workqueue_longest_running_processor_seconds)", "{{name}}"),
        ],
        unit="s",
    ),
    Panel(
        title="Reconciles that are repeated",
        queries=[(_rate("workqueue_retries_total", "name"), "{{name}}")],
        unit="ops",
    ),
    Panel(
        title="Requests to the API server",
        queries=[(_rate("credential_operator_api_request_total", "verb", "code"), "{{verb}} {{code}}")],
        unit="ops",
    ),
    Panel(
        title="CPU",
        queries=[
            (
                f"rate(process_cpu_seconds_total[$__rate_interval]) {OURS}",
                "{{instance}}",
            )
        ],
    ),
    Panel(
        title="Memory",
        queries=[
            (
                f"process_resident_memory_bytes {OURS}",
                "{{instance}}",
            )
        ],
        unit="bytes",
    ),
)
ROWS = {"State": STATE, "Credentials": CREDENTIALS, "Providers and rotation": PROVIDERS, "Operator": OPERATOR}


def model(notice: str) -> Json:
    """Gives Grafana's model of the dashboard, with a notice for whoever opens the file."""
    return {
        "uid": "credential-operator",
        "title": "Credential operator",
        "description": notice,
        "tags": ["credential-operator"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": [*_panels()],
    }


def _variables() -> list[Json]:
    namespaces = f"label_values({VALIDATED}, namespace)"
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "namespace",
            "label": "Namespace of Credentials",
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": namespaces, "refId": "namespaces"},
            "definition": namespaces,
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panels() -> Iterator[Json]:
    """Lays the rows out, one below the other."""
    numbers, y = itertools.count(1), 0
    for title, panels in ROWS.items():
        yield {
            "id": next(numbers),
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }
        x, y = 0, y + 1
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + panel.height
            yield panel.model(next(numbers), x, y)
            x += panel.width
        y += panels[-1].height
