"""What was asked of the API server, as its own metrics count it."""

import collections
import re
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

SERIES = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
WATCHES = re.compile(r"^apiserver_longrunning_requests\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
RESOURCES = frozenset({"secrets", "credentials", "credentialreferences", "events", "namespaces"})
"""What either operator asks for; Leases are renewed by the clock, not by objects."""
LASTING = frozenset({"LIST", "WATCH"})
"""Requests that are made once for all objects."""
READS = frozenset({"GET", "LIST", "WATCH"})


class Request(NamedTuple):
    """A kind of request; a resource can have its subresource behind a slash."""

    verb: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


class Ledger:
    """How many requests of each kind."""

    def __init__(self, counts: Mapping[Request, float]) -> None:
        self.counts = {request: count for request, count in counts.items() if count}

    def __sub__(self, other: "Ledger") -> "Ledger":
        kinds = self.counts.keys() | other.counts.keys()
        return Ledger({kind: self.counts.get(kind, 0) - other.counts.get(kind, 0) for kind in kinds})

    @property
    def single(self) -> dict[Request, float]:
        """Those for one object each."""
        return {kind: count for kind, count in sorted(self.counts.items()) if kind.verb not in LASTING}

    @property
    def lasting(self) -> dict[Request, float]:
        """Lists, and watches that ended."""
        return {kind: count for kind, count in sorted(self.counts.items()) if kind.verb in LASTING}

    @property
    def writes(self) -> float:
        """How many of them change something."""
        return sum(count for kind, count in self.counts.items() if kind.verb not in READS)


def read(metrics: str) -> Ledger:
    """Reads the API server's metrics."""
    counts: collections.Counter[Request] = collections.Counter()
    for series in SERIES.finditer(metrics):
        labels = dict(LABEL.findall(series["labels"]))
        if labels["resource"] in RESOURCES:
            resource = "/".join(part for part in (labels["resource"], labels.get("subresource")) if part)
            verb = "PATCH" if labels["verb"] == "APPLY" else labels["verb"]
            counts[Request(verb, resource)] += round(float(series["value"]))
    return Ledger(counts)


def watches(metrics: str, resource: str) -> int:
    """Reads how many watches of a resource are open."""
    found = (
        (dict(LABEL.findall(series["labels"])), float(series["value"]))
        for series in WATCHES.finditer(metrics)
    )
    return round(
        sum(value for labels, value in found if (labels["verb"], labels["resource"]) == ("WATCH", resource))
    )


def of_path(verb: str, path: str) -> Request:
    """Tells how the API server counts a request."""
    parts = urllib.parse.urlsplit(path).path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    listed = verb == "GET" and len(rest) == 1
    return Request("LIST" if listed else verb, "/".join([rest[0], *rest[2:]]))
