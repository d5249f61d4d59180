"""Asks Google's APIs what a token may do in a project, which projects it sees, and how long a key lives.

cloud.google.com/resource-manager/reference/rest/v3/projects
cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/get
cloud.google.com/apis/design/errors
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from credential_operator import errors
from credential_operator.providers import _google, _issued, _json, contract, network

MANAGER = "cloudresourcemanager"
IDENTITY = "iam"
CREDENTIALS = "iamcredentials"
BATCH = 100
"""Permissions that one call may ask for."""
PROJECTS = 300
"""Projects on a page: as many as an answer may hold that is read to its end."""
PAGES = 100
"""Pages of projects that are read: 30000 projects."""
UNENDING = 9999
"""The year in which Google says that a key ends that has no end."""
PERMISSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*\.[A-Za-z0-9_-]+")

Reasons = frozenset[str]
Meaning = tuple[type[errors.CredentialError], str]

CODES: Mapping[tuple[int, str], Meaning] = {
    (401, "UNAUTHENTICATED"): (
        errors.Misconfigured,
        "does not accept the token that was got for the key: look at tokenURL and apiEndpoint",
    ),
    (403, "PERMISSION_DENIED"): (errors.PermissionDenied, "does not let the key ask for this"),
    (404, "NOT_FOUND"): (errors.Misconfigured, "does not know what was asked for: look at apiEndpoint"),
}
UNTOLD = frozenset({(403, "PERMISSION_DENIED"), (404, "NOT_FOUND"), (400, "INVALID_ARGUMENT")})
"""What is answered in place of the permissions that a token has."""
HOUR = 3600
"""Seconds that a token is good for at most, unless a policy says otherwise."""
LIMITED = "RATE_LIMIT_EXCEEDED"
DISABLED = "SERVICE_DISABLED"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Apis:
    """Google's APIs as one token sees them, within the time of one call; `instead` stands for all of them."""

    session: network.Session
    instead: str | None
    token: str = dataclasses.field(repr=False)
    ca_bundle: str | None
    end: float

    def grants(self, project: str, permissions: Sequence[str]) -> contract.Grants:
        """Tells which permissions the token lacks in a project."""
        if odd := [one for one in permissions if not PERMISSION.fullmatch(one)]:
            raise errors.Misconfigured(
                f"{', '.join(odd)} in validation.permissions cannot be a permission of Google's: write it in "
                "full and without wildcards, such as storage.buckets.list."
            )
        missing: list[str] = []
        unknown: list[str] = []
        why = ""
        for first in range(0, len(permissions), BATCH):
            batch = permissions[first : first + BATCH]
            told = self._granted(project, batch)
            if isinstance(told, str):
                unknown, why = [*unknown, *batch], told
            else:
                missing += [one for one in batch if one not in told]
        return contract.Grants(missing=tuple(sorted(missing)), unknown=tuple(sorted(unknown)), why=why)

    def _granted(self, project: str, permissions: Sequence[str]) -> frozenset[str] | str:
        """Gives those that the token has, or why Google does not say."""
        response = self.ask(
            "POST", MANAGER, f"/v3/projects/{project}:testIamPermissions", {"permissions": [*permissions]}
        )
        said = holding(response, "permissions")
        granted = said.get("permissions", []) if said is not None else None
        if isinstance(granted, list) and all(one in permissions for one in granted):
            return frozenset(granted)
        code, reasons, words = error_in(response)
        if (response.status, code) not in UNTOLD or LIMITED in reasons:
            raise self._refusal(response, MANAGER)
        if code == "INVALID_ARGUMENT":
            return _invalid(permissions, words)
        if DISABLED in reasons:
            return (
                "The Cloud Resource Manager API is switched off in the project that the account belongs to. "
                f"Switch it on there: gcloud services enable {MANAGER}.googleapis.com"
            )
        return (
            f"Google does not say what the key may do in project {project}. Look whether it is the right one, and "
            "whether a perimeter of VPC Service Controls keeps the operator out."
        )

    def reach(self) -> contract.Reach:
        """Counts the projects that the token sees; those that wait for their deletion cannot be used, nor count."""
        query = {
            "query": "state:ACTIVE",
            "pageSize": str(PROJECTS),
            # Labels could make a page too long to be read.
            "fields": "nextPageToken,projects(projectId,displayName,state)",
            "prettyPrint": "false",
        }
        found: list[contract.Place] = []
        for _ in range(PAGES):
            response = self.ask("GET", MANAGER, f"/v3/projects:search?{urllib.parse.urlencode(query)}")
            said = holding(response, "projects", "nextPageToken")
            places = _places(said) if said is not None else None
            if said is None or places is None:
                raise self._refusal(response, MANAGER)
            found += places
            if not said.get("nextPageToken"):
                return contract.Reach(count=len(found), places=tuple(sorted(found)))
            query["pageToken"] = str(said["nextPageToken"])
        raise errors.ProviderUnreachable(
            f"{self.where(MANAGER)} lists more projects than are counted: {len(found)} and more."
        )

    def history(self, project: str, email: str, key_id: str) -> contract.History:
        """Asks from when until when a key is good."""
        fields = ("validAfterTime", "validBeforeTime")
        key = f"/v1/projects/{project}/serviceAccounts/{email}/keys/{key_id}"
        response = self.ask("GET", IDENTITY, f"{key}?fields={','.join(fields)}")
        said = holding(response, *fields) or {}
        begin, end = (_json.moment(said.get(name)) for name in fields)
        if begin is None:
            raise self._refusal(response, IDENTITY)
        lives = end is not None and end.year < UNENDING
        return contract.History(created_at=begin, expires_at=end if lives else None)

    def impersonate(self, email: str, scopes: Sequence[str], seconds: int) -> _issued.Token:
        """Asks for a token of another account, which takes iam.serviceAccounts.getAccessToken on it."""
        target = f"/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        asked = {"scope": [*scopes], "lifetime": f"{seconds}s"}
        response = self.ask("POST", CREDENTIALS, target, asked)
        said = _json.read(response) if response.status == _google.OK else {}
        token, ends = said.get("accessToken"), _json.moment(said.get("expireTime"))
        if isinstance(token, str) and token and ends is not None:
            return _issued.Token(text=token, expires_at=ends)
        codes = unimpersonated(email, longer=seconds > HOUR, off=DISABLED in error_in(response)[1])
        raise refusal(response, where=self.where(CREDENTIALS), codes=codes)

    def where(self, api: str) -> str:
        """Names an API in messages."""
        return str(network.parse(_google.api_url(self.instead, api)))

    def ask(
        self, method: str, api: str, target: str, document: Mapping[str, Any] | None = None
    ) -> network.Response:
        """Asks an API once."""
        return self.session.request(
            method,
            _google.api_url(self.instead, api) + target,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            body=None if document is None else orjson.dumps(document),
            timeout=network.left(self.end),
            ca_bundle=self.ca_bundle,
        )

    def _refusal(self, response: network.Response, api: str) -> errors.CredentialError:
        return refusal(response, where=self.where(api), codes=CODES)


def error_in(response: network.Response) -> tuple[str, Reasons, str]:
    """Gives an error's code, its reasons, and its words, which are for matching alone; empty where there is none."""
    error = _json.read(response).get("error")
    if not isinstance(error, dict):
        return "", frozenset(), ""
    details = error.get("details")
    listed = details if isinstance(details, list) else []
    reasons = frozenset(str(one.get("reason", "")) for one in listed if isinstance(one, dict))
    return str(error.get("status", "")), reasons, str(error.get("message", ""))


def refusal(
    response: network.Response, *, where: str, codes: Mapping[tuple[int, str], Meaning]
) -> errors.CredentialError:
    """Turns an answer that is not the expected one into the error that it means."""
    code, reasons, _ = error_in(response)
    if response.too_many or LIMITED in reasons:
        return response.throttled(where)
    if meaning := codes.get((response.status, code)):
        kind, words = meaning
        return kind(f"{where} {words} ({code}).")
    return response.unusable(where)


def unimpersonated(email: str, *, longer: bool, off: bool) -> Mapping[tuple[int, str], Meaning]:
    """Tells what the codes mean under which no token of another account is made.

    `longer`: it was to be good for more than an hour; `off`: the API is switched off.
    """
    denied = (
        f"does not let the key be {email}: give the key's account the role roles/iam.serviceAccountTokenCreator "
        "on that one, and look whether it exists"
    )
    if off:
        denied = (
            "is switched off in the project that the key's account belongs to. Switch it on there: gcloud "
            f"services enable {CREDENTIALS}.googleapis.com"
        )
    lasting = (
        " and at issue.duration: more than 1h needs the constraint "
        "iam.allowServiceAccountCredentialLifetimeExtension of the organization's policy to name the account"
    )
    asked = f"makes no such token of {email}: look at issue.scopes{lasting if longer else ''}"
    return {
        **CODES,
        (403, "PERMISSION_DENIED"): (errors.PermissionDenied, denied),
        (404, "NOT_FOUND"): (errors.Misconfigured, f"knows no account {email}: look at issue.serviceAccount"),
        (400, "INVALID_ARGUMENT"): (errors.Misconfigured, asked),
    }


def holding(response: network.Response, *fields: str) -> Mapping[str, Any] | None:
    """Reads an answer that holds nothing but these fields, each of which Google leaves out where it is empty."""
    said = _json.read(response)
    whole = bool(said) or response.body.strip() == b"{}"
    return said if response.status == _google.OK and whole and said.keys() <= set(fields) else None


def _invalid(permissions: Sequence[str], words: str) -> str:
    """Raises Misconfigured for a permission that the words name; else says why nothing is known."""
    named = set(re.findall(r"[A-Za-z0-9._/-]*[A-Za-z0-9_-]", words)) & set(permissions)
    if named:
        raise errors.Misconfigured(
            f"{', '.join(sorted(named))} in validation.permissions is no permission that can be had in a "
            "project: Google does not know it, or it is one of organizations or folders."
        )
    return (
        "Google takes one of them for no permission that can be had in a project, and does not say which. Look "
        "them up in Google's reference of permissions."
    )


def _places(said: Mapping[str, Any]) -> list[contract.Place] | None:
    """Reads a page of projects; None where it is none."""
    listed = said.get("projects", [])
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get("projectId"), str) for one in listed
    ):
        return None
    return [
        contract.Place(id=one["projectId"], name=str(one.get("displayName", "")))
        for one in listed
        if one.get("state") == "ACTIVE"
    ]
