"""What Microsoft Graph tells of an application: the life of its secrets and certificates, and its permissions.

learn.microsoft.com/graph/api/application-get
learn.microsoft.com/graph/permissions-reference
"""

import base64
import binascii
import re
from typing import Any

from credential_operator import errors
from credential_operator.providers import (
    _certificate,
    _json,
    _resource_manager,
    _sign_in,
    _signing,
    contract,
    network,
)

PERMISSION = re.compile(r"[A-Za-z][A-Za-z0-9-]*([.][A-Za-z0-9-]+)+")
LARGEST = 1024 * 1024
HINT = 3
"""Characters of a secret that Graph shows."""

OK = 200
DENIED = (
    "does not let application {client} read what it knows of it: give it the application permission "
    "Application.Read.All"
)
CODES: _resource_manager.Codes = {
    "Authorization_RequestDenied": (errors.PermissionDenied, DENIED),
    "Request_ResourceNotFound": (
        errors.PermissionDenied,
        "does not have application {client} in this tenant",
    ),
    "InvalidAuthenticationToken": (errors.Misconfigured, "does not accept the token of application {client}"),
}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OPAQUE = "the token that the application got for Microsoft Graph does not say."


def life(
    application: _sign_in.Application, key: str | _certificate.Certificate, url: str
) -> contract.History:
    """Tells of the secret or the certificate that an application signs in with; raises if Graph refuses."""
    if isinstance(key, str):
        listed = _ask(application, url, "passwordCredentials")
        ours = [one for one in listed if one.get("hint") == key[:HINT]]
    else:
        names = _names(key)
        listed = _ask(application, url, "keyCredentials")
        ours = [one for one in listed if _named(one.get("customKeyIdentifier")) in names]
    if len(ours) != 1:
        return contract.History()
    name = ours[0].get("keyId")
    return contract.History(
        key_id=name if isinstance(name, str) and GUID.fullmatch(name) else None,
        created_at=_json.moment(ours[0].get("startDateTime")),
        expires_at=_json.moment(ours[0].get("endDateTime")),
    )


def _ask(application: _sign_in.Application, url: str, what: str) -> list[dict[str, Any]]:
    answer = application.session.request(
        "GET",
        f"{url}/v1.0/applications(appId='{application.client}')?$select={what}",
        headers={"Authorization": f"Bearer {application.sign_in(url)}", "Accept": "application/json"},
        timeout=network.left(application.end),
        ca_bundle=application.ca_bundle,
        limit=LARGEST,
    )
    said = _json.read(answer)
    listed = said.get(what)
    if answer.status != OK or not isinstance(listed, list):
        where, codes = str(network.parse(url)), _codes(application.client)
        raise _resource_manager.refusal_of(answer, said, where=where, codes=codes)
    return [one for one in listed if isinstance(one, dict)]


def _codes(client: str) -> _resource_manager.Codes:
    return {code: (kind, words.format(client=client)) for code, (kind, words) in CODES.items()}


def _names(certificate: _certificate.Certificate) -> frozenset[bytes]:
    return frozenset({bytes.fromhex(certificate.thumbprint), certificate.sha256})


def _named(name: Any) -> bytes:
    """Reads the fingerprint that a certificate goes by, in hexadecimal digits or in base64."""
    if not isinstance(name, str):
        return b""
    try:
        if re.fullmatch(r"[0-9A-Fa-f]{40}", name):
            return bytes.fromhex(name)
        return base64.b64decode(name, validate=True)
    except (binascii.Error, ValueError):
        return b""


def require_permissions(permissions: tuple[str, ...]) -> None:
    """Refuses what cannot be a permission of an application on Graph; raises Misconfigured."""
    if wrong := [one for one in permissions if not PERMISSION.fullmatch(one)]:
        raise errors.Misconfigured(
            f"spec.validation.permissions holds {', '.join(wrong)}: with resource graph a permission is an "
            "application permission of Microsoft Graph, such as User.Read.All."
        )


def grants(token: str, permissions: tuple[str, ...]) -> contract.Grants:
    """Reads the permissions that a token for Graph lists.

    It is not verified: Entra ID itself just gave it, and nobody is let in by what it says here.
    """
    roles = _roles(token)
    if roles is None:
        return contract.Grants(unknown=permissions, why=OPAQUE)
    return contract.Grants(missing=tuple(one for one in permissions if one.lower() not in roles))


def _roles(token: str) -> frozenset[str] | None:
    try:
        roles = _signing.read(token).claims.get("roles", [])
    except errors.InvalidKeyMaterial:
        return None
    if not isinstance(roles, list):
        return None
    return frozenset(str(role).lower() for role in roles)
