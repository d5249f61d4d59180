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


class Service(NamedTuple):
    """A service that a partition has once, and the region that its calls are signed for."""

    url: str
    region: str


class Partition(NamedTuple):
    """A partition; `region` is the one that stands for all."""

    name: str
    suffix: str
    region: str

    @property
    def iam(self) -> Service:
        """Names the partition's IAM."""
        host, region = _IAM.get(self.name, (f"iam.{self.region}.{self.suffix}", self.region))
        return Service(f"https://{host}/", region)

    @property
    def organizations(self) -> Service:
        """Names the partition's Organizations."""
        return Service(f"https://organizations.{self.region}.{self.suffix}/", self.region)


_IAM = {
    "aws": ("iam.amazonaws.com", "us-east-1"),
    "aws-cn": ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    "aws-us-gov": ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
}
"""Where IAM is not where the names of the partition and its region say."""


def named(name: str) -> Partition:
    """Finds a partition by name."""
    return next(partition for _, partition in _all() if partition.name == name)


@functools.lru_cache(maxsize=256)
def find(region: str) -> Partition | None:
    """Finds the partition of a region; None where there is none."""
    return next((partition for pattern, partition in _all() if pattern.fullmatch(region)), None)


def of(region: str) -> Partition:
    """Finds the partition of a region; raises Misconfigured where there is none."""
    found = find(region)
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
