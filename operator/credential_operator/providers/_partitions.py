"""AWS partitions: which one a region belongs to, and the DNS suffix of its endpoints."""

import functools
import importlib.metadata
import json
import pathlib
import re
from typing import Annotated, Any, Literal, NamedTuple

import pydantic

from credential_operator import errors
from credential_operator.api import values

Name = Literal["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"]
Region = Annotated[
    str,
    pydantic.Field(max_length=32),
    values.Matching(r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", "an AWS region, such as eu-west-1"),
]


class Partition(NamedTuple):
    """A partition; `region` is the one that stands for all."""

    name: str
    suffix: str
    region: str


def named(name: str) -> Partition:
    """Finds a partition by name."""
    return next(partition for _, partition in _all() if partition.name == name)


@functools.lru_cache(maxsize=256)
def of(region: str) -> Partition:
    """Finds the partition of a region; raises Misconfigured where there is none."""
    found = next((partition for pattern, partition in _all() if pattern.fullmatch(region)), None)
    if found is None:
        raise errors.Misconfigured(
            f"region {region} is in no AWS partition: write a region such as eu-west-1."
        )
    return found


def is_amazon(host: str) -> bool:
    """Tells whether a host is one of AWS's own endpoints."""
    return host.endswith(tuple(f".{partition.suffix}" for _, partition in _all()))


@functools.cache
def _all() -> tuple[tuple[re.Pattern[str], Partition], ...]:
    # Read from botocore's files without loading botocore, whose loader would look into ~/.aws too.
    file = importlib.metadata.distribution("botocore").locate_file("botocore/data/partitions.json")
    document: dict[str, Any] = json.loads(pathlib.Path(str(file)).read_bytes())
    return tuple(
        (
            re.compile(each["regionRegex"].strip("^$")),
            Partition(each["id"], each["outputs"]["dnsSuffix"], each["outputs"]["implicitGlobalRegion"]),
        )
        for each in document["partitions"]
    )
