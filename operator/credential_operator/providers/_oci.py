"""Oracle Cloud Infrastructure: fingerprints, signed requests, and what its answers mean.

Signing: docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
Codes: docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm
"""

import base64
import datetime
import email.utils
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from credential_operator import errors
from credential_operator.providers import _json, _rsa, network

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

"""How far the time of a request may be from Oracle's clock."""
OK = 200
UNAUTHENTICATED = (401, "NotAuthenticated")
UNSEEN = (404, "NotAuthorizedOrNotFound")
ACTIVE = "ACTIVE"

REFUSALS: Mapping[tuple[int, str], str] = {
    (402, "SignUpRequired"): "the tenancy is not subscribed to this service",
    (403, "NotAllowed"): "the key is good and may not do this",
}
"""Status and code of what is refused although the key is good."""

DOMAINS: Mapping[str, str] = {
    "oc1": "oraclecloud.com",
    "oc2": "oraclegovcloud.com",
    "oc3": "oraclegovcloud.com",
    "oc4": "oraclegovcloud.uk",
    "oc19": "oraclecloud.eu",
}
"""Realms whose domain has not their number."""


def realm_of(ocid: str) -> str:
    """Reads the realm in an OCID, such as oc1."""
    return ocid.split(".")[2]


def service_url(service: str, region: str, tenancy: str) -> str:
    """Names a region's service, such as identity; a tenancy's realm tells the domain."""
    realm = realm_of(tenancy)
    domain = DOMAINS.get(realm, f"oraclecloud{realm.removeprefix('oc')}.com")
    return f"https://{service}.{region}.{domain}"


def fingerprint(key: "rsa.RSAPrivateKey") -> str:
    """Computes the public name of a key, as the console shows it."""
    return hashlib.md5(_rsa.public_code(key), usedforsecurity=False).digest().hex(":")


def unsigned(url: str, now: datetime.datetime) -> dict[str, str]:
    """Gives the headers that a signature covers."""
    # What HTTP leaves out of a host is left out of what is signed.
    host = str(network.parse(url)).removesuffix(":443")
    return {"Date": email.utils.format_datetime(now, usegmt=True), "Host": host}


def signed(
    url: str, now: datetime.datetime, *, key: "rsa.RSAPrivateKey", key_id: str, body: bytes | None = None
) -> dict[str, str]:
    """Gives the headers of a signed GET, or of a POST of JSON: half a millisecond of CPU.

    `key_id` is tenancy/user/fingerprint, or says whose session it is.
    """
    headers = unsigned(url, now) | (_described(body) if body is not None else {})
    method = "get" if body is None else "post"
    lines = {name.lower(): text for name, text in headers.items()}
    covered = {"(request-target)": f"{method} {network.parse(url).target}", **lines}
    order = ("date", "(request-target)", "host", "content-length", "content-type", "x-content-sha256")
    names = [name for name in order if name in covered]
    signature = base64.b64encode(_rsa.sign(key, "\n".join(f"{name}: {covered[name]}" for name in names)))
    parts = {
        "version": "1",
        "keyId": key_id,
        "algorithm": "rsa-sha256",
        "headers": " ".join(names),
        "signature": signature.decode(),
    }
    return {**headers, "Authorization": "Signature " + ",".join(f'{name}="{parts[name]}"' for name in parts)}


def _described(body: bytes) -> dict[str, str]:
    """Gives the headers that say what a body is, which a signature covers too."""
    return {
        "Content-Length": str(len(body)),
        "Content-Type": "application/json",
        "X-Content-SHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }


def said(response: network.Response) -> tuple[int, str]:
    """Gives the status and the code of an answer that is an error."""
    code = _json.read(response).get("code")
    return response.status, code if isinstance(code, str) else ""


def listed(response: network.Response) -> list[dict[str, Any]] | None:
    """Reads a page of a list; None where an answer is none."""
    if response.status != OK or response.truncated:
        return None
    try:
        found = orjson.loads(response.body)
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else None


def refusal(
    response: network.Response, *, where: str, name: str, now: datetime.datetime
) -> errors.CredentialError:
    """Turns an answer that is not the expected one into the error that it means; `name` is the key's."""
    answer = said(response)
    if response.too_many:
        return response.throttled(where)
    if answer == UNAUTHENTICATED and response.skewed(now):
        return response.mistimed(where)
    if answer == UNAUTHENTICATED:
        return errors.Rejected(
            f"{where} refused key {name}: it is not a key of this userOCID in this tenancyOCID, or it was deleted, "
            f"or the user is blocked ({answer[1]})."
        )
    if answer in REFUSALS:
        return errors.PermissionDenied(f"{where} refused key {name}: {REFUSALS[answer]} ({answer[1]}).")
    return response.unusable(where)
