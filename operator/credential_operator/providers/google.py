"""Google Cloud: the key file (JSON) of a service account."""

import dataclasses
import re
import time
import urllib.parse
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import orjson
import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _google, _rsa, contract, network

PROJECT = r"^([a-z][a-z0-9.-]{0,126}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"
FORMS: Mapping[str, re.Pattern[str]] = {
    "project_id": re.compile(PROJECT),
    "private_key_id": re.compile(r"[0-9a-f]{40}"),
    "client_email": re.compile(r"[A-Za-z0-9._-]{1,100}@([a-z0-9-]{1,63}\.){0,4}gserviceaccount\.com"),
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


class Config(contract.Config):
    """What is public about a service account's key."""

    scopes: Annotated[
        tuple[
            Annotated[
                str,
                pydantic.Field(max_length=256),
                values.Matching(
                    r"^[!#-\[\]-~]+$",
                    "a scope without white space, such as https://www.googleapis.com/auth/cloud-platform",
                ),
            ],
            ...,
        ],
        pydantic.Field(min_length=1, max_length=32),
    ] = (_google.CLOUD_PLATFORM,)
    """What a token is asked for that proves the key; the token itself is forgotten."""
    project_id: Annotated[
        str | None,
        pydantic.Field(alias="projectID", max_length=160),
        values.Matching(PROJECT, "the id of a Google Cloud project, such as backups-123456"),
    ] = None
    """The project that the service account belongs to; a key of another one is refused."""
    token_url: Annotated[
        str | None,
        pydantic.Field(alias="tokenURL", max_length=512),
        values.Matching(
            r"^https://[^/?#@\\ ]+(/[!-~]*)?$",
            "a URL that begins with https://, such as https://oauth2.googleapis.com/token",
        ),
    ] = None
    """The token endpoint to ask in place of https://oauth2.googleapis.com/token, such as a private one. What
    the key file itself says is never followed."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the token endpoint's certificate is checked against, in
    place of the public ones."""


class Keys(contract.Keys):
    """The key file."""

    service_account_json: contract.Document = pydantic.Field(
        alias="serviceAccountJSON", examples=['{"type":"service_account","project_id":"example-project"}']
    )
    """The key file (JSON) as it was downloaded."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A key file that was read: whose key it is, the key, and the file itself on one line."""

    email: str
    project: str
    key_id: str
    private_key: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)


class Provider:
    """Asks Google's token endpoint for a token of the service account, and forgets it."""

    name: ClassVar[str] = "google"
    title: ClassVar[str] = "A key of a Google Cloud service account."
    locks: ClassVar[bool] = False
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # key.json is no variable: it is what the file is called where it is a Secret's key.
        "serviceAccountJSON": ("GOOGLE_CREDENTIALS", "key.json"),
        "projectID": ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT"),
        "clientEmail": (),
        "privateKeyID": (),
    }
    example: ClassVar[Mapping[str, Any]] = {"projectID": "example-project"}

    def endpoint(self, config: Config) -> str:
        """Names the token endpoint."""
        return str(network.parse(_url(config)))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        network.parse(_url(config))
        document = _document(keys)
        account = _account(document)
        if config.token_url is None:
            _of_google(document)
        _rsa.load(account.private_key, "serviceAccountJSON's private_key", fewest_bits=1024)
        if config.project_id not in {None, account.project}:
            raise errors.Misconfigured(
                f"projectID is {config.project_id}, and the key is of a service account in {account.project}."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Asks for a token: that has no effect, and needs no permission of the account."""
        end = time.monotonic() + context.timeout
        account, url = _account(_document(keys)), _url(config)
        assertion = _google.assertion(
            _rsa.load(account.private_key, "serviceAccountJSON's private_key", fewest_bits=1024),
            email=account.email,
            key_id=account.key_id,
            scopes=config.scopes,
            url=url,
            now=context.now(),
        )
        response = context.session.request(
            "POST",
            url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urllib.parse.urlencode({"grant_type": _google.GRANT, "assertion": assertion}).encode(),
            timeout=max(end - time.monotonic(), 0.0),
            ca_bundle=config.ca_bundle,
        )
        _google.accepted(response, where=self.endpoint(config), email=account.email, now=context.now())
        return contract.Validation(
            identity=contract.Identity(principal=account.email, account=account.project),
            key_id=account.key_id,
        )

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:  # noqa: ARG002  the contract's form
        """Gives what formats draw from; the key file on one line, which says the same to every reader of JSON."""
        account = _account(_document(keys))
        return {
            "serviceAccountJSON": account.text,
            "projectID": account.project,
            "clientEmail": account.email,
            "privateKeyID": account.key_id,
        }


def _url(config: Config) -> str:
    return config.token_url or _google.TOKEN_URL


def _document(keys: Keys) -> dict[str, Any]:
    """Reads the JSON of the key file."""
    try:
        found = orjson.loads(keys.service_account_json.get_secret_value())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise errors.InvalidKeyMaterial(f"serviceAccountJSON is not a JSON object: {AS_DOWNLOADED}.")
    return found


def _account(document: dict[str, Any]) -> Account:
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


def _of_google(document: dict[str, Any]) -> None:
    """Refuses a key file that would have its readers show the key elsewhere."""
    if document["token_uri"] not in TOKEN_URLS:
        raise errors.InvalidKeyMaterial(
            "serviceAccountJSON's token_uri is not Google's: who made that file may want to see what the key "
            "signs. Write the key file as it was downloaded, or set tokenURL to the endpoint you trust."
        )
    if document.get("universe_domain", _google.UNIVERSE) != _google.UNIVERSE:
        raise errors.Misconfigured(
            "The key is of another universe than googleapis.com: set tokenURL to its token endpoint."
        )


PROVIDER = Provider()
