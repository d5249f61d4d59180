"""Refusals in AWS's own words: one table, three protocols.

Sources: botocore's service models; docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html;
docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

from __future__ import annotations

import dataclasses
import email.utils
import enum
import json
import uuid
from collections.abc import Mapping
from xml.sax import saxutils

from emulators.server import wire

_NAMESPACES = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}
_SERVER_FAULT = 500


class Protocol(enum.StrEnum):
    """How a service words its errors."""

    QUERY = "query"
    S3 = "s3"
    JSON = "json"


class Reason(enum.Enum):
    """Why a request is refused, whichever the service."""

    UNKNOWN_KEY = enum.auto()
    BAD_TOKEN = enum.auto()
    EXPIRED = enum.auto()
    BAD_SIGNATURE = enum.auto()
    SIGNED_TOO_EARLY = enum.auto()
    SIGNED_TOO_LATE = enum.auto()
    WRONG_REGION = enum.auto()
    UNSIGNED = enum.auto()
    MALFORMED = enum.auto()
    DENIED = enum.auto()
    THROTTLED = enum.auto()
    BROKEN = enum.auto()
    UNAVAILABLE = enum.auto()


_INVALID_TOKEN = "The security token included in the request is invalid"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)
_TOO_EARLY = "Signature expired: {signed} is now earlier than {limit} ({now} - 15 min.)"
_TOO_LATE = "Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)"
_SKEWED = "The difference between the request time and the current time is too large."
_UNSCOPED = "Credential should be scoped to a valid region."
_NO_TOKEN = "Request is missing Authentication Token"
_UNAUTHORIZED = "User: {caller} is not authorized to perform: {action} on resource: {resource}"
_INCOMPLETE = "The request signature does not conform to AWS standards"

WORDS: Mapping[Reason, Mapping[Protocol, tuple[int, str, str]]] = {
    Reason.UNKNOWN_KEY: {
        Protocol.QUERY: (403, "InvalidClientTokenId", f"{_INVALID_TOKEN}."),
        Protocol.JSON: (400, "UnrecognizedClientException", f"{_INVALID_TOKEN}."),
        Protocol.S3: (
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
    },
    Reason.BAD_TOKEN: {
        Protocol.QUERY: (403, "InvalidClientTokenId", f"{_INVALID_TOKEN}."),
        Protocol.JSON: (400, "UnrecognizedClientException", f"{_INVALID_TOKEN}."),
        Protocol.S3: (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
    },
    Reason.EXPIRED: {
        Protocol.QUERY: (403, "ExpiredToken", "The security token included in the request is expired"),
        Protocol.JSON: (
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        Protocol.S3: (400, "ExpiredToken", "The provided token has expired."),
    },
    Reason.BAD_SIGNATURE: {
        Protocol.QUERY: (403, "SignatureDoesNotMatch", _MISMATCH),
        Protocol.JSON: (400, "InvalidSignatureException", _MISMATCH),
        Protocol.S3: (403, "SignatureDoesNotMatch", _S3_MISMATCH),
    },
    Reason.SIGNED_TOO_EARLY: {
        Protocol.QUERY: (403, "SignatureDoesNotMatch", _TOO_EARLY),
        Protocol.JSON: (400, "InvalidSignatureException", _TOO_EARLY),
        Protocol.S3: (403, "RequestTimeTooSkewed", _SKEWED),
    },
    Reason.SIGNED_TOO_LATE: {
        Protocol.QUERY: (403, "SignatureDoesNotMatch", _TOO_LATE),
        Protocol.JSON: (400, "InvalidSignatureException", _TOO_LATE),
        Protocol.S3: (403, "RequestTimeTooSkewed", _SKEWED),
    },
    Reason.WRONG_REGION: {
        Protocol.QUERY: (403, "SignatureDoesNotMatch", _UNSCOPED),
        Protocol.JSON: (400, "InvalidSignatureException", _UNSCOPED),
        Protocol.S3: (
            400,
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region '{region}' is wrong; expecting '{expected}'",
        ),
    },
    Reason.UNSIGNED: {
        Protocol.QUERY: (403, "MissingAuthenticationToken", _NO_TOKEN),
        Protocol.JSON: (400, "MissingAuthenticationTokenException", _NO_TOKEN),
        Protocol.S3: (403, "AccessDenied", "Access Denied"),
    },
    Reason.MALFORMED: {
        Protocol.QUERY: (400, "IncompleteSignature", _INCOMPLETE),
        Protocol.JSON: (400, "IncompleteSignatureException", _INCOMPLETE),
        Protocol.S3: (400, "AuthorizationHeaderMalformed", "The authorization header is malformed."),
    },
    Reason.DENIED: {
        Protocol.QUERY: (403, "AccessDenied", _UNAUTHORIZED),
        Protocol.JSON: (400, "AccessDeniedException", _UNAUTHORIZED),
        Protocol.S3: (403, "AccessDenied", "Access Denied"),
    },
    Reason.THROTTLED: {
        Protocol.QUERY: (400, "Throttling", "Rate exceeded"),
        Protocol.JSON: (400, "ThrottlingException", "Rate exceeded"),
        Protocol.S3: (503, "SlowDown", "Please reduce your request rate."),
    },
    Reason.BROKEN: {
        Protocol.QUERY: (500, "InternalFailure", "An internal error has occurred"),
        Protocol.JSON: (500, "InternalFailure", "An internal error has occurred"),
        Protocol.S3: (500, "InternalError", "We encountered an internal error. Please try again."),
    },
    Reason.UNAVAILABLE: {
        Protocol.QUERY: (503, "ServiceUnavailable", "Service Unavailable"),
        Protocol.JSON: (503, "ServiceUnavailableException", "Service Unavailable"),
        Protocol.S3: (503, "ServiceUnavailable", "Service is unable to handle request."),
    },
}


@dataclasses.dataclass(eq=False)
class Refusal(Exception):
    """What the caller is told instead of what they asked for."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def refuse(service: str, reason: Reason, **details: str) -> Refusal:
    """Words a reason as the service would; S3 also returns the details as elements."""
    status, code, message = WORDS[reason][protocol(service)]
    return Refusal(status, code, message.format_map(details), details)


def protocol(service: str) -> Protocol:
    """Tells how a service words its errors."""
    match service:
        case "sts" | "iam":
            return Protocol.QUERY
        case "s3":
            return Protocol.S3
        case _:
            return Protocol.JSON


def render(service: str, refusal: Refusal) -> wire.Reply:
    """Turns a refusal into bytes of the service's protocol."""
    request_id = str(uuid.uuid4())
    match protocol(service):
        case Protocol.QUERY:
            body, kind = _query_error(service, refusal, request_id), "text/xml"
        case Protocol.S3:
            body, kind = _s3_error(refusal, request_id), "application/xml"
        case Protocol.JSON:
            body, kind = _json_error(refusal), "application/x-amz-json-1.1"
    return wire.Reply(
        status=refusal.status,
        headers={"Content-Type": kind, **_request_id(service, request_id), **refusal.headers},
        body=body.encode(),
    )


def result(service: str, action: str, inner: str) -> wire.Reply:
    """Wraps the inside of a result in the envelope of the query protocol."""
    request_id = str(uuid.uuid4())
    body = (
        f'<{action}Response xmlns="{_NAMESPACES[service]}"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
    headers = {"Content-Type": "text/xml", **_request_id(service, request_id)}
    return wire.Reply(status=200, headers=headers, body=body.encode())


def http_date(now: float) -> str:
    """Words a moment as the Date header does."""
    return email.utils.formatdate(now, usegmt=True)


def _query_error(service: str, refusal: Refusal, request_id: str) -> str:
    side = "Receiver" if refusal.status >= _SERVER_FAULT else "Sender"
    return (
        f'<ErrorResponse xmlns="{_NAMESPACES[service]}"><Error><Type>{side}</Type>'
        f"{_element('Code', refusal.code)}{_element('Message', refusal.message)}"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _s3_error(refusal: Refusal, request_id: str) -> str:
    fields = {"Code": refusal.code, "Message": refusal.message, **refusal.fields, "RequestId": request_id}
    inner = "".join(_element(name, value) for name, value in fields.items() if name[0].isupper())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}<HostId>emulator</HostId></Error>'


def _json_error(refusal: Refusal) -> str:
    return json.dumps({"__type": refusal.code, "Message": refusal.message})


def _element(name: str, value: str) -> str:
    return f"<{name}>{saxutils.escape(value)}</{name}>"


def _request_id(service: str, request_id: str) -> dict[str, str]:
    if service == "s3":
        return {"x-amz-request-id": request_id, "x-amz-id-2": "emulator", "Server": "AmazonS3"}
    return {"x-amzn-RequestId": request_id}
