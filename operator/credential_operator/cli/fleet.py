"""Reports of several clusters, joined by the ids of keys: where each is, drains still, and is refused. Pure."""

import collections
import re
from collections.abc import Iterable, Iterator, Sequence

from credential_operator.api import reports

REFUSALS = frozenset({"Rejected", "Expired", "KeyDisabled", "PermissionDenied"})
"""Reasons that are a provider's answer."""
WORD = re.compile(r"[\w+/=-]+(?:[.:@+/=-][\w+/=-]+)*")
"""What may be the id of a key in a sentence."""
OF_UID = 8
"""How many characters of a uid tell clusters of one name apart."""

Cluster = tuple[str, list[reports.Entry]]
"""A cluster's name, and its Credentials."""


def fleet(found: Iterable[reports.Report]) -> reports.Fleet:
    """Joins reports; of several of one cluster, what the newest says of a Credential counts."""
    clusters: dict[str, list[reports.Report]] = {}
    for one in sorted(found, key=lambda report: report.generated_at, reverse=True):
        clusters.setdefault(one.cluster.uid or one.cluster.name, []).append(one)
    names = _names([group[0].cluster for group in clusters.values()])
    known = [(name, group[0], _entries(group)) for name, group in zip(names, clusters.values(), strict=True)]
    return reports.Fleet(
        clusters=tuple(sorted((_member(*each) for each in known), key=lambda member: member.name)),
        keys=tuple(_keys([(name, entries) for name, _, entries in known])),
    )


def _names(clusters: Sequence[reports.Cluster]) -> list[str]:
    often = collections.Counter(one.name for one in clusters)
    return [
        f"{one.name} ({one.uid[:OF_UID]})" if often[one.name] > 1 and one.uid else one.name
        for one in clusters
    ]


def _entries(group: Sequence[reports.Report]) -> list[reports.Entry]:
    """Gives the Credentials of a cluster; a newer report that covers an older one is the whole truth of it."""
    entries: dict[str, reports.Entry] = {}
    for number, report in enumerate(group):
        if any(_covers(newer.scope, report.scope) for newer in group[:number]):
            continue
        for one in report.credentials:
            entries.setdefault(one.uid, one)
    return [*entries.values()]


def _covers(newer: reports.Scope, older: reports.Scope) -> bool:
    return newer.namespace in ("", older.namespace) and newer.selector in ("", older.selector)


def _member(name: str, newest: reports.Report, entries: Sequence[reports.Entry]) -> reports.Member:
    return reports.Member(
        name=name,
        uid=newest.cluster.uid,
        generated_at=newest.generated_at,
        credentials=len(entries),
        without_key_id=sum(not one.key_id for one in entries),
    )


def _keys(clusters: Sequence[Cluster]) -> Iterator[reports.Key]:
    ids = {
        key for _, entries in clusters for one in entries for key in (one.key_id, _previous(one)[0]) if key
    }
    places, draining, rejected = (collections.defaultdict[str, list[reports.Place]](list) for _ in range(3))
    for name, entries in clusters:
        for one in entries:
            if one.key_id:
                places[one.key_id].append(_place(name, one, one.user_count))
            previous, running = _previous(one)
            if previous:
                draining[previous].append(_place(name, one, running))
            for key in _refused(one) & ids:
                rejected[key].append(_place(name, one, one.user_count))
    for key in sorted(ids):
        yield reports.Key(
            id=key,
            places=_sorted(places[key]),
            draining=_sorted(draining[key]),
            rejected=_sorted(rejected[key]),
        )


def _previous(one: reports.Entry) -> tuple[str, int]:
    """Gives the id of the key before, unless nothing runs it any more, and by how many it is seen to be run."""
    rotation = one.rotation or reports.Rotation()
    return ("", 0) if rotation.drained else (rotation.previous_key_id, len(rotation.running))


def _refused(one: reports.Entry) -> set[str]:
    """Gives the ids of the keys that a provider refuses: those that it is said of, and the one that is published."""
    if one.verdict != "Invalid" or one.reason not in REFUSALS:
        return set()
    held = one.ready_reason == "HeldBack"
    return {*WORD.findall(one.message)} | (set() if held else {one.key_id})


def _place(cluster: str, one: reports.Entry, users: int) -> reports.Place:
    return reports.Place(
        cluster=cluster,
        namespace=one.namespace,
        name=one.name,
        type=one.type,
        verdict=one.verdict,
        reason=one.reason,
        users=users,
    )


def _sorted(found: Iterable[reports.Place]) -> tuple[reports.Place, ...]:
    return tuple(sorted(found, key=lambda place: (place.cluster, place.namespace, place.name)))
