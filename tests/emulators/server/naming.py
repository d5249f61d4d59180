"""Names a request: which service, which action, on what."""

from __future__ import annotations

import dataclasses
import functools
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import boto3
from moto.core import routing
from moto.core.request import Request as MotoRequest
from werkzeug import exceptions

from emulators.server import backing, wire

SERVICES = ("sts", "iam", "s3", "organizations", "ecr", "ecr-public")
_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d+/[^/,\s]+/([^/,\s]+)/aws4_request")
_VERSIONS = {"2011-06-15": "sts", "2010-05-08": "iam"}


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A request by its AWS name; `key_id` is what the request claims."""

    service: str
    action: str
    key_id: str | None
    form: Mapping[str, str]
    bucket: str | None = None
    key: str | None = None


def name(request: wire.Request) -> Call:
    """Names the request, whoever sent it."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    key_id = scope[1] if scope else None
    form = _form(request)
    service = scope[2] if scope else _guess(request, form)
    if service == "s3":
        action, parameters = _s3_operation(request)
        return Call(service, action, key_id, form, parameters.get("Bucket"), parameters.get("Key"))
    target = request.headers.get("x-amz-target", "").rpartition(".")[2]
    return Call(service, form.get("Action", target), key_id, form)


@functools.cache
def actions() -> frozenset[str]:
    """Returns every action that a request here may have."""
    session = boto3.session.Session(region_name="us-east-1")
    models = (session.client(service, **backing.NO_KEYS).meta.service_model for service in SERVICES)
    return frozenset(action for model in models for action in model.operation_names)


def _guess(request: wire.Request, form: Mapping[str, str]) -> str:
    if "x-amz-target" in request.headers:
        return "organizations"
    return _VERSIONS.get(form.get("Version", ""), "s3")


def _form(request: wire.Request) -> dict[str, str]:
    text = request.query
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = f"{text}&{request.body.decode('latin-1')}"
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


def _s3_operation(request: wire.Request) -> tuple[str, dict[str, Any]]:
    try:
        operation, parameters = routing.get_service_router("s3").match(MotoRequest(backing.environ(request)))
    except (exceptions.HTTPException, NotImplementedError):
        return "Unknown", {}
    return operation.name, parameters
