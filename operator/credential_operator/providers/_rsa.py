"""RSA private keys that tenants write: read within bounds, since reading some costs whoever reads them dear.

one PEM block, not too long -> cheap to decrypt -> as many bits as agreed -> sound (once per key)
"""

import base64
import functools
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from credential_operator import errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

LONGEST = 6000
"""Characters of a PEM key: almost twice what 4096 bits need."""
MOST_BITS = 4096
MOST_ROUNDS = 100_000
"""Rounds of hashing that decrypt a key: OpenSSL writes 2048; a billion stop all threads for minutes."""

BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*)-----END \1-----", re.DOTALL)
OTHERS = {
    "PUBLIC KEY": "is a public key: write the private one",
    "RSA PUBLIC KEY": "is a public key: write the private one",
    "CERTIFICATE": "is a certificate: write its private key",
    "EC PRIVATE KEY": "is not an RSA key: write one of RSA",
    "OPENSSH PRIVATE KEY": "is in OpenSSH's form: write it in PEM form (ssh-keygen -p -m PEM -f FILE)",
}
# RFC 8018: PBES2 with PBKDF2, every length in its short form (in a longer one readers could differ).
DERIVED = re.compile(
    rb"\x30\x82..\x30[\x00-\x7f]\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d\x30[\x00-\x7f]"
    rb"\x30[\x00-\x7f]\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c\x30[\x00-\x7f]\x04([\x00-\x7f])",
    re.DOTALL,
)

KNOWN = 16_384
_mark_key = secrets.token_bytes(32)
_sound: set[bytes] = set()
"""Marks of keys that were found sound, which says nothing of the keys: finding out takes 40 ms of CPU."""


class Library(NamedTuple):
    """What reads keys, and signs with them."""

    exceptions: Any
    hashes: Any
    padding: Any
    rsa: Any
    serialization: Any


@functools.cache
def _library() -> Library:
    """Loads it, at the first key: listing the types must not pay for it."""
    from cryptography import exceptions  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    return Library(exceptions, hashes, padding, rsa, serialization)


def load(
    text: str, field: str, *, passphrase: str | None = None, fewest_bits: int = 2048
) -> "rsa.RSAPrivateKey":
    """Reads a private key in PEM form; raises InvalidKeyMaterial, which says what is wrong with `field`."""
    fault = _fault(text, passphrase)
    if fault is None:
        key, fault = _read(text.encode(), passphrase.encode() if passphrase else None, fewest_bits)
        if key is not None:
            return key
    raise errors.InvalidKeyMaterial(f"{field} {fault}.")


def sign(key: "rsa.RSAPrivateKey", text: str) -> bytes:
    """Signs with SHA-256 and PKCS #1 v1.5, as RS256 and rsa-sha256 are: half a millisecond of CPU."""
    library = _library()
    return key.sign(text.encode(), library.padding.PKCS1v15(), library.hashes.SHA256())


def public_code(key: "rsa.RSAPrivateKey") -> bytes:
    """Gives the public half (DER SubjectPublicKeyInfo)."""
    serialization = _library().serialization
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def generate() -> "rsa.RSAPrivateKey":
    """Makes a key of 2048 bits: about 0.1 s of CPU."""
    made: rsa.RSAPrivateKey = _library().rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made


def private_text(key: "rsa.RSAPrivateKey") -> str:
    """Gives a key in PEM form, not encrypted."""
    form = _library().serialization
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()


def public_text(key: "rsa.RSAPrivateKey") -> str:
    """Gives the public half of a key in PEM form."""
    form = _library().serialization
    return key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode()


def _fault(text: str, passphrase: str | None) -> str | None:
    """Says what is wrong with the text around the key."""
    if len(text) > LONGEST:
        return f"is too long for an RSA key of {MOST_BITS} bits: write such a key, and nothing else"
    block = BLOCK.search(text)
    if block is None or text.count("-----BEGIN") != 1:
        return "is not one private key in PEM form: write the whole file, from BEGIN to END"
    if words := OTHERS.get(block[1]):
        return words
    encrypted = block[1] == "ENCRYPTED PRIVATE KEY"
    if passphrase is None and (encrypted or "ENCRYPTED" in block[2]):
        return "is encrypted: write its passphrase too, or the key unencrypted"
    if encrypted and not _cheap(block[2]):
        return "is encrypted in a way that is not accepted: write it as openssl pkcs8 -topk8 -v2 aes256 does"
    return None


def _cheap(body: str) -> bool:
    """Tells whether an encrypted key says of itself that decrypting it takes few rounds."""
    try:
        code = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        return False
    derived = DERIVED.match(code)
    if derived is None:
        return False
    number = code[derived.end() + int.from_bytes(derived[1]) :][:5]
    if number[:1] != b"\x02" or int.from_bytes(number[1:2]) > len(number) - 2:
        return False
    return int.from_bytes(number[2 : 2 + number[1]]) <= MOST_ROUNDS


def _read(
    pem: bytes, password: bytes | None, fewest_bits: int
) -> tuple["rsa.RSAPrivateKey | None", str | None]:
    """Reads the key, or says what is wrong with it; outside of this function no library's error lives on."""
    library = _library()
    mark = hmac.digest(_mark_key, pem, "sha256")
    try:
        # Not used before it is found sound, only measured: finding out takes minutes for some.
        key = library.serialization.load_pem_private_key(pem, password, unsafe_skip_rsa_key_validation=True)
        fault = _unbounded(key, fewest_bits)
        if fault is None and mark not in _sound:
            library.serialization.load_pem_private_key(pem, password)
            _remember(mark)
    except TypeError:
        return None, "is not encrypted, and has a passphrase: remove that"
    except (ValueError, library.exceptions.UnsupportedAlgorithm):
        wrong = "cannot be decrypted: the passphrase is another key's, or the key is damaged"
        return None, wrong if password else "cannot be read: it is damaged, write the whole key again"
    return (None, fault) if fault else (key, None)


def _unbounded(key: Any, fewest_bits: int) -> str | None:
    """Says what keeps a key from being looked into in a bounded time."""
    if not isinstance(key, _library().rsa.RSAPrivateKey):
        return "is not an RSA key: write one of RSA"
    if not fewest_bits <= key.key_size <= MOST_BITS:
        return f"has {key.key_size} bits: write a key of {fewest_bits} to {MOST_BITS}"
    numbers = key.private_numbers()
    if numbers.p * numbers.q != numbers.public_numbers.n:
        return "is damaged: write the whole key again"
    return None


def _remember(mark: bytes) -> None:
    if len(_sound) >= KNOWN:
        _sound.clear()
    _sound.add(mark)
