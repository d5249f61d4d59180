"""ECR: passwords for registries, and whom a registry lets in with one; moto's are the same for everybody."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from typing import Any

from emulators.server import accounts, answers, authority, naming, wire

ENTRY = "/v2/"
LIFE = 12 * 3600
SERVICES = frozenset({"ecr", "ecr-public"})


class Registries:
    """The passwords that were given, with what each is good for: a service, and until when."""

    def __init__(self) -> None:
        self.life = LIFE
        self._passwords: dict[str, tuple[str, float]] = {}

    def clear(self) -> None:
        """Forgets everything."""
        self.life = LIFE
        self._passwords.clear()

    def answer(self, caller: accounts.Principal, call: naming.Call, now: float) -> wire.Reply:
        """Gives a password to who may have one."""
        if call.action != "GetAuthorizationToken":
            raise answers.Refusal(400, "UnknownOperationException", f"{call.action} is not emulated")
        actions = [f"{call.service}:{call.action}"]
        if call.service == "ecr-public":
            actions.append("sts:GetServiceBearerToken")
        for action in actions:
            authority.require(caller, action, "*", call.service)
        password, ends = secrets.token_urlsafe(600), now + self.life
        self._passwords[password] = (call.service, ends)
        pair = base64.b64encode(f"AWS:{password}".encode()).decode()
        data: dict[str, Any] = {"authorizationToken": pair, "expiresAt": round(ends, 3)}
        if call.service == "ecr":
            home = f"https://{caller.account}.dkr.ecr.us-east-1.amazonaws.com"
            return _reply(200, {"authorizationData": [{**data, "proxyEndpoint": home}]})
        return _reply(200, {"authorizationData": data})

    def enter(self, request: wire.Request, now: float) -> wire.Reply:
        """Lets in who shows a password that is good here, as GET /v2/ does."""
        service = "ecr-public" if request.headers.get("host", "").startswith("public.") else "ecr"
        known, ends = self._passwords.get(_shown(request), ("", 0.0))
        if known == service and now < ends:
            return _reply(200, {})
        challenge = {"WWW-Authenticate": 'Basic realm="registry",service="ecr.amazonaws.com"'}
        error = {"code": "UNAUTHORIZED", "message": "authentication required"}
        return _reply(401, {"errors": [error]}, challenge)


def _shown(request: wire.Request) -> str:
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if (scheme, user) == ("Basic", "AWS") else ""


def _reply(status: int, document: Any, headers: dict[str, str] | None = None) -> wire.Reply:
    told = {"Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0"}
    return wire.Reply(status=status, headers={**told, **(headers or {})}, body=json.dumps(document).encode())
