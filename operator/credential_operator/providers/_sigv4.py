"""What credential types that sign as AWS does share: keys, signing, reading answers, telling refusals apart.

Refusals are told apart by their code, never by their status. The codes:
docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import base64
import dataclasses
import datetime
import functools
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _xml, contract, network

KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z2-7]{16}")
PLAIN = re.compile(r"[!-~]+")
UNPLAIN = "holds white space or characters that no key has."
CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
"""How far a signature's time may be from the provider's clock."""

THROTTLED = frozenset(  # botocore/retries/standard.py, ThrottledRetryableChecker
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)
SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})

Refusals = Mapping[str, tuple[type[errors.CredentialError], str]]

UNKNOWN_KEY = "the access key id is not known, or the key is switched off"
MISMATCH = "secretAccessKey does not belong to accessKeyID"
FOREIGN_SESSION = "sessionToken does not belong to the key"
SESSION_OVER = "the session is over: write a new key and sessionToken"
DENIED = "the key is good and may not do this"
NOT_ENABLED = "the account cannot use this service"

REFUSALS: Refusals = {
    "InvalidClientTokenId": (errors.Rejected, UNKNOWN_KEY),
    "InvalidAccessKeyId": (errors.Rejected, UNKNOWN_KEY),
    "UnrecognizedClientException": (errors.Rejected, UNKNOWN_KEY),
    "AuthFailure": (errors.Rejected, UNKNOWN_KEY),
    "SignatureDoesNotMatch": (errors.Rejected, MISMATCH),
    "InvalidSignatureException": (errors.Rejected, MISMATCH),
    "InvalidToken": (errors.Rejected, FOREIGN_SESSION),
    "TokenRefreshRequired": (errors.Rejected, FOREIGN_SESSION),
    "MissingAuthenticationToken": (errors.Rejected, "the key was not accepted"),
    "IncompleteSignature": (errors.Rejected, "the key was not accepted"),
    "ExpiredToken": (errors.Expired, SESSION_OVER),
    "ExpiredTokenException": (errors.Expired, SESSION_OVER),
    "NotSignedUp": (errors.PermissionDenied, NOT_ENABLED),
    "OptInRequired": (errors.PermissionDenied, NOT_ENABLED),
    "AccountProblem": (errors.PermissionDenied, "there is a problem with the account: ask the provider"),
    "AllAccessDisabled": (errors.PermissionDenied, "all access is switched off: ask the provider"),
    "AccessDenied": (errors.PermissionDenied, DENIED),
    "AccessDeniedException": (errors.PermissionDenied, DENIED),
}


def matching_root(example: str) -> values.Matching:
    """Gives the rule of a service's own URL."""
    return values.Matching(r"^https?://[^/?#]+/?$", f"a URL without path, such as {example}")


def rooted(url: str) -> str:
    """Gives a service's own URL as it is called, with the path that is signed."""
    return url.rstrip("/") + "/"


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """An access key."""

    id: str = dataclasses.field(repr=False)
    secret: str = dataclasses.field(repr=False)
    token: str | None = dataclasses.field(repr=False, default=None)

    def __str__(self) -> str:
        """Names the key; an id that has not the form of one may be the secret in the wrong field."""
        return f"key {self.id}" if KEY_ID.fullmatch(self.id) else "the key"


class Keys(contract.Keys):
    """An access key, as it stands in the source Secret."""

    access_key_id: contract.Line = pydantic.Field(alias="accessKeyID", examples=["AKIAIOSFODNN7EXAMPLE"])
    """The access key id."""
    secret_access_key: contract.Line = pydantic.Field(
        alias="secretAccessKey", examples=["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"]
    )
    """The secret access key."""
    session_token: contract.Line | None = pydantic.Field(None, alias="sessionToken")
    """The session token that belongs to a session's key."""

    @property
    def public_id(self) -> str | None:
        """Gives the name that the key is known by; None where it is made anew for each check."""
        return self.access_key_id.get_secret_value()

    def key(self) -> Key:
        """Gives the key to sign with."""
        token = self.session_token.get_secret_value() if self.session_token else None
        return Key(self.access_key_id.get_secret_value(), self.secret_access_key.get_secret_value(), token)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider said: the root of its document and the texts that were asked for."""

    where: str
    response: network.Response
    root: str
    texts: Mapping[str, str] = dataclasses.field(repr=False)

    @property
    def code(self) -> str:
        """The error's code; empty where there is none that could be repeated in a message."""
        code = self.texts.get("Code", "")
        return code if CODE.fullmatch(code) else ""


def in_json(url: str, response: network.Response, document: Mapping[str, Any]) -> Answer:
    """Gives what a service said that speaks JSON."""
    code = str(document.get("__type", "")).rpartition("#")[2]
    words = str(document.get("Message") or document.get("message") or "")
    return Answer(
        where=str(network.parse(url)), response=response, root="", texts={"Code": code, "Message": words}
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Makes the calls of one check, within its time."""

    session: network.Session
    region: str
    now: Callable[[], datetime.datetime]
    end: float
    """When the check's time is over, by the monotonic clock."""
    ca_bundle: str | None = None
    plain: bool = False

    @property
    def subject(self) -> str:
        """Names in messages what is refused."""
        return "the request"

    def prepare(self, method: str, url: str, headers: Mapping[str, str], body: str) -> Mapping[str, str]:  # noqa: ARG002
        """Gives the headers that are sent."""
        return headers

    def send(self, method: str, url: str, headers: Mapping[str, str], body: str = "") -> network.Response:
        """Makes one call."""
        return self.session.request(
            method,
            url,
            headers=self.prepare(method, url, headers, body),
            body=body.encode() or None,
            timeout=network.left(self.end),
            ca_bundle=self.ca_bundle,
            plain=self.plain,
        )

    def call(self, method: str, url: str, *, body: str = "", wanted: frozenset[str] = frozenset()) -> Answer:
        """Makes one call; `wanted` are the elements whose texts are read, besides those of errors."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} if body else {}
        response = self.send(method, url, headers, body)
        root, texts = _xml.read(response, wanted | {"Code", "Message", "Region"})
        return Answer(where=str(network.parse(url)), response=response, root=root, texts=texts)

    def refusal(self, answer: Answer, refusals: Refusals) -> errors.CredentialError:
        """Turns an answer that is not the expected one into the error that it means."""
        code = answer.code
        if code in THROTTLED or answer.response.too_many:
            return answer.response.throttled(answer.where)
        if self._skewed(answer):
            return answer.response.mistimed(answer.where)
        if code.startswith("Signature") and "scoped to a valid region" in answer.texts.get("Message", ""):
            return errors.Misconfigured(f"{answer.where} does not serve region {self.region} ({code}).")
        if code in refusals:
            kind, words = refusals[code]
            return kind(f"{answer.where} refused {self.subject}: {words} ({code}).")
        return answer.response.unusable(answer.where, code)

    def _skewed(self, answer: Answer) -> bool:
        """Tells whether the time made the signature wrong: by the code, the words, or the server's clock."""
        if answer.code in SKEWED:
            return True
        if answer.code not in {"SignatureDoesNotMatch", "InvalidSignatureException"}:
            return False
        words = answer.texts.get("Message", "")
        if "Signature expired" in words or "Signature not yet current" in words:
            return True
        return answer.response.skewed(self.now())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller(Client):
    """Makes the signed calls of one check."""

    key: Key
    service: str

    @property
    def subject(self) -> str:
        """Names the key in messages."""
        return str(self.key)

    def prepare(self, method: str, url: str, headers: Mapping[str, str], body: str) -> Mapping[str, str]:
        """Gives the headers that are sent, the signature among them."""
        return sign(method, url, headers, body, key=self.key, service=self.service, region=self.region)


def sign(
    method: str, url: str, headers: Mapping[str, str], body: str, *, key: Key, service: str, region: str
) -> dict[str, str]:
    """Gives the headers of a signed request (Signature Version 4)."""
    auth, awsrequest, credentials = _botocore()
    signer = auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth
    request = awsrequest.AWSRequest(method=method, url=url, headers=headers, data=body.encode())
    signer(credentials.Credentials(key.id, key.secret, key.token), service, region).add_auth(request)
    return dict(request.headers.items())


@functools.cache
def _botocore() -> tuple[Any, Any, Any]:
    """Loads the signer, at the first call: listing the types must not pay for it."""
    from botocore import auth, awsrequest, credentials  # noqa: PLC0415

    # It writes what it signs, session tokens included.
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    return auth, awsrequest, credentials


def inspect(key: Key, *, amazon: bool) -> None:
    """Finds what cannot be right about a key; `amazon`: of AWS itself, whose key ids have a form."""
    fault = next((words for wrong, words in _faults(key) if wrong), None)
    if not fault and amazon:
        fault = next((words for wrong, words in _amazon_faults(key) if wrong), None)
    if fault:
        raise errors.InvalidKeyMaterial(fault)


def _faults(key: Key) -> Iterator[tuple[bool, str]]:
    yield (
        KEY_ID.fullmatch(key.secret) is not None and KEY_ID.fullmatch(key.id) is None,
        "accessKeyID and secretAccessKey look swapped: secretAccessKey has the form of an access key id.",
    )
    yield not PLAIN.fullmatch(key.id), f"accessKeyID {UNPLAIN}"
    yield not PLAIN.fullmatch(key.token or "-"), f"sessionToken {UNPLAIN}"


def _amazon_faults(key: Key) -> Iterator[tuple[bool, str]]:
    yield not PLAIN.fullmatch(key.secret), f"secretAccessKey {UNPLAIN}"
    yield (
        KEY_ID.fullmatch(key.id) is None,
        "accessKeyID is not an access key id of AWS: those are AKIA or ASIA and 16 letters and digits.",
    )
    yield (
        key.id.startswith("ASIA") and key.token is None,
        "accessKeyID is a session's (ASIA): it needs its sessionToken.",
    )
    yield (
        key.id.startswith("AKIA") and key.token is not None,
        "accessKeyID is a user's (AKIA): it has no sessionToken, remove that.",
    )


def account_of(key_id: str) -> str | None:
    """Decodes the account that is in an AWS access key id; None for ids from before 2019, which hold none."""
    if not KEY_ID.fullmatch(key_id):
        return None
    number = int.from_bytes(base64.b32decode(key_id[4:])[:6])
    return f"{(number & 0x7FFFFFFFFF80) >> 7:012d}" if number >> 47 else None
