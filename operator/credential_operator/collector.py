"""Where spans go: an OpenTelemetry collector, by OTLP over HTTP. It is loaded where one is named, and there alone."""

import importlib.metadata
from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk import resources, trace
from opentelemetry.sdk.trace import export

NAME = "credential-operator"


def connect(endpoint: str, *, identity: str) -> tuple[Callable[..., Any], Callable[[], None]]:
    """Gives what starts a span, and what sends the last of them and ends it."""
    about = {
        resources.SERVICE_NAME: NAME,
        resources.SERVICE_VERSION: importlib.metadata.version(NAME),
        resources.SERVICE_INSTANCE_ID: identity,
    }
    provider = trace.TracerProvider(resource=resources.Resource(about))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    return provider.get_tracer("credential_operator").start_as_current_span, provider.shutdown
