"""What a scrape tells besides what is counted all along: how things are at that moment.

    App ──> Replica, Work: references and counts, taken on the event loop ──> exposition, in a thread: the text

Ten thousand Credentials are some thirty thousand lines, which nothing else waits for.
"""

import collections
import dataclasses
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import prometheus_client as prometheus
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from credential_operator import controller, inventory, metrics, references
from credential_operator.inventory import Record
from credential_operator.objects import Key

Labels = Sequence[str]
Sample = tuple[Labels, float]

OBJECT = ("namespace", "name")
VERSION = importlib.metadata.version("credential-operator")


@dataclasses.dataclass(eq=False, frozen=True, slots=True, kw_only=True)
class Replica(Collector):
    """What each replica tells: whether it leads, and of each watch its resource, namespace and when it was heard.

    `leads` has an answer for each shard; `divided`: there are several.
    """

    leads: Mapping[int, bool]
    divided: bool
    heard: Iterable[Sample]

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics."""
        yield _gauge("build_info", "What runs.", ["version"], [((VERSION,), 1)])
        yield _gauge(
            "leader",
            "1 while this replica works, on a shard where there are several.",
            ["shard"] if self.divided else [],
            [((f"{shard}",) if self.divided else (), leads) for shard, leads in self.leads.items()],
        )
        yield _gauge(
            "watch_heard_timestamp_seconds",
            "When a watch last said anything, by resource and namespace.",
            ["resource", "watched"],
            self.heard,
        )


@dataclasses.dataclass(eq=False, frozen=True, slots=True, kw_only=True)
class Work(Collector):
    """What a replica that works tells of its work, so that sums over replicas count everything once.

    `down`: the endpoints of providers that are. `each`: whether there are series of every Credential.
    """

    credentials: Sequence[tuple[Key, Record]]
    references: Mapping[Labels, int]
    refused: Mapping[Labels, int]
    load: Mapping[str, controller.Load]
    lag: float
    down: frozenset[str]
    each: bool

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics."""
        yield from self._counted()
        yield from self._queue()
        yield self._abnormal()
        if self.each:
            yield from self._each()

    def _counted(self) -> Iterator[Metric]:
        states = collections.Counter(seen.state for _, seen in self.credentials)
        yield _gauge(
            "credentials",
            "Credentials by type, readiness and reason.",
            ["type", "ready", "reason"],
            sorted(states.items()),
        )
        yield _gauge(
            "references",
            "CredentialReferences by whether they are bound, and why.",
            ["bound", "reason"],
            sorted(self.references.items()),
        )
        yield _gauge(
            "references_refused",
            "References from other namespaces that are not granted, by the Credential's namespace.",
            ["namespace"],
            sorted(self.refused.items()),
        )
        waiting = collections.Counter(
            seen.endpoint for _, seen in self.credentials if seen.endpoint in self.down
        )
        yield _gauge(
            "provider_down_credentials",
            "Credentials of each provider endpoint that does not answer.",
            ["host"],
            [((host,), count) for host, count in sorted(waiting.items())],
        )

    def _queue(self) -> Iterator[Metric]:
        """Yields what Kubernetes' own controllers tell of their queues, under their names, by kind; and the lag."""
        figures: tuple[tuple[str, str, Callable[[controller.Load], float]], ...] = (
            ("depth", "Objects waiting for a worker.", lambda load: load.waiting),
            ("unfinished_work_seconds", "For how long all reconciles run.", lambda load: sum(load.working)),
            (
                "longest_running_processor_seconds",
                "For how long the longest reconcile runs.",
                lambda load: max(load.working, default=0),
            ),
        )
        for name, text, figure in figures:
            samples = [((kind,), figure(load)) for kind, load in self.load.items()]
            yield _gauge(name, text, ["name"], samples, namespace="workqueue")
        yield _gauge(
            "queue_lag_seconds", "For how long objects wait and none is begun.", [], [((), self.lag)]
        )

    def _abnormal(self) -> Metric:
        return _gauge(
            "credential_abnormal_timestamp_seconds",
            "Since when a condition of a Credential is not as it should be.",
            [*OBJECT, "type", "condition", "status", "reason"],
            (
                ((*key, seen.state[0], one.condition, one.status, one.reason), one.since)
                for key, seen in self.credentials
                for one in seen.facts.abnormal
            ),
        )

    def _each(self) -> Iterator[Metric]:
        found = self.credentials
        yield _gauge(
            "credential_owner_info",
            "Who owns a Credential, to route alerts.",
            [*OBJECT, "team", "contact"],
            (((*key, *seen.facts.owner), 1) for key, seen in found if seen.facts.owner),
        )
        yield _gauge(
            "credential_expiry_timestamp_seconds",
            "When a person must have renewed a Credential's key.",
            OBJECT,
            ((key, seen.facts.expires) for key, seen in found if seen.facts.expires is not None),
        )
        yield _gauge(
            "credential_last_validation_timestamp_seconds",
            "When the provider last accepted a Credential's key.",
            OBJECT,
            ((key, seen.facts.validated) for key, seen in found if seen.facts.validated is not None),
        )
        rotations = ((key, seen.facts.rotation) for key, seen in found if seen.facts.rotation is not None)
        yield _gauge(
            "stale_workloads",
            "Workloads that run the previous key of a Credential that was rotated, by that key's id.",
            [*OBJECT, "key_id"],
            (((*key, previous), count) for key, (previous, count) in rotations),
        )


def work(
    known: inventory.Inventory,
    queue: controller.Controller,
    *,
    down: frozenset[str],
    each: bool,
    among: Callable[[str], bool] | None = None,
) -> Work:
    """Takes what is known at this moment: what changes later is another record in its place.

    `among` tells of a namespace whether its Credentials are worked on here; None: all are.
    """
    credentials, told = known.credentials.items(), known.references.items()
    return Work(
        credentials=[one for one in credentials if among is None or among(one[0].namespace)],
        references=collections.Counter(
            seen.state[1:] for key, seen in told if among is None or among(known.place_of(key))
        ),
        refused=collections.Counter(
            place for place in references.refused(known) if among is None or among(*place)
        ),
        load=queue.load(),
        lag=queue.lag(),
        down=down,
        each=each,
    )


def exposition(taken: Iterable[Collector]) -> bytes:
    """Gives all metrics in the text format: what is counted all along, and what was taken."""
    registry = prometheus.CollectorRegistry()
    for one in taken:
        registry.register(one)
    return prometheus.generate_latest() + prometheus.generate_latest(registry)


def _gauge(
    name: str,
    documentation: str,
    labels: Sequence[str],
    samples: Iterable[Sample],
    *,
    namespace: str = metrics.NAMESPACE,
) -> Metric:
    found = GaugeMetricFamily(f"{namespace}_{name}", documentation, labels=labels)
    for values, value in samples:
        found.add_metric(values, value)
    return found
