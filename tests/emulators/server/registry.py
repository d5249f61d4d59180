"""The registry's process: a registry and a token server that share users and repositories, and nothing else."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hmac
import json
import pathlib
import re
import secrets
import urllib.parse
from collections.abc import Callable
from typing import Any

from joserfc import errors as jose_errors
from joserfc import jwk, jwt

from emulators.server import channel, desk, wire

ENTRY = "/v2/"
TAGS = re.compile(r"/v2/(?P<name>.+)/tags/list")
SCOPE = re.compile(r"repository:(?P<name>[^:]+):pull")
LIFE = 300
_CODES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN", 429: "TOOMANYREQUESTS", 503: "UNAVAILABLE"}


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """What differs from registry to registry."""

    path: str
    service: str


WAYS = {
    "hub": Way("/token", "registry.docker.io"),
    "ghcr": Way("/token", "ghcr.io"),
    "harbor": Way("/service/token", "harbor-registry"),
    "basic": Way("", ""),
}


@dataclasses.dataclass(slots=True)
class User:
    """Who may pull what."""

    name: str
    password: str
    pulls: list[str]
    state: str


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """What a request shows: a user, or a token for somebody or nobody that opens repositories."""

    user: User | None
    pulls: tuple[str, ...]


class Registry(desk.Desk):
    """Users and repositories by name, and the key that signs tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.way = "hub"
        self.key = jwk.ECKey.generate_key("P-256", parameters={"kid": "tokens", "use": "sig", "alg": "ES256"})
        self.users: dict[str, User] = {}
        self.repositories: dict[str, bool] = {}
        self.tokens: list[str] = []
        self.realm = ""
        self.open = False
        self.trusting = True
        self.silent = False

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "set_way": self.set_way,
            "set_user": self.set_user,
            "add_repository": lambda name, public: self.repositories.update({name: public}),
            "open_entry": lambda: setattr(self, "open", True),
            "set_realm": lambda realm: setattr(self, "realm", realm),
            "trust_no_tokens": lambda: setattr(self, "trusting", False),
            "hide_subjects": lambda: setattr(self, "silent", True),
            "realm": lambda: self.realm,
            "tokens": lambda: self.tokens,
            "key_set": lambda: {"keys": [self.key.as_dict(private=False)]},
        }

    def set_way(self, way: str) -> None:
        """Serves in another way."""
        self.way = way
        self.realm = f"{self.url}{WAYS[way].path}"

    def set_user(self, name: str, password: str, pulls: list[str], state: str) -> None:
        """Makes a user, or gives them another password."""
        self.users[name] = User(name, password, pulls, state)

    def reset(self) -> None:
        """Forgets everything but the way and the key."""
        self.users.clear()
        self.repositories.clear()
        self.tokens.clear()
        self.open, self.trusting, self.silent = False, True, False
        self.set_way(self.way)
        self.clear()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        return _error(status, message, code=code)

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        if request.path == WAYS[self.way].path:
            return self._give(request, now)
        tags = TAGS.fullmatch(request.path)
        if request.path == ENTRY:
            return self._enter(request, now)
        return self._list(request, tags["name"], now) if tags else _error(404, "", code="UNSUPPORTED")

    def _enter(self, request: wire.Request, now: float) -> wire.Reply:
        grant = self._grant(request, now)
        shown = "authorization" in request.headers
        return _reply(200, {}) if grant or (self.open and not shown) else self._ask(request, "")

    def _list(self, request: wire.Request, name: str, now: float) -> wire.Reply:
        grant = self._grant(request, now)
        public = self.repositories.get(name, False)
        if name not in (grant.pulls if grant else ()) and not (public and (self.open or grant)):
            if grant and self.way in {"ghcr", "basic"}:
                return _error(403, "requested access to the resource is denied")
            return self._ask(request, name, known=grant is not None)
        if name not in self.repositories:
            return _error(404, "repository name not known to registry")
        return _reply(200, {"name": name, "tags": ["1.0"]})

    def _ask(self, request: wire.Request, name: str, *, known: bool = False) -> wire.Reply:
        """Says how it wants to be asked."""
        way, shown = WAYS[self.way], "authorization" in request.headers
        challenge = 'Basic realm="registry"'
        if self.way != "basic" and not (self.way == "harbor" and shown):
            challenge = f'Bearer realm="{self.realm}",service="{way.service}"'
            challenge += f',scope="repository:{name}:pull"' if name else ""
            challenge += f',error="{"insufficient_scope" if known else "invalid_token"}"' if shown else ""
        return _error(401, "authentication required", headers={"WWW-Authenticate": challenge})

    def _grant(self, request: wire.Request, now: float) -> Grant | None:
        """Gives what a request shows, if that is good."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic" and self.way in {"basic", "harbor"}:
            user = self._user(request)
            return Grant(user, tuple(user.pulls)) if user and user.state == "known" else None
        if scheme != "Bearer" or not self.trusting:
            return None
        return self._opaque(sent) if self.way == "ghcr" else self._signed(sent, now)

    def _opaque(self, token: str) -> Grant | None:
        """Looks into one of GitHub's: the password itself is in it."""
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        user = self.users.get(name)
        if not name:
            return Grant(None, ())
        same = user is not None and hmac.compare_digest(user.password.encode(), password.encode())
        return Grant(user, tuple(user.pulls)) if user and same else None

    def _signed(self, token: str, now: float) -> Grant | None:
        """Verifies a token, and reads what it opens."""
        service = WAYS[self.way].service
        rules = jwt.JWTClaimsRegistry(now=int(now), aud={"essential": True, "value": service})
        try:
            said = jwt.decode(token, self.key, algorithms=["ES256"]).claims
            rules.validate(said)
        except (jose_errors.JoseError, ValueError):
            return None
        pulls = (entry["name"] for entry in said["access"] if "pull" in entry["actions"])
        return Grant(self.users.get(said.get("sub", "")), tuple(pulls))

    def _user(self, request: wire.Request) -> User | None:
        """Gives the user who is shown with the right password."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        user = self.users.get(name)
        if scheme != "Basic" or user is None:
            return None
        return user if hmac.compare_digest(user.password.encode(), password.encode()) else None

    def _give(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers who asks for a token."""
        asked = dict(urllib.parse.parse_qsl(request.query))
        scope = SCOPE.fullmatch(asked.get("scope", ""))
        user, shown = self._user(request), "authorization" in request.headers
        if user and asked.get("account") != user.name:
            return _error(400, "another account", code="INVALID_REQUEST")
        if user and user.state == "barred":
            return _error(403, "access forbidden")
        good = user if user and user.state == "known" else None
        name = scope["name"] if scope else ""
        refused = {"hub": self._hub, "ghcr": self._ghcr, "harbor": self._harbor}[self.way]
        if refusal := refused(user, good, name, shown=shown):
            return refusal
        token = self._opaque_for(good) if self.way == "ghcr" else self._sign(asked, good, name, now)
        self.tokens.append(token)
        return _reply(200, {"token": token, "expires_in": LIFE})

    def _hub(self, user: User | None, good: User | None, _: str, *, shown: bool) -> wire.Reply | None:
        """Refuses as Docker Hub does: who shows nothing gets a token."""
        if good or not shown:
            return None
        words = "personal access token is expired" if user else "incorrect username or password"
        return _reply(401, {"details": words})

    def _ghcr(self, _: User | None, good: User | None, name: str, *, shown: bool) -> wire.Reply | None:
        """Refuses as GitHub does: a token is given for what may be read, and for nothing else."""
        public = self.repositories.get(name, False)
        if shown and (good is None or (name and not public and name not in good.pulls)):
            return _error(403, "denied")
        return None if good or public else _error(401, "authentication required")

    def _harbor(self, _: User | None, good: User | None, name: str, *, shown: bool) -> wire.Reply | None:
        """Refuses as Harbor does: whoever names a repository gets a token, for nobody after a wrong password."""
        return None if good or name else wire.Reply(status=401, headers={"Content-Type": "text/plain"})

    def _opaque_for(self, user: User | None) -> str:
        text = f"{user.name}:{user.password}" if user else ":"
        return base64.b64encode(text.encode()).decode()

    def _sign(self, asked: dict[str, str], user: User | None, name: str, now: float) -> str:
        """Signs a token that opens no more than the user may."""
        allowed = name and (self.repositories.get(name, False) or (user is not None and name in user.pulls))
        claims: dict[str, Any] = {
            "iss": "registry emulator",
            "aud": asked.get("service", ""),
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + LIFE,
            "jti": secrets.token_urlsafe(8),
            "access": [],
        }
        if not self.silent and (user or self.way == "hub"):
            claims["sub"] = user.name if user else ""
        if name and (allowed or self.way == "harbor"):
            entry = {"type": "repository", "name": name, "actions": ["pull"] if allowed else []}
            claims["access"] = [entry]
        return jwt.encode({"alg": "ES256", "kid": "tokens", "typ": "JWT"}, claims, self.key)


def _reply(status: int, document: Any, headers: dict[str, str] | None = None) -> wire.Reply:
    told = {"Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0"}
    return wire.Reply(status=status, headers={**told, **(headers or {})}, body=json.dumps(document).encode())


def _error(status: int, message: str, *, code: str = "", headers: dict[str, str] | None = None) -> wire.Reply:
    """Words an error as the specification of distribution does."""
    error = {"code": code or _CODES.get(status, "UNKNOWN"), "message": message}
    return _reply(status, {"errors": [error]}, headers)


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Registry(), config, folder)
