"""What Google's APIs know and tell: projects, who may do what in them, and service accounts with their keys.

Who asks is told by an access token that was given here; what is answered follows from the policies alone.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import secrets
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulators.server import google_accounts, wire
from emulators.server.google_answers import Denial

MANAGER = "cloudresourcemanager.googleapis.com"
IDENTITY = "iam.googleapis.com"
CREDENTIALS = "iamcredentials.googleapis.com"
LIFE = google_accounts.LIFE
LONGEST = 43200
MOST = 100
PAGE = 3
"""Projects on a page, however many are asked for: a page may always hold fewer."""
BROAD = "https://www.googleapis.com/auth/cloud-platform"
OF_IDENTITY = "https://www.googleapis.com/auth/iam"
ELSEWHERE = frozenset(
    {
        "resourcemanager.projects.create",
        "resourcemanager.projects.list",
        "resourcemanager.folders.get",
        "resourcemanager.organizations.get",
    }
)
"""Permissions of organizations and folders."""
_TESTED = re.compile(r"/v3/projects/([^/]+):testIamPermissions")
_KEY = re.compile(r"/v1/projects/([^/]+)/serviceAccounts/([^/]+)/keys/([^/]+)")
_IMPERSONATED = re.compile(r"/v1/projects/-/serviceAccounts/([^/]+):generateAccessToken")
_PERMISSION = re.compile(r"[a-zA-Z0-9]+(\.[a-zA-Z0-9]+){2}")


@dataclasses.dataclass(slots=True)
class Project:
    """A project, with what is granted in it to each member, and the APIs that are switched off for it."""

    name: str
    state: str = "ACTIVE"
    granted: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    off: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Whom an access token stands for; `project` is whose APIs are used."""

    member: str
    project: str
    scopes: tuple[str, ...]
    ends: float


class Apis:
    """Projects and service accounts, and the access tokens that were given."""

    def __init__(self) -> None:
        self.own = google_accounts.Accounts()
        self.projects: dict[str, Project] = {}
        self.tokens: dict[str, Caller] = {}
        self.life: int | None = None

    @property
    def accounts(self) -> dict[str, google_accounts.Account]:
        """The service accounts by email."""
        return self.own.known

    def clear(self) -> None:
        """Forgets everything."""
        self.own.clear()
        self.projects.clear()
        self.tokens.clear()
        self.life = None

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            **self.own.commands(),
            "create_project": self.create_project,
            "grant": self.grant,
            "switch_api": self.switch_api,
            "let_impersonate": self.let_impersonate,
            "let_last": self.let_last,
            "end_tokens": self.end_tokens,
            "set_life": lambda seconds: setattr(self, "life", seconds),
        }

    def create_project(self, project: str, name: str, state: str) -> None:
        """Makes a project."""
        self.projects[project] = Project(name, state)

    def grant(self, project: str, member: str, permissions: list[str]) -> None:
        """Sets what a member may do in a project."""
        self.projects[project].granted[member] = set(permissions)

    def switch_api(self, project: str, api: str, *, on: bool) -> None:
        """Switches an API off for a project, or on again."""
        off = self.projects[project].off
        off.discard(api) if on else off.add(api)

    def let_impersonate(self, email: str, member: str) -> None:
        """Lets a member become a service account."""
        self.accounts[email].impersonators.add(member)

    def let_last(self, email: str) -> None:
        """Lets tokens of a service account last for twelve hours, as an organization's policy does."""
        self.accounts[email].longest = LONGEST

    def issue(
        self, member: str, project: str, scopes: Iterable[str], now: float, life: float = google_accounts.LIFE
    ) -> str:
        """Gives an access token."""
        token = f"ya29.c.{secrets.token_urlsafe(48)}"
        self.tokens[token] = Caller(member, project, tuple(scopes), now + life)
        return token

    def end_tokens(self) -> None:
        """Makes the lives of all tokens be over."""
        self.tokens = {token: dataclasses.replace(known, ends=0) for token, known in self.tokens.items()}

    def answer(self, request: wire.Request, now: float) -> Mapping[str, Any]:
        """Answers a call of an API."""
        routes: tuple[tuple[str, re.Pattern[str], str, Callable[..., Mapping[str, Any]]], ...] = (
            ("POST", _TESTED, MANAGER, self._tested),
            ("GET", re.compile(r"/v3/projects:search"), MANAGER, self._searched),
            ("GET", _KEY, IDENTITY, self._key),
            ("POST", _IMPERSONATED, CREDENTIALS, self._impersonated),
        )
        for method, pattern, api, serve in routes:
            found = pattern.fullmatch(request.path)
            if found and request.method == method:
                caller = self._caller(request, now, api)
                return serve(caller, request, now, *found.groups())
        if request.path.startswith("/v1/projects/"):
            caller = self._caller(request, now, IDENTITY)
            told = self.own.answer(request, caller.member, lambda project: self._granted(caller, project))
            if told is not None:
                return told
        raise Denial(404, "NOT_FOUND", "Requested entity was not found.")

    def _caller(self, request: wire.Request, now: float, api: str) -> Caller:
        """Finds out who asks, and whether the API may be used."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        caller = self.tokens.get(token)
        if kind != "Bearer" or caller is None or caller.ends < now:
            raise Denial(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if BROAD not in caller.scopes and not (OF_IDENTITY in caller.scopes and api != MANAGER):
            words = "Request had insufficient authentication scopes."
            raise Denial(403, "PERMISSION_DENIED", words, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        if caller.project in self.projects and api in self.projects[caller.project].off:
            words = f"{api} has not been used in project {caller.project} before or it is disabled."
            raise Denial(403, "PERMISSION_DENIED", words, "SERVICE_DISABLED")
        return caller

    def _may(self, caller: Caller, project: str, permission: str) -> bool:
        return permission in self._granted(caller, project)

    def _granted(self, caller: Caller, project: str) -> frozenset[str]:
        known = self.projects.get(project)
        return frozenset(known.granted.get(caller.member, ())) if known else frozenset()

    def _tested(self, caller: Caller, request: wire.Request, _: float, project: str) -> Mapping[str, Any]:
        asked = json.loads(request.body)["permissions"]
        if len(asked) > MOST:
            raise Denial(400, "INVALID_ARGUMENT", "Request contains too many permissions.")
        for one in asked:
            if one in ELSEWHERE or not _PERMISSION.fullmatch(one):
                words = f"Permission {one} is not valid for this resource."
                raise Denial(400, "INVALID_ARGUMENT", words)
        if project not in self.projects:
            raise Denial(403, "PERMISSION_DENIED", "The caller does not have permission")
        granted = [one for one in asked if self._may(caller, project, one)]
        return {"permissions": granted} if granted else {}

    def _searched(self, caller: Caller, request: wire.Request, _: float) -> Mapping[str, Any]:
        query = dict(urllib.parse.parse_qsl(request.query))
        seen = [
            {"name": f"projects/{number}", "projectId": one, "displayName": known.name, "state": known.state}
            for number, (one, known) in enumerate(self.projects.items(), 1)
            if self._may(caller, one, "resourcemanager.projects.get")
            and query.get("query", "") in {"", f"state:{known.state}"}
        ]
        first = int(query.get("pageToken", "0"))
        shown = seen[first : first + min(PAGE, int(query.get("pageSize", PAGE)))]
        last = first + len(shown)
        answer = {"projects": [_masked(one, query.get("fields", "")) for one in shown]}
        return {
            **(answer if shown else {}),
            **({"nextPageToken": str(last)} if last < len(seen) else {}),
        }

    def _key(
        self, caller: Caller, _: wire.Request, __: float, project: str, email: str, key_id: str
    ) -> Mapping[str, Any]:
        account = self.accounts.get(email)
        key = account.keys.get(key_id) if account and account.project == project else None
        if key is None or not self._may(caller, project, "iam.serviceAccountKeys.get"):
            words = "Permission 'iam.serviceAccountKeys.get' denied on resource (or it may not exist)."
            raise Denial(403, "PERMISSION_DENIED", words, "IAM_PERMISSION_DENIED")
        return {"validAfterTime": key.created, "validBeforeTime": key.expires}

    def _impersonated(
        self, caller: Caller, request: wire.Request, now: float, email: str
    ) -> Mapping[str, Any]:
        account, asked = self.accounts.get(email), json.loads(request.body)
        if account is None or caller.member not in account.impersonators:
            words = (
                "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            )
            raise Denial(403, "PERMISSION_DENIED", words, "IAM_PERMISSION_DENIED")
        if not all(one.startswith("https://www.googleapis.com/auth/") for one in asked["scope"]):
            raise Denial(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        life = int(asked.get("lifetime", "3600s").removesuffix("s"))
        if life > account.longest:
            raise Denial(400, "INVALID_ARGUMENT", "The access token lifetime is longer than allowed.")
        life = life if self.life is None else self.life
        ends = datetime.datetime.fromtimestamp(now + life, datetime.UTC)
        token = self.issue(f"serviceAccount:{email}", account.project, asked["scope"], now, life)
        return {"accessToken": token, "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _masked(project: Mapping[str, str], fields: str) -> Mapping[str, str]:
    """Shows of a project what is asked for."""
    named = re.search(r"projects\(([^)]*)\)", fields)
    shown = named[1].split(",") if named else list(project)
    return {name: value for name, value in project.items() if name in shown}
