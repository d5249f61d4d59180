"""What an example of a rule is, and specs that examples begin with."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from cluster.crds import Json, spec


@dataclasses.dataclass(frozen=True)
class Case:
    """A rule: where kubectl points, what it says, a spec that is accepted and one that is not."""

    path: str
    says: str
    good: Json
    bad: Json
    kind: str = "Credential"


def probing(kind: str, probe: Json | None = None, **changes: Any) -> Json:
    """Return a spec of a type that a probe proves, changed."""
    whole = {"url": "https://api.example.com/me", **(probe or {})}
    return spec(without="aws", **{kind: {"probe": whole, **changes}})


def without_key(whole: Json) -> Json:
    """Return a spec that names no Secret."""
    return {name: value for name, value in whole.items() if name != "secretRef"}


def probe_cases(kind: str, field: str) -> Iterator[tuple[str, Case]]:
    where = f"spec.{kind}.probe"
    yield (
        f"{kind}: the probe calls a URL",
        Case(
            f"{where}.url",
            "must be a URL that begins with https://, such as https://api.example.com/me",
            good=probing(kind, {"url": "https://api.example.com:8443/a?b=c"}),
            bad=probing(kind, {"url": "http://api.example.com/"}),
        ),
    )
    yield (
        f"{kind}: the probe's headers have names that headers have",
        Case(
            f"{where}.headers",
            "every key must be the name of a header",
            good=probing(kind, {"headers": {"Accept": "application/json"}}),
            bad=probing(kind, {"headers": {"A b": "c"}}),
        ),
    )
    yield (
        f"{kind}: the probe's headers hold no key and do not steer",
        Case(
            f"{where}.headers",
            "must be headers that neither steer the connection nor hold key material",
            good=probing(kind, {"headers": {"X-Version": "1"}}),
            bad=probing(kind, {"headers": {"X-Auth-Token": "canary"}}),
        ),
    )
    yield from field_cases(kind, field, probing(kind), sources="env, fields")


def field_cases(kind: str, field: str, good: Json, *, sources: str) -> Iterator[tuple[str, Case]]:
    """Yield the examples of the rules that every type has: `field` is one of its own."""
    yield (
        f"{kind}: the source Secret's keys are for its fields",
        Case(
            "spec.secretRef.keys",
            f"must name fields of {kind}: ",
            good={**good, "secretRef": {"name": "keys", "keys": {field: "k"}}},
            bad={**good, "secretRef": {"name": "keys", "keys": {"accessKeyID": "k"}}},
        ),
    )
    yield (
        f"{kind}: a target's keys take its fields",
        Case(
            "spec.targets",
            f"must take their keys from the fields of {kind}: ",
            good={**good, **_fields(field)},
            bad={**good, **_fields("bucket")},
        ),
    )
    yield (
        f"{kind}: a target has a format that can hold it",
        Case(
            "spec.targets",
            f"must have formats that can serve {kind}: ",
            good={**good, "targets": [{"name": "a", "format": "env"}]},
            bad={**good, "targets": [{"name": "a", "format": "aws-credentials-file"}]},
        ),
    )
    yield source_case(kind, good, sources=sources)


def source_case(
    kind: str, good: Json, *, sources: str, wrong: str = "aws-credentials-file"
) -> tuple[str, Case]:
    """Return the example of a rule that every type has: `sources` are the layouts it can be read from, but ini."""
    readable = ", ".join(sorted({*sources.split(", "), "ini"}))
    return (
        f"{kind}: the source has a format that can hold it",
        Case(
            "spec.secretRef.format",
            f"must be a format that {kind} can be read from: {readable}",
            good={**good, "secretRef": {"name": "keys", "format": "ini"}},
            bad={**good, "secretRef": {"name": "keys", "format": wrong}},
        ),
    )


def _fields(field: str) -> Json:
    return {"targets": [{"name": "a", "format": "fields", "keys": {"it": field}}]}
