"""Signed tokens (JWT, RFC 7519): which keys can sign them, signing, and reading what one says of itself.

key material -> `load` -> Key -> `sign` -> a token, never shown
token -> `read` -> what it says, unverified
"""

import base64
import binascii
import dataclasses
import datetime
import functools
import re
import uuid
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

import orjson
import pydantic

from credential_operator import errors
from credential_operator.api import values

Algorithm = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "HS256",
    "HS384",
    "HS512",
]
SHARED = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Bytes that a shared secret has at least (RFC 7518, section 3.2)."""
LONGEST_TEXT = 16 * 1024
LONGEST_LINE = 256
"""Characters of what a token says that anybody has to read."""

TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
REGISTERED = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti")
SECRETIVE = "cookie|token|secret|passw|credential|private|signature|assertion|(api|access)[-_]?key"


def neither(reserved: Collection[str], must_be: str) -> values.Rule:
    """Gives the rule of a map whose names are not `reserved` and do not look like key material's."""
    return values.Rule(
        rule=f"self.all(name, !(name.lowerAscii() in {values.listed(reserved)}) && "
        f"!name.lowerAscii().matches('{SECRETIVE}'))",
        message=must_be,
    )


def offenders(names: Collection[str], reserved: Collection[str]) -> list[str]:
    """Gives the names that such a rule refuses."""
    return sorted(name for name in names if name.lower() in reserved or re.search(SECRETIVE, name.lower()))


CLAIMS = neither(
    REGISTERED,
    "must be claims that hold no key material and are not the operator's to set: key material belongs in "
    "the source Secret, and issuer, subject, audience and lifetime have fields of their own",
)
Name = Annotated[
    str,
    pydantic.Field(max_length=128),
    values.Matching(
        r"^[A-Za-z0-9_.:/-]+$", "a name: letters, digits, '_', '.', ':', '/' and '-', such as scope"
    ),
]
Claims = Annotated[
    dict[Name, Annotated[str, pydantic.Field(max_length=1024)]], CLAIMS, pydantic.Field(max_length=8)
]
KeyID = Annotated[
    str,
    pydantic.Field(max_length=256),
    values.Matching(r"^[!-~]+$", "a key ID without white space, as the provider shows it"),
]


def check_claims(claims: Mapping[str, str]) -> None:
    """Refuses what the rule of claims does; raises Misconfigured."""
    if wrong := offenders(claims, REGISTERED):
        raise errors.Misconfigured(f"claims holds {', '.join(wrong)}: they {CLAIMS.message}.")


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A key that signs with one algorithm."""

    algorithm: str
    private: Any = dataclasses.field(repr=False)
    public: Any = dataclasses.field(repr=False)

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, str]) -> str:
        """Gives a token."""
        return str(
            _pyjwt().encode(dict(claims), self.private, algorithm=self.algorithm, headers=dict(headers))
        )

    def verifies(self, token: str) -> bool:
        """Tells whether the public half of the key accepts a token's signature."""
        try:
            _pyjwt().PyJWS().decode(token, self.public, algorithms=[self.algorithm])
        except _pyjwt().InvalidTokenError:
            return False
        return True


@functools.cache
def _pyjwt() -> Any:
    """Loads the signer, at the first token: listing the types must not pay for it."""
    import jwt  # noqa: PLC0415

    return jwt


def claims_of(
    *, now: datetime.datetime, lifetime: datetime.timedelta, more: Mapping[str, str], **registered: str | None
) -> dict[str, Any]:
    """Gives what a fresh token says: `registered` without the absent ones, its times, and `more`."""
    issued = int(now.timestamp())
    return {
        **more,
        **{name: value for name, value in registered.items() if value},
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
        "jti": str(uuid.uuid4()),
    }


def headers_of(key_id: str | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Gives what stands in a token's header besides the algorithm."""
    return {**(more or {}), **({"kid": key_id} if key_id else {})}


def load(text: str, algorithm: str) -> Key:
    """Reads signingKey; raises InvalidKeyMaterial for what cannot sign with the algorithm."""
    if len(text) > LONGEST_TEXT:
        raise errors.InvalidKeyMaterial("signingKey is longer than any key.")
    if algorithm in SHARED:
        secret = _secret(text, algorithm)
        return Key(algorithm, secret, secret)
    # Listing the types must not pay for what reads keys.
    from credential_operator.providers import _pem  # noqa: PLC0415

    private = _pem.read(text, algorithm)
    return Key(algorithm, private, private.public_key())


def _secret(text: str, algorithm: str) -> bytes:
    """Checks a secret that both sides know."""
    fault = None
    if "-----BEGIN" in text:
        fault = f"is a PEM document, and {algorithm} signs with a shared secret: write another algorithm"
    elif text != text.rstrip("\r\n"):
        fault = "ends with a newline: write it without (printf, or echo -n)"
    elif len(text.encode()) < SHARED[algorithm]:
        fault = f"is too short: {algorithm} needs {SHARED[algorithm]} bytes at least"
    if fault:
        raise errors.InvalidKeyMaterial(f"signingKey {fault}.")
    return text.encode()


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What a token says of itself, unverified; texts that nobody could read are left out."""

    header: Mapping[str, Any] = dataclasses.field(repr=False)
    claims: Mapping[str, Any] = dataclasses.field(repr=False)

    def text(self, name: str) -> str | None:
        """Gives a claim that is a short line of text."""
        return _short(self.claims.get(name))

    @property
    def key_id(self) -> str | None:
        """The public name of the key that signed it."""
        return _short(self.header.get("kid"))

    def time(self, name: str) -> datetime.datetime | None:
        """Gives a claim that is a time; raises InvalidKeyMaterial where it is something else."""
        seconds = self.claims.get(name)
        if seconds is None:
            return None
        if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
            try:
                return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
            except (OverflowError, OSError, ValueError):
                pass
        raise errors.InvalidKeyMaterial(f"token is not a JWT that can be used: its {name} is not a time.")


def _short(value: object) -> str | None:
    return (
        value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_LINE else None
    )


def read(token: str) -> Said:
    """Takes a token apart without verifying it; raises InvalidKeyMaterial for what is none."""
    parts = TOKEN.fullmatch(token)
    header, claims = (_document(parts[1]), _document(parts[2])) if parts else (None, None)
    if not parts or header is None or claims is None or not isinstance(header.get("alg"), str):
        raise errors.InvalidKeyMaterial(
            "token is not a JWT: that is three parts with dots between, without Bearer before them."
        )
    if header["alg"].lower() == "none" or not parts[3]:
        raise errors.InvalidKeyMaterial("token is not signed, so anybody can make such a one.")
    return Said(header, claims)


def end_of(key: str) -> datetime.datetime | None:
    """Gives the end of a key's life; None where the key does not tell, as one that is no JWT does not."""
    try:
        return read(key).time("exp")
    except errors.InvalidKeyMaterial:
        return None


def _document(part: str) -> dict[str, Any] | None:
    """Reads a part of a token; None where it is no JSON object."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return None
    return found if isinstance(found, dict) else None
