"""Amazon's container registries (ECR): their passwords, which keys of AWS get.

docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
"""

import abc
import base64
import binascii
import dataclasses
import datetime
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from credential_operator import errors
from credential_operator.providers import (
    _issued,
    _json,
    _partitions,
    _registry_password,
    _sigv4,
    contract,
    issue,
    network,
)

PRIVATE = re.compile(
    r"[0-9]{12}[.]dkr([.]ecr(-fips)?[.](?P<region>[a-z0-9-]+)[.](?P<suffix>[a-z0-9.-]+)"
    r"|-ecr(-fips)?[.](?P<dual>[a-z0-9-]+)[.]on[.](aws|amazonwebservices[.]com[.]cn))"
)
"""An account's own registry, by the names of both generations."""
PUBLIC = "public.ecr.aws"
HOST = re.compile(rf"{re.escape(PUBLIC)}|{PRIVATE.pattern}")
USER = "AWS"
PAIR = re.compile(r"AWS:(?P<password>[!-~]+)")
OK = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a registry's passwords are made, and what that takes."""

    url: str
    service: str
    region: str
    target: str
    permissions: str

    def refusals(self) -> _sigv4.Refusals:
        """Tells what the codes mean."""
        denied = f"it needs {self.permissions}"
        wrong = "the endpoint is not Amazon's container registry (ECR)"
        return {
            **_sigv4.REFUSALS,
            "AccessDeniedException": (errors.PermissionDenied, denied),
            "UnknownOperationException": (errors.Misconfigured, wrong),
            "UnsupportedCommandException": (errors.Misconfigured, wrong),
        }


def place(options: issue.Registry, partition: _partitions.Partition) -> Place:
    """Tells where the passwords of a registry are made; raises Misconfigured for one of somebody else."""
    example = f"123456789012.dkr.ecr.{partition.region}.{partition.suffix}"
    found = _registry_password.require_host(options, HOST, "Amazon", example)
    if options.registry == PUBLIC:
        home = _partitions.named("aws")
        _require_home(options, home, partition)
        # All of them are made in one region.
        return Place(
            url=f"https://api.ecr-public.{home.region}.{home.suffix}/",
            service="ecr-public",
            region=home.region,
            target="SpencerFrontendService.GetAuthorizationToken",
            permissions="ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken",
        )
    region = found["region"] or found["dual"]
    known = _partitions.find(region)
    if known is None or found["suffix"] not in {None, known.suffix}:
        raise _registry_password.foreign(options, "Amazon", example)
    _require_home(options, known, partition)
    return Place(
        url=f"https://api.ecr.{region}.{known.suffix}/",
        service="ecr",
        region=region,
        target="AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        permissions="ecr:GetAuthorizationToken",
    )


def _require_home(options: issue.Registry, home: _partitions.Partition, own: _partitions.Partition) -> None:
    if home.name != own.name:
        raise errors.Misconfigured(
            f"issue.registry is {options.registry}, in partition {home.name}, and the key in {own.name}."
        )


class RegistryPassword(abc.ABC):
    """What a registry's users log in with."""

    name: ClassVar[str] = _registry_password.NAME
    title: ClassVar[str] = "A password for Amazon ECR, which is good for 12 hours."
    cost: ClassVar[str] = (
        "One call to ECR: GetAuthorizationToken, which CloudTrail records; with assumeRole, one to STS before."
    )
    options = issue.Registry
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = _registry_password.VARIABLES

    @abc.abstractmethod
    def partition(self, config: Any) -> _partitions.Partition:
        """Gives the partition that the key is at home in."""

    @abc.abstractmethod
    def working(
        self, config: Any, keys: Any, context: contract.Context, *, service: str, region: str
    ) -> _sigv4.Caller:
        """Gives what signs the call: with the key, or as the role that is assumed with it."""

    def endpoint(self, config: Any, options: issue.Registry) -> str:
        """Names the endpoint that is called."""
        return str(network.parse(place(options, self.partition(config)).url))

    def issue(
        self,
        config: Any,
        keys: Any,
        options: issue.Registry,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Asks for one, which is good for all registries that the key may use."""
        where = place(options, self.partition(config))
        caller = self.working(config, keys, context, service=where.service, region=where.region)
        password = _asked(caller, where)
        return _registry_password.hand_over(options, USER, password, context, str(network.parse(where.url)))


def _asked(caller: _sigv4.Caller, place: Place) -> _issued.Token:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": place.target}
    response = caller.send("POST", place.url, headers, "{}")
    document = _json.read(response)
    data = document.get("authorizationData")
    # One for each registry that is named, which is none; the public registry gives its only one.
    first = data[0] if isinstance(data, list) and data else data
    token = _token(first) if response.status == OK and isinstance(first, dict) else None
    if token is None:
        raise caller.refusal(_sigv4.in_json(place.url, response, document), place.refusals())
    return token


def _token(data: Mapping[str, Any]) -> _issued.Token | None:
    """Reads a password and its end, in seconds since 1970; None where there is none."""
    try:
        text = base64.b64decode(str(data.get("authorizationToken")), validate=True).decode()
        ends = datetime.datetime.fromtimestamp(float(str(data.get("expiresAt"))), datetime.UTC)
    except (binascii.Error, OverflowError, OSError, ValueError):
        return None
    found = PAIR.fullmatch(text)
    return _issued.Token(text=found["password"], expires_at=ends) if found else None
