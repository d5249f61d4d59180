"""The OAuth 2 server's process: Authlib verifies secrets, scopes and assertions, and shares no code with us."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import secrets
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from authlib.oauth2 import OAuth2Error, rfc6749, rfc7523
from authlib.oauth2.rfc6749 import requests
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from joserfc import errors as jose_errors
from joserfc import jwk, jwt

from emulators.server import channel, desk, wire

PATH = "/token"
SHOWN = "/me"
LIFE = 3600
_METHODS = {"Basic": "client_secret_basic", "Post": "client_secret_post"}
_KINDS: dict[str, Any] = {
    "RS": jwk.RSAKey,
    "PS": jwk.RSAKey,
    "ES": jwk.ECKey,
    "Ed": jwk.OKPKey,
    "HS": jwk.OctKey,
}
_CODES = {429: "slow_down", 500: "server_error", 503: "temporarily_unavailable"}


@dataclasses.dataclass(slots=True, kw_only=True)
class Client(rfc6749.ClientMixin):
    """Who may get tokens, and what they have to show."""

    name: str
    grant: str
    secret: str | None
    method: str = _METHODS["Basic"]
    scopes: list[str]
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    allowed: bool
    key: Any = None
    algorithm: str = ""
    key_id: str | None = None
    audience: str = ""
    subjects: list[str] = dataclasses.field(default_factory=list)
    claims: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def check_client_secret(self, secret: str) -> bool:
        """Tells whether a secret is theirs."""
        return self.secret is not None and secrets.compare_digest(self.secret.encode(), secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Tells whether they show it in this way."""
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        """Tells whether they may use a grant."""
        return self.allowed and grant_type == self.grant


class _Request(requests.OAuth2Request):
    """A request in Authlib's form."""

    def __init__(self, request: wire.Request) -> None:
        given = {"Authorization": request.headers.get("authorization", "")}
        super().__init__(request.method, f"https://server{request.target}", headers=given)
        pairs = urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True) if request.body else []
        self._form = dict(pairs)
        if len(self._form) != len(pairs):
            raise rfc6749.InvalidRequestError(description="A parameter is repeated.")
        self.payload = requests.BasicOAuth2Payload(self._form)

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Asked:
    """What both grants look at besides: scopes and parameters of the client."""

    request: Any
    TOKEN_ENDPOINT_AUTH_METHODS = tuple(_METHODS.values())

    def validate_requested_scope(self) -> None:
        """Refuses scopes that are not the client's, and parameters that it does not ask with."""
        client, form = self.request.client, self.request.form
        if not set(form.get("scope", "").split()) <= set(client.scopes):
            raise InvalidScopeError
        if any(form.get(name) != value for name, value in client.parameters.items()):
            raise OAuth2Error(error="invalid_target", status_code=400)


class _Credentials(_Asked, ClientCredentialsGrant):
    """RFC 6749, section 4.4."""


class _Assertion(_Asked, rfc7523.JWTBearerGrant):
    """RFC 7523."""

    def validate_token_request(self) -> None:
        """Verifies the assertion, and the secret of an issuer who has one."""
        super().validate_token_request()
        issuer = self.request.client
        if issuer.secret is not None:
            shown = self.authenticate_token_endpoint_client()
            if shown is not issuer:
                raise UnauthorizedClientError

    def process_assertion_claims(self, assertion: str) -> Any:
        """Looks at the header too."""
        header, said = self.extract_assertion(assertion)
        issuer = self.resolve_issuer_client(said.get("iss"))
        if issuer and (header.get("kid"), header.get("alg")) != (issuer.key_id, issuer.algorithm):
            raise InvalidGrantError(description="Another key is known.")
        return super().process_assertion_claims(assertion)

    def verify_claims(self, claims: Any) -> None:
        """Verifies times by the server's own clock, the audience, and what the issuer has to say."""
        issuer = self.resolve_issuer_client(claims["iss"])
        options = {**self.CLAIMS_OPTIONS, "aud": {"essential": True, "values": [issuer.audience]}}
        try:
            jwt.JWTClaimsRegistry(now=int(self.server.now), leeway=self.LEEWAY, **options).validate(claims)
        except jose_errors.JoseError as error:
            raise InvalidGrantError(description="The claims are not valid.") from error
        if any(claims.get(name) != value for name, value in issuer.claims.items()):
            raise InvalidGrantError(description="A claim is missing.")
        if issuer.subjects and "sub" not in claims:
            raise InvalidGrantError(description="The subject is missing.")
        if not {"iat", "jti"} <= claims.keys():
            raise InvalidGrantError(description="A claim is missing.")

    def resolve_issuer_client(self, issuer: str) -> Any:
        return self.server.issuers.get(issuer)

    def resolve_client_public_key(self, client: Client) -> Any:
        return client.key

    def authenticate_user(self, subject: str) -> str | None:
        issuer = next(
            (each for each in self.server.issuers.values() if subject in each.subjects),
            None,
        )
        return issuer and subject

    def has_granted_permission(self, client: Client, user: str) -> bool:
        return user in client.subjects


class Server(desk.Desk, rfc6749.AuthorizationServer):
    """Clients and issuers by name, and the tokens they were given."""

    def __init__(self) -> None:
        desk.Desk.__init__(self)
        rfc6749.AuthorizationServer.__init__(self)
        self.now = 0.0
        self.clients: dict[str, Client] = {}
        self.issuers: dict[str, Client] = {}
        self.tokens: list[str] = []
        self.life: int | None = LIFE
        self.ends: dict[str, float] = {}
        self.url = ""
        self.register_token_generator("default", self._give)
        self.register_grant(_Credentials)
        self.register_grant(_Assertion)

    def add_client(self, name: str, auth: str, **facts: Any) -> None:
        """Makes a client."""
        self.clients[name] = Client(name=name, grant=_Credentials.GRANT_TYPE, method=_METHODS[auth], **facts)

    def add_issuer(self, name: str, key: str, algorithm: str, audience: str | None, **facts: Any) -> None:
        """Makes an issuer of assertions, who is a client too if it has a secret."""
        issuer = Client(
            name=name,
            grant=_Assertion.GRANT_TYPE,
            key=_KINDS[algorithm[:2]].import_key(key),
            algorithm=algorithm,
            audience=audience or f"{self.url}{PATH}",
            **facts,
        )
        self.issuers[name] = issuer
        self.clients[name] = issuer

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **super().commands(),
            "add_client": self.add_client,
            "add_issuer": self.add_issuer,
            "tokens": lambda: self.tokens,
            "set_life": lambda seconds: setattr(self, "life", seconds),
        }

    def reset(self) -> None:
        """Forgets everything."""
        self.clients.clear()
        self.issuers.clear()
        self.tokens.clear()
        self.ends.clear()
        self.life = LIFE
        self.clear()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        return _word(status, code, message)

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        if request.path == SHOWN:
            return self._show(request, now)
        if request.path != PATH:
            return wire.Reply(status=404, headers={"Content-Type": "text/plain"}, body=b"nothing here")
        self.now = now
        try:
            return self.create_token_response(request)
        except (OAuth2Error, ValueError) as error:
            return _word(400, getattr(error, "error", "") or "invalid_request", "")

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: Mapping[str, str], request: object) -> None:
        self.tokens.append(token["access_token"])

    def create_oauth2_request(self, request: wire.Request) -> _Request:
        return _Request(request)

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> wire.Reply:
        return wire.Reply(status=status, headers=dict(headers), body=json.dumps(body).encode())

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tells nobody."""

    def _give(self, **_: Any) -> dict[str, Any]:
        token = f"canary-token-{secrets.token_urlsafe(16)}"
        self.ends[token] = self.now + (LIFE if self.life is None else self.life)
        told = {} if self.life is None else {"expires_in": self.life}
        return {"access_token": token, "token_type": "Bearer", **told}

    def _show(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers what takes tokens, as long as they are good."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self.ends.get(token, 0) <= now:
            return _word(401, "invalid_token", "")
        return wire.Reply(status=200, headers={"Content-Type": "application/json"}, body=b"{}")


def _word(status: int, code: str, message: str) -> wire.Reply:
    body = {"error": code or _CODES.get(status, "server_error"), "error_description": message}
    return wire.Reply(
        status=status, headers={"Content-Type": "application/json"}, body=json.dumps(body).encode()
    )


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Server(), config, folder)
