"""A collector for OpenTelemetry's traces on loopback, which keeps what it is sent."""

import contextlib
import dataclasses
import http.server
import threading
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service


@dataclasses.dataclass(frozen=True)
class Collector:
    """Takes spans by OTLP over HTTP: where, and what it was sent so far."""

    url: str
    sent: list[bytes]

    @property
    def spans(self) -> list[tuple[str, dict[str, str], bytes, bytes]]:
        """What it was sent so far: name, attributes, id and the id of the span around it."""
        requests = (service.ExportTraceServiceRequest.FromString(body) for body in list(self.sent))
        return [
            (
                span.name,
                {one.key: one.value.string_value for one in span.attributes},
                span.span_id,
                span.parent_span_id,
            )
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Listen on a free port."""
    sent: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            sent.append(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(service.ExportTraceServiceResponse().SerializeToString())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Collector(f"http://127.0.0.1:{server.server_port}", sent)
        server.shutdown()
        thread.join()
