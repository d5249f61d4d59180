"""Metrics in Prometheus' conventions; label values come from stable, bounded sets."""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence

import prometheus_client as prometheus
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

NAMESPACE = "credential_operator"

RECONCILES = prometheus.Counter(
    "reconcile", "Reconciles by kind and result.", ["kind", "result"], namespace=NAMESPACE
)
RECONCILE_SECONDS = prometheus.Histogram(
    "reconcile_seconds",
    "Time of a reconcile, waiting for the provider included.",
    ["kind"],
    namespace=NAMESPACE,
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 30),
)
QUEUE_DEPTH = prometheus.Gauge("queue_depth", "Objects waiting for a worker.", namespace=NAMESPACE)
VALIDATIONS = prometheus.Counter(
    "validation", "Calls to providers by type and outcome.", ["type", "outcome"], namespace=NAMESPACE
)
VALIDATION_SECONDS = prometheus.Histogram(
    "validation_seconds",
    "Time of a call to a provider.",
    ["type"],
    namespace=NAMESPACE,
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
VALIDATION_CPU = prometheus.Counter(
    "validation_cpu_seconds", "CPU time of calls to providers.", ["type"], namespace=NAMESPACE
)
ISSUES = prometheus.Counter(
    "issue",
    "Short-lived keys asked of providers, by type, kind and outcome.",
    ["type", "kind", "outcome"],
    namespace=NAMESPACE,
)
ROTATION_CALLS = prometheus.Counter(
    "rotation_call",
    "Calls to providers that rotate keys, by type, call and outcome.",
    ["type", "call", "outcome"],
    namespace=NAMESPACE,
)
API_REQUESTS = prometheus.Counter(
    "api_request", "Requests to the API server by verb and code.", ["verb", "code"], namespace=NAMESPACE
)
WATCH_HEARD = prometheus.Gauge(
    "watch_heard_timestamp_seconds",
    "When a watch last said anything, by resource and namespace.",
    ["resource", "watched"],
    namespace=NAMESPACE,
)
LEADER = prometheus.Gauge("leader", "1 while this replica works.", namespace=NAMESPACE)


class Census(Collector):
    """Tells of Credentials at the moment of a scrape: their states, owners, who asked in vain, who runs previous keys.

    `states` gives (type, Ready's value, Ready's reason) of each Credential, `owners` gives
    (namespace, name, team, contact) of those that have an owner, `refused` gives (namespace of the
    Credential) of each reference that is not granted, `stale` gives (namespace, name, id of the previous key)
    of those that were rotated, with how many workloads run that key.
    """

    def __init__(
        self,
        *,
        states: Callable[[], Iterable[Sequence[str]]],
        owners: Callable[[], Iterable[Sequence[str]]],
        refused: Callable[[], Iterable[Sequence[str]]],
        stale: Callable[[], Iterable[tuple[Sequence[str], int]]],
    ) -> None:
        self._states = states
        self._owners = owners
        self._refused = refused
        self._stale = stale

    def collect(self) -> Iterator[Metric]:
        """Yields all metrics."""
        yield _counted(
            "credentials",
            "Credentials by type, readiness and reason.",
            labels=["type", "ready", "reason"],
            found=self._states(),
        )
        yield _counted(
            "references_refused",
            "References from other namespaces that are not granted, by the Credential's namespace.",
            labels=["namespace"],
            found=self._refused(),
        )
        owners = GaugeMetricFamily(
            f"{NAMESPACE}_credential_owner_info",
            "Who owns a Credential, to route alerts.",
            labels=["namespace", "name", "team", "contact"],
        )
        for owner in self._owners():
            owners.add_metric(owner, 1)
        yield owners
        stale = GaugeMetricFamily(
            f"{NAMESPACE}_stale_workloads",
            "Workloads that run the previous key of a Credential that was rotated, by that key's id.",
            labels=["namespace", "name", "key_id"],
        )
        for labels, count in self._stale():
            stale.add_metric(labels, count)
        yield stale


def _counted(
    name: str, documentation: str, *, labels: Sequence[str], found: Iterable[Sequence[str]]
) -> Metric:
    """Gives how often each set of label values was found."""
    gauge = GaugeMetricFamily(f"{NAMESPACE}_{name}", documentation, labels=labels)
    for values, count in sorted(collections.Counter(map(tuple, found)).items()):
        gauge.add_metric(values, count)
    return gauge


def register(collector: Collector) -> None:
    """Adds what is counted only when it is asked for."""
    prometheus.REGISTRY.register(collector)


def exposition() -> bytes:
    """Gives all metrics in the text format."""
    return prometheus.generate_latest()
