"""The process of the providers of API keys: what each call must look like, and what is answered in which state.

Written from the providers' documentation and from what their clients meet, not from the operator's presets.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from emulators.server import channel, desk, wire

Answer = tuple[int, Any]
TOO_MANY = 429


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider's one call: how it is made, and its answers by the state of the key; `wrong` is no known key."""

    target: str
    good: Answer
    wrong: Answer
    anonymous: Answer
    forbidden: Answer | None = None
    others: Mapping[str, Answer] = dataclasses.field(default_factory=dict)
    limited: Any
    method: str = "GET"
    header: str = "authorization"
    prefix: str = "Bearer "
    wants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    told: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    """Headers of an answer, by the state of the key."""

    def answer(self, state: str) -> Answer:
        """Gives what is answered in a state."""
        usual = {"good": self.good, "wrong": self.wrong, "anonymous": self.anonymous}
        if self.forbidden:
            usual["forbidden"] = self.forbidden
        return {**usual, **self.others}[state]


def _cloudflare(result: Any, *failures: tuple[int, str]) -> dict[str, Any]:
    errors = [{"code": code, "message": message} for code, message in failures]
    notes = [{"code": 10000, "message": "This API Token is valid and active", "type": None}] if result else []
    return {"result": result, "success": bool(result), "errors": errors, "messages": notes}


def _token(status: str) -> dict[str, Any]:
    return _cloudflare(
        {
            "id": "ed17574386854bf78a67040be0a770b0",
            "status": status,
            "not_before": "2018-07-01T05:20:00Z",
            "expires_on": "2030-01-01T00:00:00Z",
        }
    )


def _anthropic(kind: str, message: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_011CSHoEeqs5C35K",
    }


def _openai(code: str | None, message: str) -> dict[str, Any]:
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": code},
    }


def _gitlab(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": 4,
        "name": "backup",
        "revoked": False,
        "created_at": "2026-07-23T14:31:47.729Z",
        "scopes": ["api"],
        "user_id": 3,
        "last_used_at": "2026-10-06T17:58:37.550Z",
        "active": True,
        "expires_at": "2030-02-20",
    }
    return {**whole, **changes}


def _github(message: str) -> dict[str, Any]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest", "status": "403"}


def _terraform(status: int, title: str) -> dict[str, Any]:
    return {"errors": [{"status": str(status), "title": title}]}


def _sendgrid(message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "field": None, "help": None}]}


def _slack(error: str) -> Answer:
    return (200, {"ok": False, "error": error})


PROVIDERS = {
    "anthropic": Provider(
        target="/v1/models?limit=1",
        header="x-api-key",
        prefix="",
        wants={"anthropic-version": "2023-06-01"},
        good=(200, {"data": [{"id": "claude", "type": "model"}], "has_more": True}),
        wrong=(401, _anthropic("authentication_error", "invalid x-api-key")),
        anonymous=(401, _anthropic("authentication_error", "x-api-key header is required")),
        forbidden=(403, _anthropic("permission_error", "Your API key may not use this resource")),
        limited=_anthropic("rate_limit_error", "Your account has hit a rate limit."),
    ),
    "cloudflare": Provider(
        target="/user/tokens/verify",
        good=(200, _token("active")),
        wrong=(401, _cloudflare(None, (1000, "Invalid API Token"))),
        anonymous=(400, _cloudflare(None, (1001, 'Missing "Authorization" header'))),
        forbidden=(403, _cloudflare(None, (9109, "Cannot use the access token from location: 192.0.2.1"))),
        others={
            "disabled": (200, _token("disabled")),
            "expired": (200, _token("expired")),
            "misshapen": (400, _cloudflare(None, (6003, "Invalid request headers"))),
        },
        limited=_cloudflare(None, (971, "Please wait and consider throttling your request speed")),
    ),
    "datadog": Provider(
        target="/api/v1/validate",
        header="dd-api-key",
        prefix="",
        good=(200, {"valid": True}),
        wrong=(403, {"errors": ["Forbidden"]}),
        anonymous=(401, {"errors": ["Unauthorized"]}),
        limited={"errors": ["Rate limit of 600 requests in 3600 seconds reached."]},
    ),
    "digitalocean": Provider(
        target="/v2/account",
        good=(200, {"account": {"email": "sammy@example.com", "status": "active"}}),
        wrong=(401, {"id": "Unauthorized", "message": "Unable to authenticate you"}),
        anonymous=(401, {"id": "Unauthorized", "message": "Unable to authenticate you"}),
        forbidden=(403, {"id": "Forbidden", "message": "You are not authorized to perform this operation"}),
        limited={"id": "too_many_requests", "message": "API Rate limit exceeded."},
    ),
    "github": Provider(
        target="/user",
        wants={"x-github-api-version": "2022-11-28", "accept": "application/vnd.github+json"},
        good=(200, {"login": "octocat", "id": 1}),
        wrong=(401, _github("Bad credentials")),
        anonymous=(401, _github("Requires authentication")),
        forbidden=(403, _github("Resource not accessible by integration")),
        others={
            "spent": (403, _github("API rate limit exceeded for user ID 1.")),
            "hasty": (403, _github("You have exceeded a secondary rate limit.")),
        },
        told={"spent": {"X-RateLimit-Remaining": "0"}, "hasty": {"Retry-After": "60"}},
        limited=_github("API rate limit exceeded for user ID 1."),
    ),
    "gitlab": Provider(
        target="/api/v4/personal_access_tokens/self",
        header="private-token",
        prefix="",
        good=(200, _gitlab()),
        wrong=(401, {"message": "401 Unauthorized"}),
        anonymous=(401, {"message": "401 Unauthorized"}),
        forbidden=(403, {"error": "insufficient_scope", "error_description": "…", "scope": "api read_api"}),
        others={
            "revoked": (
                401,
                {
                    "error": "invalid_token",
                    "error_description": "Token was revoked. You have to re-authorize from the user.",
                },
            ),
            "expired": (
                401,
                {
                    "error": "invalid_token",
                    "error_description": "Token is expired. You can either do re-authorization or token refresh.",
                },
            ),
            "inactive": (200, _gitlab(active=False)),
            "blocked": (403, {"message": "403 Forbidden - Your account has been blocked."}),
        },
        limited={"message": "Retry later"},
    ),
    "grafana": Provider(
        target="/api/org",
        good=(200, {"id": 1, "name": "Main Org."}),
        wrong=(401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401}),
        anonymous=(401, {"message": "Unauthorized", "messageId": "auth.unauthorized", "statusCode": 401}),
        forbidden=(403, {"message": "Permissions needed: orgs:read", "title": "Access denied"}),
        others={"expired": (401, {"message": "Expired API key"})},
        limited={"message": "Too many requests"},
    ),
    "hetzner": Provider(
        target="/v1/locations?per_page=1",
        good=(200, {"locations": [{"id": 1, "name": "fsn1"}], "meta": {}}),
        wrong=(401, {"error": {"code": "unauthorized", "message": "the token you provided is invalid"}}),
        anonymous=(401, {"error": {"code": "unauthorized", "message": "unable to authenticate"}}),
        forbidden=(403, {"error": {"code": "forbidden", "message": "insufficient permissions"}}),
        limited={
            "error": {"code": "rate_limit_exceeded", "message": "limit of 3600 requests per hour reached"}
        },
    ),
    "openai": Provider(
        target="/v1/models",
        good=(200, {"object": "list", "data": [{"id": "a", "object": "model"}]}),
        wrong=(401, _openai("invalid_api_key", "Incorrect API key provided: sk-…")),
        anonymous=(401, _openai(None, "You didn't provide an API key.")),
        forbidden=(401, _openai("missing_scope", "You have insufficient permissions for this operation.")),
        others={
            "deactivated": (401, _openai("account_deactivated", "The account was deactivated.")),
            "elsewhere": (403, _openai("unsupported_country_region_territory", "Not supported.")),
        },
        limited=_openai("rate_limit_exceeded", "Rate limit reached"),
    ),
    "pagerduty": Provider(
        target="/abilities",
        prefix="Token token=",
        good=(200, {"abilities": ["teams", "read_only_users"]}),
        wrong=(401, {"error": {"code": 2006, "message": "Invalid Credentials"}}),
        anonymous=(401, {"error": {"code": 2006, "message": "Invalid Credentials"}}),
        forbidden=(403, {"error": {"code": 2010, "message": "Access Denied", "errors": []}}),
        limited={"error": {"code": 2020, "message": "Rate Limit Exceeded"}},
    ),
    "sendgrid": Provider(
        target="/v3/scopes",
        good=(200, {"scopes": ["mail.send", "sender_verification_eligible"]}),
        wrong=(401, _sendgrid("The provided authorization grant is invalid, expired, or revoked")),
        anonymous=(401, _sendgrid("Permission denied, wrong credentials")),
        forbidden=(403, _sendgrid("access forbidden")),
        limited=_sendgrid("too many requests"),
    ),
    "slack": Provider(
        target="/api/auth.test",
        method="POST",
        good=(200, {"ok": True, "url": "https://a.slack.com/", "team": "A", "user": "b", "user_id": "W123"}),
        wrong=_slack("invalid_auth"),
        anonymous=_slack("not_authed"),
        forbidden=_slack("no_permission"),
        others={
            "expired": _slack("token_expired"),
            "inactive": _slack("account_inactive"),
            "revoked": _slack("token_revoked"),
            "spent": _slack("ratelimited"),
            "down": _slack("service_unavailable"),
        },
        limited={"ok": False, "error": "ratelimited"},
    ),
    "terraform": Provider(
        target="/api/v2/account/details",
        wants={"content-type": "application/vnd.api+json"},
        good=(200, {"data": {"id": "user-V3R563qtJNcExAkN", "type": "users"}}),
        wrong=(401, _terraform(401, "unauthorized")),
        anonymous=(401, _terraform(401, "unauthorized")),
        forbidden=(403, _terraform(403, "forbidden")),
        limited=_terraform(429, "Too Many Requests"),
    ),
}


class Desk(desk.Desk):
    """Keys by provider, with the state of each."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, dict[str, str]] = collections.defaultdict(dict)

    def add_key(self, provider: str, key: str, state: str) -> None:
        """Makes a key."""
        PROVIDERS[provider].answer(state)
        self.keys[provider][key] = state

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {**super().commands(), "add_key": self.add_key}

    def reset(self) -> None:
        """Forgets everything."""
        self.keys.clear()
        self.clear()

    def refuse(self, action: str, status: int, code: str, message: str) -> wire.Reply:
        """Words a refusal."""
        provider = PROVIDERS.get(action.split("/")[1])
        if status == TOO_MANY and provider:
            return _json(status, provider.limited)
        return _json(status, {"message": message or "internal error"})

    def serve(self, request: wire.Request, now: float) -> wire.Reply:
        """Answers one request."""
        name, _, rest = request.target.removeprefix("/").partition("/")
        provider = PROVIDERS.get(name)
        if provider is None or (request.method, f"/{rest}") != (provider.method, provider.target):
            return _json(404, {"message": "not found"})
        if any(request.headers.get(header) != text for header, text in provider.wants.items()):
            return _json(400, {"message": "a header is missing"})
        sent = request.headers.get(provider.header)
        state = "anonymous"
        if sent is not None and sent.startswith(provider.prefix):
            state = self.keys[name].get(sent.removeprefix(provider.prefix), "wrong")
        status, body = provider.answer(state)
        return _json(status, body, provider.told.get(state, {}))


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> wire.Reply:
    kind = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return wire.Reply(status=status, headers=kind, body=json.dumps(body).encode())


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving on loopback."""
    return await desk.begin(Desk(), config, folder)
