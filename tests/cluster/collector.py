"""A collector for OpenTelemetry's traces on loopback, which keeps what it is sent."""

import http.server
import threading
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service


class Collector:
    """Takes spans by OTLP over HTTP."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        taken = self.sent

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                taken.append(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(service.ExportTraceServiceResponse().SerializeToString())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

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
