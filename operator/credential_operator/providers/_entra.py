"""What Entra ID's answers to a sign-in mean.

Refusals are told apart by their numbers (AADSTS...), then by OAuth's words (RFC 6749, 5.2), never by their
status alone: learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re
from collections.abc import Mapping
from typing import Any

from credential_operator import errors
from credential_operator.providers import _json, network

OK = 200
REFUSALS = range(400, 500)

Outcome = tuple[type[errors.CredentialError], str]

WRONG_SECRET = 7000215
LOOP = 50196
CONDITIONAL_ACCESS = range(53000, 53100)
BLOCKED: Outcome = (
    errors.PermissionDenied,
    "the key is good, and a Conditional Access policy does not let it sign in from here",
)
CODES: Mapping[int, Outcome] = {
    WRONG_SECRET: (errors.Rejected, "clientSecret is none of the application's secrets"),
    7000222: (errors.Expired, "the life of clientSecret is over: make a new one for the application"),
    7000112: (errors.KeyDisabled, "the application is disabled"),
    7000229: (errors.Rejected, "the application has no service principal in the tenant"),
    700027: (
        errors.Rejected,
        "clientCertificate is none of the application's certificates",
    ),
    700024: (errors.ClockSkew, "the operator's clock and the authority's differ"),
    700016: (errors.Rejected, "the application is not in the tenant: look at clientID and tenantID"),
    90002: (errors.Misconfigured, "the tenant does not exist: look at tenantID and cloud"),
    900023: (errors.Misconfigured, "tenantID is neither a tenant's ID nor a domain"),
    500011: (
        errors.Misconfigured,
        "the tenant does not know the resource: look at resource, cloud and endpoint",
    ),
    70011: (errors.Misconfigured, "the resource is not accepted: look at resource, cloud and endpoint"),
    **dict.fromkeys(CONDITIONAL_ACCESS, BLOCKED),
}
UNMATCHED = (70021, 700211, 700212, 7002121, 700213, 7002137, 7002138)
"""No federated credential, or none with this issuer, audience (700212...) or subject (700213...)."""
UNVERIFIED = (50013, 700027)
"""The signature does not match any key that the issuer publishes."""
UNREAD = (50166, 501661)
"""Entra ID asked the issuer for its keys, and got no answer."""
WORDS: Mapping[str, Outcome] = {
    "invalid_client": (errors.Rejected, "clientID or its key is not accepted"),
    "unauthorized_client": (errors.PermissionDenied, "the application may not sign in this way"),
    "invalid_scope": (errors.Misconfigured, "the resource is not accepted: look at resource and endpoint"),
}
"""For authorities that give no numbers, as those of private clouds may."""

MISTAKEN = " clientSecret has the form of a secret's ID: write the secret's Value, which is another text."


def federated(issuer: str, subject: str, audience: str) -> Mapping[int, Outcome]:
    """Gives what the numbers mean where a ServiceAccount's token stands in for a key."""
    unmatched = (
        "no federated credential of the application is for this token: add one with the issuer "
        f"{issuer}, the subject {subject} and the audience {audience}"
    )
    unverified = (
        f"the token's signature is of none of the keys that its issuer, {issuer}, publishes: "
        "let it publish those of this cluster"
    )
    unread = f"it cannot read the issuer's keys: {issuer} must be reachable from the internet"
    return {
        **CODES,
        **dict.fromkeys(UNMATCHED, (errors.Misconfigured, unmatched)),
        **dict.fromkeys(UNVERIFIED, (errors.Misconfigured, unverified)),
        **dict.fromkeys(UNREAD, (errors.ProviderUnreachable, unread)),
        500133: (errors.ClockSkew, "the clocks of the cluster and of the authority differ"),
        700222: (
            errors.Misconfigured,
            f"{issuer} is Entra ID itself, whose tokens do not stand in for a key: let the cluster issue them",
        ),
    }


def token(answer: network.Response) -> str | None:
    """Gives the token that an answer brings; None where it brings none."""
    said = _json.read(answer)
    found = said.get("access_token")
    if answer.status != OK or str(said.get("token_type")).lower() != "bearer" or not isinstance(found, str):
        return None
    return found if re.fullmatch(r"[!-~]+", found) else None


def refusal(
    answer: network.Response, *, where: str, whose: str, pasted: bool, codes: Mapping[int, Outcome] = CODES
) -> errors.CredentialError:
    """Turns an answer without a token into the error that it means; `pasted`: the secret looks like an ID."""
    said = _json.read(answer)
    numbers = _numbers(said)
    if answer.too_many or (answer.status in REFUSALS and LOOP in numbers):
        return answer.throttled(where)
    known = _known(said, numbers, codes) if answer.status in REFUSALS else None
    if known is None:
        return answer.unusable(where)
    name, (kind, words) = known
    hint = MISTAKEN if pasted and name == f"AADSTS{WRONG_SECRET}" else ""
    return kind(f"{where} refused {whose}: {words} ({name}).{hint}")


def _numbers(said: Mapping[str, Any]) -> tuple[int, ...]:
    found = said.get("error_codes")
    return tuple(code for code in found if isinstance(code, int)) if isinstance(found, list) else ()


def _known(
    said: Mapping[str, Any], numbers: tuple[int, ...], codes: Mapping[int, Outcome]
) -> tuple[str, Outcome] | None:
    """Finds the first number that is known; where there are no numbers, the word."""
    for number in numbers:
        if number in codes:
            return f"AADSTS{number}", codes[number]
    word = said.get("error")
    if not numbers and isinstance(word, str) and word in WORDS:
        return word, WORDS[word]
    return None
