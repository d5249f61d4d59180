"""Service accounts of Google and their keys, and what an account may have IAM do to both.

docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts
docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.server import wire
from emulators.server.google_answers import Denial

OWN = "https://oauth2.googleapis.com/token"
UNENDING = "9999-12-31T23:59:59Z"
MOST = 10
LONGEST_DESCRIPTION = 256
LIFE = 3600
_ACCOUNT = r"/v1/projects/([^/]+)/serviceAccounts/([^/]+)"
_CONSTRAINT = "constraints/iam.disableServiceAccountKeyCreation"

Answer = Mapping[str, Any]


@dataclasses.dataclass(slots=True)
class Key:
    """The public half of a key, from when until when it is good, and when it was really made."""

    public: rsa.RSAPublicKey
    created: str
    expires: str
    disabled: bool = False
    made_at: float = dataclasses.field(default_factory=time.time)


@dataclasses.dataclass(slots=True)
class Account:
    """A service account; `granted` is what each member may do to it, besides what the project grants."""

    project: str
    keys: dict[str, Key] = dataclasses.field(default_factory=dict)
    disabled: bool = False
    impersonators: set[str] = dataclasses.field(default_factory=set)
    longest: int = LIFE
    description: str = ""
    granted: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    keyless: bool = False


@dataclasses.dataclass(slots=True)
class Accounts:
    """Service accounts by email.

    Tests may change how long a new key is unknown and missing in lists, in seconds.
    """

    known: dict[str, Account] = dataclasses.field(default_factory=dict)
    unknown: float = 0.0
    unlisted: float = 0.0

    def clear(self) -> None:
        """Forgets everything."""
        self.known.clear()
        self.unknown = self.unlisted = 0.0

    def commands(self) -> dict[str, Callable[..., Any]]:
        """Gives what the parent may call."""
        return {
            "create_key": self.create_key,
            "delete_key": self.delete_key,
            "grant_on": self.grant_on,
            "forbid_keys": lambda email: setattr(self.known[email], "keyless", True),
            "describe": lambda email, text: setattr(self.known[email], "description", text),
            "description": lambda email: self.known[email].description,
            "delay_new_keys": lambda seconds: setattr(self, "unknown", seconds),
            "list_new_keys_late": lambda seconds: setattr(self, "unlisted", seconds),
        }

    def grant_on(self, email: str, member: str, permissions: list[str]) -> None:
        """Sets what a member may do to an account."""
        self.known[email].granted[member] = set(permissions)

    def create_key(self, email: str, bits: int, created: str, expires: str) -> dict[str, str]:
        """Makes a key and gives its file."""
        account, key_id = self.known[email], secrets.token_hex(20)
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        account.keys[key_id] = Key(key.public_key(), created, expires)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": account.project,
            "private_key_id": key_id,
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": "104857600000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": OWN,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email}",
            "universe_domain": "googleapis.com",
        }

    def delete_key(self, email: str, key_id: str) -> None:
        """Deletes a key."""
        del self.known[email].keys[key_id]

    def key(self, email: str, key_id: str) -> Key | None:
        """Finds a key that can sign; None where there is none yet, or none any more."""
        key = self.known[email].keys.get(key_id)
        good = key is not None and not key.disabled and time.time() - key.made_at >= self.unknown
        return key if good else None

    def answer(
        self, request: wire.Request, member: str, granted: Callable[[str], frozenset[str]]
    ) -> Answer | None:
        """Answers a call about an account or its keys; None where it is about something else.

        `granted` gives what the caller may do in a project.
        """
        for (method, tail), (permission, serve) in _CALLS.items():
            found = re.fullmatch(_ACCOUNT + tail, request.path)
            if found is None or request.method != method:
                continue
            project, email, *rest = found.groups()
            account = self.known.get(email)
            if account is None or account.project != project:
                raise Denial(404, "NOT_FOUND", "Unknown service account")
            if permission not in account.granted.get(member, set()) | granted(project):
                words = f"Permission '{permission}' denied on resource (or it may not exist)."
                raise Denial(403, "PERMISSION_DENIED", words, "IAM_PERMISSION_DENIED")
            query = dict(urllib.parse.parse_qsl(request.query))
            return _masked(serve(self, email, request, query, *rest), query.get("fields", ""))
        return None

    def _get(self, email: str, _: wire.Request, __: Mapping[str, str]) -> Answer:
        account = self.known[email]
        shown = {"email": email, "projectId": account.project, "name": f"projects/{account.project}/x"}
        return {**shown, **({"description": account.description} if account.description else {})}

    def _patch(self, email: str, request: wire.Request, query: Mapping[str, str]) -> Answer:
        asked = json.loads(request.body)
        if asked["updateMask"] != "description":
            raise Denial(400, "INVALID_ARGUMENT", "Only the description is emulated.")
        text = asked["serviceAccount"]["description"]
        if len(text.encode()) > LONGEST_DESCRIPTION:
            raise Denial(400, "INVALID_ARGUMENT", "Description is too long.")
        self.known[email].description = text
        return self._get(email, request, query)

    def _list(self, email: str, _: wire.Request, query: Mapping[str, str]) -> Answer:
        shown = [
            _shown(email, self.known[email], key_id)
            for key_id, key in self.known[email].keys.items()
            if time.time() - key.made_at >= self.unlisted
        ]
        if query.get("keyTypes") != "USER_MANAGED":
            own = f"projects/{self.known[email].project}/serviceAccounts/{email}/keys/{'f' * 40}"
            shown.append({"name": own, "validAfterTime": "2026-01-02T03:04:05Z", "keyType": "SYSTEM_MANAGED"})
        return {"keys": shown} if shown else {}

    def _create(self, email: str, request: wire.Request, _: Mapping[str, str]) -> Answer:
        account, asked = self.known[email], json.loads(request.body)
        if account.keyless:
            violations = [{"type": _CONSTRAINT, "description": "Key creation is not allowed."}]
            words = "Key creation is not allowed on this service account."
            raise Denial(400, "FAILED_PRECONDITION", words, violations=violations)
        if len(account.keys) >= MOST:
            raise Denial(400, "FAILED_PRECONDITION", "Precondition check failed.")
        if asked.get("keyAlgorithm") != "KEY_ALG_RSA_2048":
            raise Denial(400, "INVALID_ARGUMENT", "That algorithm is not emulated.")
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        file = self.create_key(email, 2048, now, UNENDING)
        data = base64.b64encode(json.dumps(file, indent=2).encode()).decode()
        return {**_shown(email, account, file["private_key_id"]), "privateKeyData": data}

    def _disable(self, email: str, _: wire.Request, __: Mapping[str, str], key_id: str) -> Answer:
        self._key(email, key_id).disabled = True
        return {}

    def _delete(self, email: str, _: wire.Request, __: Mapping[str, str], key_id: str) -> Answer:
        self._key(email, key_id)
        self.delete_key(email, key_id)
        return {}

    def _key(self, email: str, key_id: str) -> Key:
        key = self.known[email].keys.get(key_id)
        if key is None:
            raise Denial(404, "NOT_FOUND", f"Service account key {key_id} does not exist.")
        return key


_CALLS: Mapping[tuple[str, str], tuple[str, Callable[..., Answer]]] = {
    ("GET", ""): ("iam.serviceAccounts.get", Accounts._get),
    ("PATCH", ""): ("iam.serviceAccounts.update", Accounts._patch),
    ("GET", "/keys"): ("iam.serviceAccountKeys.list", Accounts._list),
    ("POST", "/keys"): ("iam.serviceAccountKeys.create", Accounts._create),
    ("POST", "/keys/([^/:]+):disable"): ("iam.serviceAccountKeys.disable", Accounts._disable),
    ("DELETE", "/keys/([^/:]+)"): ("iam.serviceAccountKeys.delete", Accounts._delete),
}


def _shown(email: str, account: Account, key_id: str) -> dict[str, Any]:
    key = account.keys[key_id]
    return {
        "name": f"projects/{account.project}/serviceAccounts/{email}/keys/{key_id}",
        "validAfterTime": key.created,
        "validBeforeTime": key.expires,
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "USER_MANAGED",
        **({"disabled": True} if key.disabled else {}),
    }


def _masked(answer: Answer, fields: str) -> Answer:
    """Shows of an answer what is asked for; of the things in a list too."""
    if not fields:
        return answer
    inner = re.fullmatch(r"(\w+)\(([\w,]+)\)", fields)
    if inner is None:
        return {name: value for name, value in answer.items() if name in fields.split(",")}
    named = inner[2].split(",")
    return {
        name: [{one: value for one, value in item.items() if one in named} for item in listed]
        for name, listed in answer.items()
        if name == inner[1]
    }
