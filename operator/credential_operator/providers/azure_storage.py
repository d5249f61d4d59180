"""Azure Storage: an account and one of its two keys."""

import base64
import binascii
import datetime
import email.utils
import hashlib
import hmac
import urllib.parse
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _azure, _xml, contract, network

VERSION = "2019-02-02"
"""The protocol's version: old enough for private clouds, which follow late."""

LENGTH = 64
"""Bytes of a key."""

SKEW = datetime.timedelta(minutes=15)
"""How far a signature's time may be from the provider's clock."""

OK = 200
REFUSALS = range(400, 500)
BUSY = "ServerBusy"
MISMATCH = "AuthenticationFailed"
WALLED = (
    "its firewall does not let the operator in: allow the operator's network in the account's networking, "
    "or give the account a private endpoint"
)
CODES: Mapping[str, tuple[type[errors.CredentialError], str]] = {
    MISMATCH: (errors.Rejected, "accountKey is none of the account's keys"),
    "AuthorizationFailure": (errors.PermissionDenied, WALLED),
    "InsufficientAccountPermissions": (errors.PermissionDenied, "the account may not be read at present"),
    "KeyBasedAuthenticationNotPermitted": (
        errors.Misconfigured,
        "the account does not allow access by key: allow it in the account's configuration, or use the type azure",
    ),
    "ResourceNotFound": (
        errors.Misconfigured,
        "there is no storage account of that name behind this endpoint: look at accountName and endpoint",
    ),
    "AccountIsDisabled": (errors.KeyDisabled, "the account is disabled"),
}
"""learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes"""


class Config(contract.Config):
    """What is public about a storage account's key."""

    account_name: _azure.StorageAccount
    """The storage account."""
    cloud: _azure.CloudName = "AzurePublic"
    """The cloud that the account is in."""
    endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=512),
        values.Matching(
            r"^https://[^/?#@\\ ]+(/[a-z0-9]*)?$",
            "the URL of a blob service, such as https://backups.blob.storage.example.com",
        ),
    ] = None
    """The account's blob service, in place of the cloud's own address: for private clouds and emulators."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the service's certificate is checked against, in place
    of the public ones."""


class Keys(contract.Keys):
    """A key of the account, and what consumers encrypt with."""

    account_key: contract.Line = pydantic.Field(alias="accountKey")
    """One of the account's two keys: 88 characters."""
    encryption_key: contract.Line | None = pydantic.Field(None, alias="encryptionKey")
    """What consumers encrypt with before they store anything, such as the password of a restic repository.
    It is published as it is: Azure does not know it."""


class Provider:
    """Asks the account for one of its containers, whichever."""

    name: ClassVar[str] = "azureStorage"
    title: ClassVar[str] = "An Azure storage account and one of its keys."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One list of one container, which is billed as one operation and stands in the account's log, where "
        "that is switched on."
    )
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "accountKey": ("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_ACCOUNT_KEY"),
        "encryptionKey": ("RESTIC_PASSWORD",),
        "accountName": ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_ACCOUNT_NAME"),
        # No variables: every tool has names of its own for these.
        "cloud": (),
        "endpoint": (),
        "caBundle": (),
    }
    example: ClassVar[Mapping[str, Any]] = {"accountName": "backups"}

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that a check calls."""
        return str(network.parse(_url(config)))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        network.parse(_url(config))
        key = keys.account_key.get_secret_value()
        if "AccountKey=" in key:
            raise errors.InvalidKeyMaterial(
                "accountKey is a whole connection string: write only what follows AccountKey= in it."
            )
        if "sig=" in key:
            raise errors.InvalidKeyMaterial(
                "accountKey is a shared access signature: write one of the account's two keys."
            )
        if len(_decoded(key)) != LENGTH:
            raise errors.InvalidKeyMaterial(
                f"accountKey is not a storage account's key: those are {LENGTH} bytes in base64, 88 characters."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Asks for a list of one container, which either of the account's keys may."""
        answer = _ask(config, keys, context)
        root, texts = _xml.read(answer, frozenset({"Code"}))
        if answer.status != OK or root != "EnumerationResults":
            code = texts.get("Code", "") if root == "Error" else ""
            raise _refusal(config, answer, code, now=context.now())
        return contract.Validation(identity=contract.Identity(principal=config.account_name))

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        fields = {
            "accountKey": keys.account_key.get_secret_value(),
            "encryptionKey": keys.encryption_key.get_secret_value() if keys.encryption_key else None,
            "accountName": config.account_name,
            "cloud": config.cloud,
            "endpoint": _url(config) if config.endpoint or config.cloud != "AzurePublic" else None,
            "caBundle": config.ca_bundle,
        }
        return {name: value for name, value in fields.items() if value}


def _url(config: Config) -> str:
    usual = f"https://{config.account_name}.blob.{_azure.CLOUDS[config.cloud].storage}"
    return (config.endpoint or usual).rstrip("/")


def _ask(config: Config, keys: Keys, context: contract.Context) -> network.Response:
    """Asks; an account has its own name in the cloud's domain, so a name that is not there says it all."""
    url = f"{_url(config)}/?comp=list&maxresults=1"
    try:
        return context.session.request(
            "GET",
            url,
            headers=signed(url, config.account_name, _key(keys), context.now()),
            timeout=context.timeout,
            ca_bundle=config.ca_bundle,
        )
    except network.NameNotFound:
        if config.endpoint:
            raise
    raise errors.Misconfigured(
        f"{network.parse(url).host} does not exist: there is no storage account of that name in this cloud, or "
        "its private endpoint is not in the operator's DNS. Look at accountName and cloud."
    )


def _key(keys: Keys) -> bytes:
    return _decoded(keys.account_key.get_secret_value())


def _decoded(key: str) -> bytes:
    """Decodes a key; empty where it is not base64."""
    try:
        return base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return b""


def signed(url: str, account: str, key: bytes, now: datetime.datetime) -> dict[str, str]:
    """Gives the headers of a GET that is signed with a key (Shared Key)."""
    headers = {"x-ms-date": email.utils.format_datetime(now, usegmt=True), "x-ms-version": VERSION}
    digest = hmac.digest(key, to_sign("GET", url, account, headers).encode(), hashlib.sha256)
    return {**headers, "Authorization": f"SharedKey {account}:{base64.b64encode(digest).decode()}"}


def to_sign(method: str, url: str, account: str, headers: Mapping[str, str]) -> str:
    """Gives what is signed of a request without a body; `headers` are the x-ms- ones, in lower case.

    learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key: the eleven empty lines are
    Content-Encoding, -Language, -Length, -MD5, -Type, Date, the four If- headers and Range.
    """
    parts = urllib.parse.urlsplit(url)
    query = sorted(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    return "\n".join(
        (
            method,
            *[""] * 11,
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            f"/{account}{parts.path or '/'}",
            *(f"{name.lower()}:{value}" for name, value in query),
        )
    )


def _refusal(
    config: Config, answer: network.Response, code: str, *, now: datetime.datetime
) -> errors.CredentialError:
    """Turns an answer that is not the expected one into the error that it means."""
    where = str(network.parse(_url(config)))
    if answer.too_many or code == BUSY:
        return answer.throttled(where)
    if answer.status not in REFUSALS or code not in CODES:
        return answer.unusable(where)
    if code == MISMATCH and answer.skewed(now, SKEW):
        return answer.mistimed(where)
    kind, words = CODES[code]
    return kind(f"{where} refused the key of account {config.account_name}: {words} ({code}).")


PROVIDER = Provider()
