"""Azure's process: Entra ID's token endpoint, and Resource Manager's subscriptions for its tokens."""

from __future__ import annotations

import base64
import pathlib
import re
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.server import channel, desk, entra, wire

VERSION = "2022-12-01"
_FORM = "application/x-www-form-urlencoded"
_TOKEN = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
_ONE = re.compile(r"/subscriptions/([0-9a-fA-F-]{36})")
_PUBLIC = ("management.azure.com", "graph.microsoft.com", "api.loganalytics.io", "storage.azure.com")
_STATUS_CODES = {503: "ServerTimeout", 500: "InternalServerError"}


class Azure(desk.Desk):
    """One authority, and the subscriptions that its applications have roles in."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.page_size = 100
        self.link_host = ""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.reset()

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "add_application": self.add_application,
            "set_application": self.set_application,
            "add_secret": self.add_secret,
            "add_certificate": self.add_certificate,
            "add_subscription": self.add_subscription,
            "set_pages": self.set_pages,
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.authority = entra.Authority(self._key)
        self.authority.resources = {f"https://{host}" for host in _PUBLIC} | {self.url}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.readers: dict[str, set[str]] = {}
        self.page_size, self.link_host = 100, ""
        self.faults.clear()
        self.calls.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes the action and the status."""
        return (self.action(request), status)

    def action(self, request: wire.Request) -> str:
        """Names what is asked for."""
        if _TOKEN.fullmatch(request.path):
            return "token"
        if request.path == "/subscriptions":
            return "subscriptions"
        return "subscription" if _ONE.fullmatch(request.path) else request.path

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers a request."""
        if found := _TOKEN.fullmatch(request.path):
            if request.method != "POST" or request.headers.get("content-type") != _FORM:
                return entra.refuse(900144)
            return self.authority.token(found[1], request, now)
        claims = self._claims(request, now)
        if claims is None:
            return self._error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        return self._manage(request, claims)

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal: a code of digits is a number of Entra ID's."""
        if action != "token":
            return self._error(status, code or _STATUS_CODES.get(status, "BadRequest"), message)
        if code.isdecimal():
            return entra.refuse(int(code), message, status)
        return entra.reply(status, entra.error(code or "temporarily_unavailable", message))

    def throttled(self, action: str) -> wire.Reply:
        """Words that there were too many calls."""
        if action == "token":
            return entra.reply(429, entra.error("temporarily_unavailable", "Too many requests."))
        return self._error(429, "TooManyRequests", "The request is being throttled.")

    def add_application(self, tenant: str, client: str, domain: str) -> None:
        """Makes an application, and its tenant where it is new."""
        for name in (tenant, domain):
            self.authority.tenants[name.lower()] = tenant.lower()
        self.authority.applications[client.lower()] = entra.Application(tenant.lower())

    def set_application(self, client: str, **what: bool) -> None:
        """Disables an application, or blocks it."""
        for name, value in what.items():
            setattr(self.authority.applications[client.lower()], name, value)

    def add_secret(self, client: str, value: str, seconds: float) -> None:
        """Makes a secret that lives for so many seconds."""
        secret = entra.Secret(value, time.time() + seconds)
        self.authority.applications[client.lower()].secrets.append(secret)

    def add_certificate(self, client: str, pem: str) -> None:
        """Makes a certificate known."""
        certificate = x509.load_pem_x509_certificate(pem.encode())
        mark = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
        self.authority.applications[client.lower()].certificates[mark] = certificate.public_key()

    def add_subscription(self, subscription: str, tenant: str, readers: list[str], name: str) -> None:
        """Makes a subscription, which these applications have a role in."""
        self.subscriptions[subscription.lower()] = {
            "id": f"/subscriptions/{subscription}",
            "subscriptionId": subscription,
            "tenantId": tenant,
            "displayName": name,
            "state": "Enabled",
        }
        self.readers[subscription.lower()] = {reader.lower() for reader in readers}

    def set_pages(self, size: int, link_host: str) -> None:
        """Sets how long pages are, and which host links to the next page name."""
        self.page_size, self.link_host = size, link_host

    def _claims(self, request: wire.Request, now: float) -> dict[str, Any] | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        audience = self.url if scheme == "Bearer" else ""
        return self.authority.read(token, audience, now) if audience else None

    def _manage(self, request: wire.Request, claims: dict[str, Any]) -> wire.Reply:
        query = dict(urllib.parse.parse_qsl(request.query))
        if request.method != "GET" or query.get("api-version") != VERSION:
            return self._error(400, "MissingApiVersionParameter", "The api-version parameter is required.")
        if found := _ONE.fullmatch(request.path):
            return self._one(found[1].lower(), claims)
        if request.path == "/subscriptions":
            return self._page(claims, int(query.get("$skiptoken", "0")))
        return self._error(404, "InvalidResourceType", "The resource type could not be found.")

    def _one(self, subscription: str, claims: dict[str, Any]) -> wire.Reply:
        if subscription not in self.subscriptions:
            return self._error(404, "SubscriptionNotFound", "The subscription could not be found.")
        if claims["appid"] not in self.readers[subscription]:
            return self._error(403, "AuthorizationFailed", "The client does not have authorization.")
        return entra.reply(200, self.subscriptions[subscription])

    def _page(self, claims: dict[str, Any], start: int) -> wire.Reply:
        seen = [
            subscription
            for name, subscription in sorted(self.subscriptions.items())
            if claims["appid"] in self.readers[name]
        ]
        page: dict[str, Any] = {"value": seen[start : start + self.page_size]}
        if len(seen) > start + self.page_size:
            query = f"api-version={VERSION}&%24skiptoken={start + self.page_size}"
            page["nextLink"] = f"{self.link_host or self.url}/subscriptions?{query}"
        return entra.reply(200, page)

    def _error(self, status: int, code: str, message: str) -> wire.Reply:
        return entra.reply(status, {"error": {"code": code, "message": message}})


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Azure(), config, folder)
