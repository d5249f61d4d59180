"""Microsoft Graph: what it shows of an application's secrets and certificates, to whom it may show it.

learn.microsoft.com/graph/api/application-get
"""

from __future__ import annotations

import base64
import datetime
import re
import urllib.parse
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes

from emulators.server import entra, wire

ONE = re.compile(r"/v1\.0/applications\(appId='([0-9a-fA-F-]{36})'\)")
_MAY_READ = {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"}


def answer(request: wire.Request, claims: dict[str, Any], authority: entra.Authority) -> wire.Reply:
    """Shows an application."""
    found = ONE.fullmatch(urllib.parse.unquote(request.path))
    if not found or request.method != "GET":
        return refuse(400, "BadRequest", "Resource not found for the segment.")
    if not _MAY_READ & set(claims.get("roles", ())):
        return refuse(403, "Authorization_RequestDenied", "Insufficient privileges.")
    application = authority.applications.get(found[1].lower())
    if application is None or application.tenant != claims["tid"]:
        return refuse(404, "Request_ResourceNotFound", "Resource does not exist.")
    whole = {"passwordCredentials": _secrets(application), "keyCredentials": _certificates(application)}
    chosen = dict(urllib.parse.parse_qsl(request.query)).get("$select", "").split(",")
    return entra.reply(200, {name: value for name, value in whole.items() if name in chosen})


def refuse(status: int, code: str, message: str) -> wire.Reply:
    """Words a refusal."""
    return entra.reply(status, {"error": {"code": code, "message": message, "innerError": {}}})


def _secrets(application: entra.Application) -> list[dict[str, Any]]:
    return [
        {
            "customKeyIdentifier": None,
            "displayName": "made by hand",
            "endDateTime": _time(secret.expires_at),
            "hint": secret.value[:3],
            "keyId": str(uuid.uuid4()),
            "secretText": None,
            "startDateTime": _time(secret.starts_at),
        }
        for secret in application.secrets
    ]


def _certificates(application: entra.Application) -> list[dict[str, Any]]:
    return [
        {
            "customKeyIdentifier": base64.b64encode(one.fingerprint(hashes.SHA1())).decode(),  # noqa: S303
            "endDateTime": _time(one.not_valid_after_utc.timestamp()),
            "keyId": str(uuid.uuid4()),
            "startDateTime": _time(one.not_valid_before_utc.timestamp()),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }
        for one in application.certificates.values()
    ]


def _time(seconds: float) -> str:
    """Words a time as Graph does, with seven digits after the seconds where there are any."""
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    fraction = f".{when.microsecond:06d}0" if when.microsecond else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z"
