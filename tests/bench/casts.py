"""What the Credentials of a run are: the type of each, its key, and how it is published."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulators import fast_sts
from verdicts import stage

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Credential: what its spec says besides names, and the fields of its source Secret."""

    spec: Json
    keys: Mapping[str, str] = dataclasses.field(repr=False)
    target: Mapping[str, Any] = dataclasses.field(default_factory=lambda: {"format": "env"})


Cast = Callable[[int], Part]
"""Gives the part of each number."""


def unchecked(number: int) -> Part:
    """Gives an AWS key about which nobody is asked."""
    keys = {"accessKeyID": f"AKIA{number:016}", "secretAccessKey": f"{number:040}"}
    return Part(spec={"aws": {"region": "eu-west-1"}, "validation": {"policy": "Disabled"}}, keys=keys)


def users(sts: fast_sts.FastSts) -> Cast:
    """Gives AWS keys, each of a user of its own."""

    def part(number: int) -> Part:
        key_id, secret = sts.key(number)
        spec = {"aws": {"region": "eu-west-1", "endpoint": sts.url}}
        return Part(spec=spec, keys={"accessKeyID": key_id, "secretAccessKey": secret})

    return part


def mixed(rows: Sequence[stage.Row]) -> Cast:
    """Gives good keys of every type in turn."""

    def part(number: int) -> Part:
        row = rows[number % len(rows)]
        good = row.cases["good"]
        return Part(spec={row.script.type: good.config}, keys=good.keys, target=row.script.target)

    return part
