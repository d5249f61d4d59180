"""Microsoft Graph: what it shows of an application, and lets be changed of it, to and by whom it may.

learn.microsoft.com/graph/api/application-get, application-update, application-addpassword, application-removepassword
learn.microsoft.com/graph/permissions-reference#applicationreadwriteownedby
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import secrets
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes

from emulators.server import entra, wire

ONE = re.compile(r"/v1\.0/applications\(appId='([0-9a-fA-F-]{36})'\)(/addPassword|/removePassword)?")
_MAY_READ = {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"}
_MAY_WRITE = "Application.ReadWrite.All"
_OWNED = "Application.ReadWrite.OwnedBy"
_LONGEST_TAG = 256
_YEARS = 730 * 24 * 3600.0


class Refusal(Exception):
    """Why Graph does not do what it is asked for."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.reply = refuse(status, code, message)


def action(request: wire.Request) -> str:
    """Names what is asked for: application, updateApplication, addPassword or removePassword."""
    found = ONE.fullmatch(urllib.parse.unquote(request.path))
    if found and found[2]:
        return found[2][1:]
    return "updateApplication" if request.method == "PATCH" else "application"


def answer(request: wire.Request, claims: dict[str, Any], authority: entra.Authority) -> wire.Reply:
    """Shows an application, or changes it."""
    try:
        return _answer(request, claims, authority)
    except Refusal as refusal:
        return refusal.reply


def _answer(request: wire.Request, claims: dict[str, Any], authority: entra.Authority) -> wire.Reply:
    found = ONE.fullmatch(urllib.parse.unquote(request.path))
    methods = {"application": "GET", "updateApplication": "PATCH"}
    if not found or request.method != methods.get(action(request), "POST"):
        return refuse(400, "BadRequest", "Resource not found for the segment.")
    application = authority.applications.get(found[1].lower())
    roles = set(claims.get("roles", ()))
    owned = application is not None and claims["appid"] in application.owners and _OWNED in roles
    needed = _MAY_READ if request.method == "GET" else {_MAY_WRITE}
    if not needed & roles and not owned:
        return refuse(403, "Authorization_RequestDenied", "Insufficient privileges.")
    if application is None or application.tenant != claims["tid"]:
        return refuse(404, "Request_ResourceNotFound", "Resource does not exist.")
    if request.method == "GET":
        chosen = dict(urllib.parse.parse_qsl(request.query)).get("$select", "").split(",")
        whole = _shown(application, authority.unlisted)
        return entra.reply(200, {name: value for name, value in whole.items() if name in chosen})
    return _CHANGES[action(request)](application, json.loads(request.body))


def _shown(application: entra.Application, unlisted: float) -> dict[str, Any]:
    listed = [one for one in application.secrets if time.time() - one.made_at >= unlisted]
    return {
        "passwordCredentials": [_secret(one) for one in listed],
        "keyCredentials": _certificates(application),
        "tags": application.tags,
    }


def _update(application: entra.Application, asked: dict[str, Any]) -> wire.Reply:
    tags = asked["tags"]
    if asked.keys() != {"tags"} or not all(isinstance(tag, str) and len(tag) <= _LONGEST_TAG for tag in tags):
        raise Refusal(400, "Request_BadRequest", "Invalid value specified for property.")
    application.tags = tags
    return wire.Reply(status=204, headers={}, body=b"")


def _add(application: entra.Application, asked: dict[str, Any]) -> wire.Reply:
    said, now = asked["passwordCredential"], time.time()
    ends = (
        datetime.datetime.fromisoformat(said["endDateTime"]).timestamp()
        if "endDateTime" in said
        else now + _YEARS
    )
    if application.longest is None:
        raise Refusal(400, "CredentialTypeNotAllowedAsPerAppPolicy", "Credential type not allowed.")
    if ends - now > application.longest:
        raise Refusal(
            400, "CredentialInvalidLifetimeAsPerAppPolicy", "Credential lifetime exceeds the max value."
        )
    if len(application.secrets) >= application.most:
        raise Refusal(
            400, "TooManyAppPasswords", f"You can only add a maximum of {application.most} passwords."
        )
    value = f"{secrets.token_urlsafe(3)[:3]}8Q~{secrets.token_urlsafe(25)}"
    made = entra.Secret(value, now, ends, said.get("displayName"))
    application.secrets.append(made)
    return entra.reply(200, {**_secret(made), "secretText": value})


def _remove(application: entra.Application, asked: dict[str, Any]) -> wire.Reply:
    found = [one for one in application.secrets if one.key_id == asked["keyId"]]
    if not found:
        raise Refusal(400, "Request_BadRequest", "No password credential found with keyId.")
    application.secrets.remove(found[0])
    return wire.Reply(status=204, headers={}, body=b"")


_CHANGES: Mapping[str, Callable[[entra.Application, dict[str, Any]], wire.Reply]] = {
    "updateApplication": _update,
    "addPassword": _add,
    "removePassword": _remove,
}


def refuse(status: int, code: str, message: str) -> wire.Reply:
    """Words a refusal."""
    return entra.reply(status, {"error": {"code": code, "message": message, "innerError": {}}})


def _secret(secret: entra.Secret) -> dict[str, Any]:
    return {
        "customKeyIdentifier": None,
        "displayName": secret.name,
        "endDateTime": _time(secret.expires_at),
        "hint": secret.value[:3],
        "keyId": secret.key_id,
        "secretText": None,
        "startDateTime": _time(secret.starts_at),
    }


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
