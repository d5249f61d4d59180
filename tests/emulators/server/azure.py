"""Azure's process: Entra ID's token endpoint, and Resource Manager and Microsoft Graph for its tokens."""

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

from emulators.server import azure_registry, azure_roles, channel, desk, entra, graph, wire

VERSION = "2022-12-01"
AUTHORIZATION_VERSION = "2022-04-01"
_FORM = "application/x-www-form-urlencoded"
_TOKEN = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
_DISCOVERY = re.compile(r"/([^/]+)/v2\.0/\.well-known/openid-configuration")
_KEYS = re.compile(r"/[^/]+/discovery/v2\.0/keys")
_ONE = re.compile(r"/subscriptions/([0-9a-fA-F-]{36})")
_PERMISSIONS = re.compile(r"/subscriptions/([0-9a-fA-F-]{36})/providers/Microsoft\.Authorization/permissions")
_OPERATIONS = re.compile(r"/providers/Microsoft\.Authorization/providerOperations/([A-Za-z.]+)")
_NAMES = {_TOKEN: "token", _ONE: "subscription", _PERMISSIONS: "permissions", _OPERATIONS: "operations"}
_GRAPH = "https://graph.microsoft.com"
_PUBLIC = ("management.azure.com", "graph.microsoft.com", "api.loganalytics.io", "storage.azure.com")
_STATUS_CODES = {503: "ServerTimeout", 500: "InternalServerError"}


class Azure(desk.Desk):
    """One authority, and the subscriptions that its applications have roles in.

    A token counts where it is for the host that is asked, which is the emulator itself unless a proxy leads
    the clouds' own names here.
    """

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
            "own": self.own,
            "limit_secrets": self.limit_secrets,
            "serve_graph": self.serve_graph,
            "set_tags": lambda client, tags: setattr(self.authority.applications[client], "tags", tags),
            "tags": lambda client: self.authority.applications[client].tags,
            "delay_new_keys": lambda seconds: setattr(self.authority, "unknown", seconds),
            "list_new_keys_late": lambda seconds: setattr(self.authority, "unlisted", seconds),
            "add_certificate": self.add_certificate,
            "add_federated_credential": self.add_federated_credential,
            "trust_issuer": self.trust_issuer,
            "set_graph_roles": self.set_graph_roles,
            "add_subscription": self.add_subscription,
            "assign_role": self.assign_role,
            "set_pages": self.set_pages,
            "let_pull": self.let_pull,
            "set_life": lambda seconds: setattr(self.authority, "life", seconds),
            "set_password_life": lambda seconds: setattr(self.registries, "life", seconds),
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.authority = entra.Authority(self._key)
        self.authority.resources = {f"https://{host}" for host in _PUBLIC} | {self.url}
        self.authority.graphs = {_GRAPH, self.url}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.authority.resources.add(azure_registry.AUDIENCE)
        self.registries = azure_registry.Registries(self.authority, self._key)
        self.roles = azure_roles.Roles()
        self.page_size, self.link_host = 100, ""
        self.faults.clear()
        self.calls.clear()

    def entry(self, request: wire.Request, reply: wire.Reply, status: int) -> tuple[Any, ...]:
        """Notes the action and the status."""
        return (self.action(request), status)

    def action(self, request: wire.Request) -> str:
        """Names what is asked for."""
        if request.path == "/subscriptions":
            return "subscriptions"
        if request.path.startswith("/v1.0/applications"):
            return graph.action(request)
        return next((name for form, name in _NAMES.items() if form.fullmatch(request.path)), request.path)

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers a request."""
        if signed_in := self._sign_in(request, now):
            return signed_in
        if request.path in azure_registry.PATHS:
            return self.registries.answer(request, now)
        claims = self._claims(request, now)
        if claims is None:
            return self._error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if request.path.startswith("/v1.0/applications"):
            return graph.answer(request, claims, self.authority)
        return self._manage(request, claims)

    def _sign_in(self, request: wire.Request, now: float) -> wire.Reply | None:
        """Answers what Entra ID is asked for."""
        if found := _TOKEN.fullmatch(request.path):
            if request.method != "POST" or request.headers.get("content-type") != _FORM:
                return entra.refuse(900144)
            return self.authority.token(found[1], request, now)
        if found := _DISCOVERY.fullmatch(request.path):
            return self.authority.discovery(found[1], f"https://{request.headers['host']}")
        return self.authority.keys() if _KEYS.fullmatch(request.path) else None

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal: a code of digits is a number of Entra ID's."""
        if action in azure_registry.PATHS:
            return entra.reply(status, {"errors": [{"code": code or "TOOMANYREQUESTS", "message": message}]})
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

    def add_secret(self, client: str, value: str, seconds: float, age: float, name: str | None) -> str:
        """Makes a secret that is so old, and lives for so many seconds more; gives its ID."""
        secret = entra.Secret(value, time.time() - age, time.time() + seconds, name)
        self.authority.applications[client.lower()].secrets.append(secret)
        return secret.key_id

    def own(self, client: str, owner: str) -> None:
        """Makes an application the owner of one."""
        self.authority.applications[client.lower()].owners.add(owner.lower())

    def limit_secrets(self, client: str, most: int, longest: float | None) -> None:
        """Sets how many secrets an application may have, and how long one may live."""
        application = self.authority.applications[client.lower()]
        application.most, application.longest = most, longest

    def serve_graph(self, url: str) -> None:
        """Makes the tenant know the Graph of another cloud."""
        self.authority.resources.add(url)
        self.authority.graphs.add(url)

    def add_certificate(self, client: str, pem: str) -> None:
        """Makes a certificate known."""
        certificate = x509.load_pem_x509_certificate(pem.encode())
        mark = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
        self.authority.applications[client.lower()].certificates[mark] = certificate

    def add_federated_credential(self, client: str, **whose: str) -> None:
        """Lets tokens of an issuer stand in for a key."""
        self.authority.applications[client.lower()].federated.append(entra.Federated(**whose))

    def trust_issuer(self, issuer: str, jwks: dict[str, Any]) -> None:
        """Makes the keys known that an issuer publishes."""
        self.authority.issuers[issuer] = jwks

    def set_graph_roles(self, client: str, roles: list[str]) -> None:
        """Gives an application permissions on Microsoft Graph, in place of those it had."""
        self.authority.applications[client.lower()].roles = roles

    def assign_role(self, client: str, subscription: str, role: dict[str, list[str]]) -> None:
        """Gives an application one more role in a subscription."""
        self.roles.assign(client, subscription, role)

    def add_subscription(
        self, subscription: str, tenant: str, readers: list[str], name: str, state: str
    ) -> None:
        """Makes a subscription, which these applications read."""
        self.subscriptions[subscription.lower()] = {
            "id": f"/subscriptions/{subscription}",
            "subscriptionId": subscription,
            "tenantId": tenant,
            "displayName": name,
            "state": state,
            "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }
        self.roles.forget(subscription)
        for reader in readers:
            self.roles.assign(reader, subscription, azure_roles.READER)

    def let_pull(self, client: str, registry: str) -> None:
        """Gives an application a role in a container registry."""
        self.registries.roles.setdefault(registry, set()).add(client.lower())

    def set_pages(self, size: int, link_host: str) -> None:
        """Sets how long pages are, and which host links to the next page name."""
        self.page_size, self.link_host = size, link_host

    def _claims(self, request: wire.Request, now: float) -> dict[str, Any] | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        host = f"https://{request.headers.get('host', '')}"
        audience = host if host in self.authority.resources else self.url
        return self.authority.read(token, audience, now) if scheme == "Bearer" else None

    def _manage(self, request: wire.Request, claims: dict[str, Any]) -> wire.Reply:
        query = dict(urllib.parse.parse_qsl(request.query))
        start, client = int(query.get("$skiptoken", "0")), claims["appid"]
        of_roles = _PERMISSIONS.fullmatch(request.path) or _OPERATIONS.fullmatch(request.path)
        version = AUTHORIZATION_VERSION if of_roles else VERSION
        if request.method != "GET" or query.get("api-version") != version:
            return self._error(400, "MissingApiVersionParameter", "The api-version parameter is required.")
        if found := _ONE.fullmatch(request.path):
            return self._one(found[1].lower(), client)
        if found := _PERMISSIONS.fullmatch(request.path):
            return self._permissions(request.path, found[1].lower(), client, start)
        if found := _OPERATIONS.fullmatch(request.path):
            return self._operations(found[1], client)
        if request.path == "/subscriptions":
            seen = [
                subscription
                for name, subscription in sorted(self.subscriptions.items())
                if self.roles.of(client, name)
            ]
            return self._page(request.path, VERSION, seen, start)
        return self._error(404, "InvalidResourceType", "The resource type could not be found.")

    def _one(self, subscription: str, client: str) -> wire.Reply:
        if subscription not in self.subscriptions:
            return self._error(404, "SubscriptionNotFound", "The subscription could not be found.")
        if not self.roles.of(client, subscription):
            return self._error(403, "AuthorizationFailed", "The client does not have authorization.")
        return entra.reply(200, self.subscriptions[subscription])

    def _permissions(self, path: str, subscription: str, client: str, start: int) -> wire.Reply:
        if subscription not in self.subscriptions:
            return self._error(404, "SubscriptionNotFound", "The subscription could not be found.")
        if not self.roles.may(client, subscription, azure_roles.READ_PERMISSIONS):
            return self._error(403, "AuthorizationFailed", "The client does not have authorization.")
        return self._page(path, AUTHORIZATION_VERSION, self.roles.of(client, subscription), start)

    def _operations(self, namespace: str, client: str) -> wire.Reply:
        if not self.roles.may_anywhere(client, azure_roles.READ_OPERATIONS):
            return self._error(403, "AuthorizationFailed", "The client does not have authorization.")
        found = azure_roles.operations(namespace)
        if found is None:
            return self._error(404, "ResourceProviderNotFound", "The provider could not be found.")
        return entra.reply(200, found)

    def _page(self, path: str, version: str, items: list[Any], start: int) -> wire.Reply:
        page: dict[str, Any] = {"value": items[start : start + self.page_size]}
        if len(items) > start + self.page_size:
            query = f"api-version={version}&%24skiptoken={start + self.page_size}"
            page["nextLink"] = f"{self.link_host or self.url}{path}?{query}"
        return entra.reply(200, page)

    def _error(self, status: int, code: str, message: str) -> wire.Reply:
        return entra.reply(status, {"error": {"code": code, "message": message}})


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Azure(), config, folder)
