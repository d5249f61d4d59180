"""Private keys in PEM form: reading them, and which of them can sign with which algorithm (RFC 7518, RFC 8037)."""

from cryptography import exceptions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from credential_operator import errors
from credential_operator.providers import _rsa

CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
SHORTEST = 2048
"""Bits of an RSA key: fewer are not safe (RFC 7518, section 3.3)."""

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
RSA, EC, EDWARDS = (
    (rsa.RSAPrivateKey,),
    (ec.EllipticCurvePrivateKey,),
    (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey),
)
KINDS: dict[str, tuple[type[Private], ...]] = {"RS": RSA, "PS": RSA, "ES": EC, "Ed": EDWARDS}


def read(text: str, algorithm: str) -> Private:
    """Reads signingKey; raises InvalidKeyMaterial for what cannot sign with the algorithm."""
    if fault := _unlike_pem(text):
        raise errors.InvalidKeyMaterial(f"signingKey {fault}.")
    if KINDS[algorithm[:2]] is RSA:
        return _rsa.load(text, "signingKey", fewest_bits=SHORTEST)
    private = _private(text)
    if not isinstance(private, KINDS[algorithm[:2]]):
        raise errors.InvalidKeyMaterial(f"signingKey is a key of another kind than {algorithm} signs with.")
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name != CURVES[algorithm]:
        raise errors.InvalidKeyMaterial(
            f"signingKey is on the curve {private.curve.name}: {algorithm} wants {CURVES[algorithm]}."
        )
    return private


def _private(text: str) -> object:
    """Reads a private key in PEM form; one of RSA is not looked into, which would take its time."""
    if len(text) > _rsa.LONGEST:
        raise errors.InvalidKeyMaterial("signingKey is longer than any key: write the private key alone.")
    try:
        return serialization.load_pem_private_key(
            text.encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except TypeError:
        fault = "is encrypted: write it without a passphrase"
    except exceptions.UnsupportedAlgorithm:
        fault = "is a key of a kind that is not supported"
    except ValueError:
        fault = "is not a private key in PEM form, or is damaged: write the whole file"
    raise errors.InvalidKeyMaterial(f"signingKey {fault}.")


def _unlike_pem(text: str) -> str:
    """Says what was written in place of a private key, where that can be told."""
    if text.lstrip().startswith("{"):
        return "is a JSON document: write the private key alone, in PEM form"
    if "-----BEGIN PUBLIC KEY" in text or "-----BEGIN RSA PUBLIC KEY" in text:
        return "is a public key: write the private one"
    if "-----BEGIN CERTIFICATE" in text and "PRIVATE KEY-----" not in text:
        return "is a certificate: write its private key"
    if "-----BEGIN" not in text:
        return "is not a private key in PEM form: that begins with -----BEGIN PRIVATE KEY-----"
    if "-----\n" not in text.replace("\r", ""):
        return "has lost its lines, which not every reader of keys forgives: write the file as it is"
    return ""
