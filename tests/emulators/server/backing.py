"""Moto, called in this process: it keeps the state and writes the answers.

Moto's own authentication stays off in its dispatcher, because there it comes bundled with an
evaluation of policies that differs from AWS. Its signature check, which recomputes the signature with
botocore's signer, is called by itself: see `signature_matches`.
"""

from __future__ import annotations

import dataclasses
import io
import urllib.parse
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam import access_control
from moto.moto_server import werkzeug_app
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from emulators.server import wire

NO_KEYS: Mapping[str, Any] = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
# A caller must not choose the account it is taken for.
_DROPPED = frozenset({"x-moto-account-id", "transfer-encoding", "expect", "content-type", "content-length"})
_HOP = frozenset({"date", "connection", "transfer-encoding"})
_application = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)


def forward(request: wire.Request) -> wire.Reply:
    """Has moto answer a request that the gate let through."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        started.extend((status, headers))

    body = b"".join(_application(environ(request), start_response))
    status, headers = started
    kept = {name: value for name, value in headers if name.lower() not in _HOP}
    return wire.Reply(status=int(status.split()[0]), headers=kept, body=body)


def signature_matches(request: wire.Request, *, service: str, account: str) -> bool:
    """Tells whether moto, with botocore's signer, computes the signature that was sent."""
    kind = access_control.S3IAMRequest if service == "s3" else access_control.IAMRequest
    try:
        kind(
            account_id=account,
            method=request.method,
            path=request.target,
            data={},
            body=request.body,
            headers=_titled(request.headers),
            action="",
        ).check_signature()
    except (ServiceException, HTTPException):
        return False
    return True


def environ(request: wire.Request) -> dict[str, Any]:
    """Describes a request in the words of WSGI."""
    host, _, port = request.headers.get("host", "127.0.0.1").partition(":")
    described = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": urllib.parse.unquote_to_bytes(request.path).decode("latin-1"),
        "RAW_URI": request.target,
        "QUERY_STRING": request.query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if request.secure else "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name not in _DROPPED:
            described[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return described


def with_form(request: wire.Request, form: Mapping[str, str]) -> wire.Request:
    """Returns the request with another form as its body."""
    return dataclasses.replace(request, body=urllib.parse.urlencode(form).encode())


def _titled(headers: Mapping[str, str]) -> Any:
    return Headers({name.title(): value for name, value in headers.items()})
