"""Google's key files: what they must hold, and what is public in them."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import orjson

from credential_operator import errors
from credential_operator.providers import _google

PROJECT = r"^([a-z][a-z0-9.-]{0,126}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"
EMAIL = r"[A-Za-z0-9._-]{1,100}@([a-z0-9-]{1,63}\.){0,4}gserviceaccount\.com"
FORMS: Mapping[str, re.Pattern[str]] = {
    "project_id": re.compile(PROJECT),
    "private_key_id": re.compile(r"[0-9a-f]{40}"),
    "client_email": re.compile(EMAIL),
}
"""What is public in a key file, and the form that it has: only what has it can be shown."""
TOKEN_URLS = frozenset(
    {
        _google.TOKEN_URL,
        "https://accounts.google.com/o/oauth2/token",
        "https://www.googleapis.com/oauth2/v4/token",
    }
)
"""Google's token endpoint as key files of all ages spell it."""
OTHERS: Mapping[str, str] = {
    "authorized_user": "a person's login (gcloud auth application-default login)",
    "external_account": "a configuration of workload identity federation, which holds no key",
    "impersonated_service_account": "a configuration of impersonation, which holds no key of the account",
}
"""Other files that Google's libraries read."""
AS_DOWNLOADED = "write the key file as it was downloaded"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A key file that was read: whose key it is, the key, and the file itself on one line."""

    email: str
    project: str
    key_id: str
    private_key: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)


def document(text: str) -> dict[str, Any]:
    """Reads the JSON of a key file."""
    try:
        found = orjson.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise errors.InvalidKeyMaterial(f"serviceAccountJSON is not a JSON object: {AS_DOWNLOADED}.")
    return found


def account(document: dict[str, Any]) -> Account:
    """Reads what a key file must hold; names fields, and no value."""
    if document.get("type") != "service_account":
        other = OTHERS.get(str(document.get("type")), "another file")
        raise errors.InvalidKeyMaterial(
            f"serviceAccountJSON is not a service account's key, but {other}: its type must be service_account."
        )
    names = (*FORMS, "private_key", "token_uri")
    texts = {name: text for name in names if isinstance(text := document.get(name), str) and text}
    if missing := sorted(set(names) - texts.keys()):
        raise errors.InvalidKeyMaterial(
            f"serviceAccountJSON lacks {', '.join(missing)}, or holds no text there: {AS_DOWNLOADED}."
        )
    if odd := sorted(name for name, form in FORMS.items() if not form.fullmatch(texts[name])):
        raise errors.InvalidKeyMaterial(
            f"serviceAccountJSON's {', '.join(odd)} cannot be what Google writes there: {AS_DOWNLOADED}."
        )
    return Account(
        email=texts["client_email"],
        project=texts["project_id"],
        key_id=texts["private_key_id"],
        private_key=texts["private_key"],
        text=orjson.dumps(document).decode(),
    )


def of_google(document: dict[str, Any]) -> None:
    """Refuses a key file that would have its readers show the key elsewhere."""
    if document["token_uri"] not in TOKEN_URLS:
        raise errors.InvalidKeyMaterial(
            "serviceAccountJSON's token_uri is not Google's: who made that file may want to see what the key "
            "signs. Write the key file as it was downloaded, or set tokenURL to the endpoint you trust."
        )
    if elsewhere(document):
        raise errors.Misconfigured(
            "The key is of another universe than googleapis.com: set tokenURL to its token endpoint."
        )


def elsewhere(document: dict[str, Any]) -> bool:
    """Tells whether a key is of another universe than Google's own."""
    return bool(document.get("universe_domain", _google.UNIVERSE) != _google.UNIVERSE)
