"""The HTTP request that proves a generic credential: refused without it, answered with it.

    anonymous request -> must not be accepted -> the same with the credential -> its status decides

Only statuses count: nothing of an answer's head or body reaches a message.
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Mapping
from typing import Annotated, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import contract, network

SERVER_ERRORS = range(500, 600)
REDIRECTS = range(300, 400)

Status = Annotated[int, pydantic.Field(ge=100, le=599)]
Statuses = Annotated[tuple[Status, ...], pydantic.Field(min_length=1, max_length=8)]

FORBIDDEN = (
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "forwarded",
    "metadata",
    "metadata-flavor",
)
PREFIXES = ("proxy-", "x-forwarded-", "x-aws-ec2-metadata-", "x-google-metadata-", "x-metadata-")
SECRETIVE = "auth|cookie|token|secret|passw|credential|api-?key"

HeaderName = Annotated[
    str,
    pydantic.Field(max_length=64),
    values.Matching(r"^[A-Za-z0-9-]+$", "the name of a header: letters, digits and '-', such as Accept"),
]
HEADERS = values.Rule(
    rule=f"self.all(name, !(name.lowerAscii() in {values.listed(FORBIDDEN)}) && "
    f"!name.lowerAscii().matches('^({'|'.join(PREFIXES)})') && !name.lowerAscii().matches('{SECRETIVE}'))",
    message="must be headers that neither steer the connection nor hold key material: "
    "key material belongs in the source Secret, and the credential type says how it is sent",
)


class Probe(values.Model):
    """The HTTP request that proves the key. It is made twice: first without the key, to see that it counts."""

    url: Annotated[
        str,
        pydantic.Field(max_length=2048),
        values.Matching(
            r"^https://[^/?#@\\ ]+(/[!-~]*)?$",
            "a URL that begins with https://, such as https://api.example.com/me",
        ),
    ]
    """What is asked for: something that is refused without a key, costs nothing and changes nothing."""
    method: Literal["GET", "HEAD"] = "GET"
    """How it is asked for."""
    headers: Annotated[dict[HeaderName, Annotated[str, pydantic.Field(max_length=1024)]], HEADERS] = (
        pydantic.Field(default={}, max_length=8)
    )
    """What the server wants to read besides the key, such as the version of its API."""
    accepted: Statuses = (200,)
    """The HTTP statuses that say that the key is good."""
    rejected: Statuses = (401,)
    """The HTTP statuses that say that it is not."""
    unauthorised: Statuses = (403,)
    """The HTTP statuses that say that the key is known, and may not do this."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the server's certificate is checked against, in place of
    the public ones."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How a key is shown to a server: headers and parameters of the query.

    `timed`: it is good for a while by the server's clock, so that another clock makes it wrong.
    """

    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    query: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    timed: bool = False


NOTHING = Proof()


def endpoint(probe: Probe | None) -> str:
    """Names the endpoint that a probe calls; empty where there is no probe."""
    return str(network.parse(probe.url)) if probe else ""


def inspect(probe: Probe | None) -> None:
    """Finds without a call what cannot be right about a probe; raises Misconfigured."""
    if probe is None:
        return
    network.parse(probe.url)
    if steering := sorted(name for name in probe.headers if _steers(name.lower())):
        raise errors.Misconfigured(
            f"probe.headers holds {', '.join(steering)}: its headers {HEADERS.message}."
        )
    lists = {"accepted": probe.accepted, "rejected": probe.rejected, "unauthorised": probe.unauthorised}
    seen: dict[int, str] = {}
    for name, statuses in lists.items():
        for status in statuses:
            if seen.setdefault(status, name) != name:
                raise errors.Misconfigured(
                    f"probe lists {status} as {seen[status]} and as {name}: decide on one."
                )


def _steers(name: str) -> bool:
    return name in FORBIDDEN or name.startswith(PREFIXES) or re.search(SECRETIVE, name) is not None


def prove(probe: Probe, proof: Proof, context: contract.Context) -> None:
    """Makes both requests; raises a CredentialError where they do not prove the key."""
    end = context.end()
    guarded(probe, _ask(probe, NOTHING, context, end))
    answer = _ask(probe, proof, context, end)
    if proof.timed and answer.status in probe.rejected and answer.skewed(context.now()):
        raise errors.ClockSkew(
            f"{endpoint(probe)} refused the key, and its clock and the operator's differ by over 5 minutes."
        )
    judge(probe, answer)


def _ask(probe: Probe, proof: Proof, context: contract.Context, end: float) -> network.Response:
    return context.session.request(
        probe.method,
        _with_query(probe.url, proof.query),
        headers={**probe.headers, **proof.headers},
        timeout=network.left(end),
        ca_bundle=probe.ca_bundle,
    )


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"


def guarded(probe: Probe, answer: network.Response) -> None:
    """Says that a URL proves nothing if it is answered without the key."""
    unsettled(probe, answer)
    if answer.status in probe.accepted:
        raise errors.Misconfigured(
            f"{endpoint(probe)} answers the probe without the key too (HTTP status {answer.status}), so that "
            "proves nothing: probe a URL that needs the key."
        )


def judge(probe: Probe, answer: network.Response) -> None:
    """Says what the answer to a request with the key means; raises a CredentialError unless it is good."""
    where, status = endpoint(probe), answer.status
    unsettled(probe, answer)
    if status in probe.accepted:
        return
    if status in probe.rejected:
        raise errors.Rejected(f"{where} refused the key (HTTP status {status}).")
    if status in probe.unauthorised:
        raise errors.PermissionDenied(
            f"{where} knows the key and does not let it do this (HTTP status {status}): grant it the right, or "
            "probe a URL that it may use."
        )
    if status in REDIRECTS:
        raise errors.Misconfigured(
            f"{where} redirects the probe (HTTP status {status}), which is not followed: probe where it leads."
        )
    raise errors.Misconfigured(
        f"{where} answered HTTP status {status}, which says nothing of the key: probe another URL, or list it "
        "in probe.accepted, probe.rejected or probe.unauthorised."
    )


def unsettled(probe: Probe, answer: network.Response) -> None:
    """Raises what is transient, unless the probe lists that status itself."""
    if answer.status in {*probe.accepted, *probe.rejected, *probe.unauthorised}:
        return
    if answer.too_many:
        raise answer.throttled(endpoint(probe))
    if answer.status in SERVER_ERRORS:
        raise answer.unusable(endpoint(probe))


def unasked(type_name: str) -> contract.Validation:
    """Says that nobody was asked."""
    return contract.Validation(unasked=f"The key is not checked, because spec.{type_name} has no probe.")
