"""Private keys that nobody should have to read."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from credential_operator import errors
from credential_operator.providers import _rsa
from providers import suite

PKCS8 = serialization.PrivateFormat.PKCS8
ROUNDS = b"\x02\x02\x08\x00"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def written(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: serialization.PrivateFormat = PKCS8,
    passphrase: bytes = b"",
) -> str:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else None
    return key.private_bytes(
        serialization.Encoding.PEM, form, encryption or serialization.NoEncryption()
    ).decode()


def fault_of(text: str, **options: object) -> str:
    began = time.process_time()
    with pytest.raises(errors.InvalidKeyMaterial) as raised:
        _rsa.load(text, "privateKey", **options)  # type: ignore[arg-type]
    assert time.process_time() - began < 2
    assert raised.value.__context__ is None
    assert not [line for line in text.splitlines() if line and line in suite.everything(raised.value)]
    return raised.value.message


def test_a_key_is_read_again_and_again(key: rsa.RSAPrivateKey) -> None:
    for text in (written(key), written(key, serialization.PrivateFormat.TraditionalOpenSSL)):
        for _ in range(2):
            assert _rsa.load(text, "privateKey").private_numbers() == key.private_numbers()


def test_a_key_that_was_found_sound_is_not_looked_into_again(key: rsa.RSAPrivateKey) -> None:
    text = written(key)
    _rsa.load(text, "privateKey")
    began = time.process_time()
    for _ in range(20):
        _rsa.load(text, "privateKey")
    assert (time.process_time() - began) / 20 < 0.005


def test_what_is_no_rsa_key_is_named(key: rsa.RSAPrivateKey) -> None:
    form = serialization.PublicFormat
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form.SubjectPublicKeyInfo).decode()
    curve = ec.generate_private_key(ec.SECP256R1())
    assert "is a public key" in fault_of(public)
    assert "is not an RSA key" in fault_of(written(curve))
    assert "is not an RSA key" in fault_of(written(curve, serialization.PrivateFormat.TraditionalOpenSSL))
    assert "OpenSSH" in fault_of(written(key, serialization.PrivateFormat.OpenSSH))
    assert "from BEGIN to END" in fault_of("")
    assert "from BEGIN to END" in fault_of("canary")
    assert "from BEGIN to END" in fault_of(written(key)[:-40])
    assert "from BEGIN to END" in fault_of(written(key) * 2)


def test_damage_is_named(key: rsa.RSAPrivateKey) -> None:
    assert "is damaged" in fault_of(written(key).replace("M", "N"))
    text = written(key)
    assert "is damaged" in fault_of(text[:800] + text[900:])


def test_bits_are_bounded(key: rsa.RSAPrivateKey) -> None:
    assert "has 2048 bits" in fault_of(written(key), fewest_bits=3072)


def test_what_is_too_long_is_not_read() -> None:
    assert "too long" in fault_of("-----BEGIN A-----" * 60_000)


def test_factors_of_another_number_are_not_looked_into(key: rsa.RSAPrivateKey) -> None:
    """Longer factors than the key's take minutes to be found prime, or not."""
    text = written(key)
    code = base64.b64decode("".join(text.splitlines()[1:-1]))
    numbers = key.private_numbers()
    small, big = numbers.p.to_bytes(128), (numbers.p - 2).to_bytes(128)
    assert code.count(small) == 1
    assert "is damaged" in fault_of(_block("PRIVATE KEY", code.replace(small, big)))


def test_a_key_that_is_dear_to_decrypt_is_not_decrypted(key: rsa.RSAPrivateKey) -> None:
    text = written(key, passphrase=b"canary")
    code = base64.b64decode("".join(text.splitlines()[1:-1]))
    assert _rsa.load(text, "privateKey", passphrase="canary").key_size == 2048
    assert code[:100].count(ROUNDS) == 1
    label = "ENCRYPTED PRIVATE KEY"
    dear = code.replace(ROUNDS, b"\x02\x02\x7f\xff", 1)
    assert "cannot be decrypted" in fault_of(_block(label, dear), passphrase="canary")
    # Four bytes of length in place of two: lengths around it grow by two.
    place = code.index(ROUNDS)
    longer = bytearray(code[:place] + b"\x02\x04\x7f\xff\xff\xff" + code[place + 4 :])
    for at in (5, 18, 20, 33):
        longer[at] += 2
    longer[2:4] = (int.from_bytes(longer[2:4]) + 2).to_bytes(2)
    assert "not accepted" in fault_of(_block(label, bytes(longer)), passphrase="canary")
    assert "not accepted" in fault_of(_block(label, b"canary"), passphrase="canary")
    assert "not accepted" in fault_of(_block(label, code[:40]), passphrase="canary")
    # A salt's length in another form than the short one: what follows it is elsewhere than it seems.
    assert "not accepted" in fault_of(_block(label, code[:34] + b"\x81" + code[35:]), passphrase="canary")
    assert "not accepted" in fault_of(text.replace("M", "é", 1), passphrase="canary")
    headed = text.replace("-----\n", "-----\nMII: x\n\n", 1)
    assert "not accepted" in fault_of(headed, passphrase="canary")


def _block(label: str, code: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(code).decode()}-----END {label}-----\n"


def test_marks_are_bounded(key: rsa.RSAPrivateKey) -> None:
    _rsa.load(written(key), "privateKey")
    assert 0 < len(_rsa._sound) <= _rsa.KNOWN
