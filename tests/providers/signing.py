"""Keys to sign with, made once: making them is slow."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

SECRET = "canary-shared-" + "x" * 64


@functools.cache
def key(algorithm: str, number: int = 0) -> Any:
    """Makes the private key of an algorithm; another for each number."""
    curves: dict[str, Callable[[], ec.EllipticCurve]] = {
        "ES256": ec.SECP256R1,
        "ES384": ec.SECP384R1,
        "ES512": ec.SECP521R1,
    }
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm]())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return _rsa(2048, number)


@functools.cache
def _rsa(bits: int, number: int) -> Any:
    return rsa.generate_private_key(65537, bits)


def private(algorithm: str, number: int = 0, *, passphrase: bytes | None = None) -> str:
    """Gives a signing key as a source Secret holds it."""
    if algorithm.startswith("HS"):
        return SECRET
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    made: bytes = key(algorithm, number).private_bytes(serialization.Encoding.PEM, form, locked)
    return made.decode()


def public(algorithm: str, number: int = 0) -> str:
    """Gives what verifies it."""
    if algorithm.startswith("HS"):
        return SECRET
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    made: bytes = key(algorithm, number).public_key().public_bytes(serialization.Encoding.PEM, form)
    return made.decode()


def short() -> str:
    """Gives an RSA key that is not safe."""
    form = serialization.PrivateFormat.PKCS8
    made: bytes = _rsa(1024, 0).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return made.decode()
