"""What an administrator sets: one environment variable each, named `CREDENTIAL_OPERATOR_<FIELD>`."""

import os
import socket
from collections.abc import Mapping
from typing import Annotated, Any, Self

import pydantic

from credential_operator import shards

PREFIX = "CREDENTIAL_OPERATOR_"


def _listed(value: Any) -> Any:
    """Splits a comma-separated string."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(_listed)]


class Settings(pydantic.BaseModel):
    """All settings with their defaults; times in seconds."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    namespaces: Names = pydantic.Field((), description="Namespaces to watch; empty: all of the cluster.")
    own_namespace: str = pydantic.Field(
        "credential-operator", description="Where the operator's Lease and installation key are."
    )
    service_account: str = pydantic.Field(
        "credential-operator",
        description="The operator's own ServiceAccount, for messages that say what to do.",
    )
    identity: str = pydantic.Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="Name of this replica in the Lease; a Pod's name.",
    )
    leader_election: bool = pydantic.Field(
        default=True, description="Only the holder of the Lease works; off for a single process."
    )
    shards: int = pydantic.Field(
        1,
        ge=1,
        le=shards.MOST,
        description="Leases that the work is divided by, each for a part of the namespaces.",
    )
    http_host: str = pydantic.Field("", description="Address of /healthz, /readyz and /metrics; empty: all.")
    http_port: int = pydantic.Field(8080, description="Port of /healthz, /readyz and /metrics; 0: any.")
    metrics_per_credential: bool = pydantic.Field(
        default=True,
        description="Whether /metrics has series of each Credential; off: counts, and who is in trouble.",
    )
    traces_endpoint: str = pydantic.Field(
        "",
        description="Collector for OpenTelemetry's traces (OTLP over HTTP): http://HOST:4318; empty: none.",
    )
    log_level: str = pydantic.Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    workers: int = pydantic.Field(64, ge=1, description="Objects reconciled at the same time.")
    workers_per_endpoint: int = pydantic.Field(
        32, ge=1, description="Objects of one provider endpoint reconciled at the same time."
    )
    sweep_interval: float = pydantic.Field(
        1200, gt=0, description="How often what is known is compared with a fresh list."
    )
    find_users: bool = pydantic.Field(
        default=True,
        description="Whether workloads, ServiceAccounts and custom resources are watched for the Secrets they use.",
    )
    consumers: str = pydantic.Field(
        "", description="File of rules for custom resources that use Secrets, beside those that are built in."
    )
    endpoint_allow: Names = pydantic.Field(
        (), description="Endpoints that the endpoint policy would refuse: patterns of host or host:port."
    )
    private_addresses: bool = pydantic.Field(
        default=True, description="Whether providers may have private addresses."
    )
    cluster_name: str = pydantic.Field(
        "", description="The cluster's name, which `$(cluster)` stands for in the tags of sessions."
    )
    cluster_domain: str = pydantic.Field("cluster.local", description="DNS domain of the cluster.")
    service_cidrs: Names = pydantic.Field((), description="Address ranges of the cluster's Services.")
    ca_bundle: str = pydantic.Field(
        "", description="File of CA certificates trusted besides the public ones."
    )
    proxy: str = pydantic.Field("", description="HTTP proxy for calls to providers.")

    @pydantic.model_validator(mode="after")
    def _has_leases_for_shards(self) -> Self:
        if self.shards > 1 and not self.leader_election:
            raise ValueError("shards need leader_election: each has a Lease")
        return self


def load(environ: Mapping[str, str]) -> Settings:
    """Reads the settings from the environment; raises pydantic.ValidationError naming what is wrong."""
    given = {
        name: value
        for name in Settings.model_fields
        if (value := environ.get(PREFIX + name.upper())) is not None
    }
    return Settings.model_validate(given)
