"""Users of Windows domains, before a server that verifies NTLM's messages, binds logins, and locks accounts."""

from __future__ import annotations

import datetime
import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from credential_operator import errors
from credential_operator.providers import _ntlm, _ntlm_login, network, ntlm
from emulators.ntlm import Ntlm
from providers import probing, suite

GOOD = {"username": r"TESTS\alice", "password": "canary-pässword, with everything"}
STEPS = [401, 401, 200]
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def server() -> Iterator[Ntlm]:
    with Ntlm(hosts=["rebind.example.com"]) as started:
        yield started


def stage_of(server: Ntlm, **rules: Any) -> suite.Stage:
    server.reset()
    server.set_user(GOOD["username"], GOOD["password"])
    server.set_rules(**rules)
    return suite.Stage(
        provider=ntlm.PROVIDER,
        emulator=server,
        config=probing.probing({}, server.url),
        good=GOOD,
        wrong={
            "password": {**GOOD, "password": "canary-wrong"},
            "user": {**GOOD, "username": r"TESTS\bob"},
            "domain": {**GOOD, "username": r"OTHERS\alice"},
            "no domain": {**GOOD, "username": "alice"},
        },
        principal=GOOD["username"],
        secret_fields=("password",),
        at=probing.probing,
    )


class TestNtlm(probing.Probing):
    @pytest.fixture
    def stage(self, server: Ntlm) -> suite.Stage:
        return stage_of(server)

    def test_it_is_asked_twice_and_first_without_the_key(self, stage: suite.Stage) -> None:
        """The second time in two steps, on one connection."""
        stage.emulator.reset_calls()
        stage.check()
        assert [(call.method, call.status) for call in stage.emulator.calls] == [
            ("GET", status) for status in STEPS
        ]

    def test_head_is_enough(self, stage: suite.Stage) -> None:
        stage.emulator.reset_calls()
        stage.check(config=probing.probing(stage.config, stage.emulator.url, method="HEAD"))
        assert [(call.method, call.status) for call in stage.emulator.calls] == [
            ("HEAD", status) for status in STEPS
        ]

    def test_a_redirect_of_the_key_is_not_followed(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.reset_calls()
        there = {"Location": stage.emulator.url}
        stage.emulator.faults.answer(suite.BODY, status=302, headers=there, action="authenticate")
        assert "redirects" in refused(errors.Misconfigured).message
        assert len(stage.emulator.calls) == 3

    def test_a_user_who_may_not_is_known(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.set_user(GOOD["username"], GOOD["password"], allowed=False)
        assert "grant it the right" in refused(errors.PermissionDenied).message

    def test_a_password_is_shown_once(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.reset_calls()
        refused(errors.Rejected, {**GOOD, "password": "canary-wrong"})
        assert [call.status for call in stage.emulator.calls] == [401, 401, 401]

    def test_a_locked_user_is_rejected(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        for _ in range(3):
            refused(errors.Rejected, {**GOOD, "password": "canary-wrong"})
        refused(errors.Rejected)

    def test_a_login_serves_nobody_else(self, stage: suite.Stage, refused: Callable[..., Any]) -> None:
        with stage.session() as session:
            stage.check(within=session)
            refused(errors.Rejected, {**GOOD, "password": "canary-wrong"}, within=session)
            stage.check(within=session)

    @pytest.mark.parametrize("step", ["negotiate", "authenticate"])
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("throttle", errors.RateLimited),
            ("error", errors.ProviderUnreachable),
            ("cut", errors.ProviderUnreachable),
        ],
    )
    def test_trouble_in_the_middle_is_no_refusal(
        self, stage: suite.Stage, refused: Callable[..., Any], step: str, fault: str, kind: Any
    ) -> None:
        options = {"error": {"status": 500}}.get(fault, {})
        getattr(stage.emulator.faults, fault)(action=step, **options)
        refused(kind)

    @pytest.mark.parametrize(
        "says",
        [
            "NTLM",
            "NTLM !!!",
            "NTLM Y2FuYXJ5",
            "NTLM TlRMTVNTUAACAAAA",
            "NTLM TlRMTVNTUAADAAAA" + "A" * 80,
            'Basic realm="NTLM"',
            "",
        ],
    )
    def test_what_is_no_challenge_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], says: str
    ) -> None:
        headers = {"WWW-Authenticate": says}
        stage.emulator.faults.answer(suite.BODY, status=401, headers=headers, action="negotiate")
        assert "challenge" in refused(errors.ProviderUnreachable).message
        assert [call.status for call in stage.emulator.calls[-2:]] == [401, 401]

    @pytest.mark.parametrize("says", ['Basic realm="a, NTLM"', "Digest", 'Bearer realm="x"', "NTLMv2", ""])
    def test_a_server_that_offers_no_ntlm_is_not_told_a_password(
        self, stage: suite.Stage, refused: Callable[..., Any], says: str
    ) -> None:
        stage.emulator.reset_calls()
        stage.emulator.faults.answer(suite.BODY, status=401, headers={"WWW-Authenticate": says})
        assert "does not offer NTLM" in refused(errors.Misconfigured).message
        assert len(stage.emulator.calls) == 1


class TestBound(suite.Contract):
    """Extended protection: the server takes logins only that are bound to its certificate."""

    @pytest.fixture
    def stage(self, server: Ntlm) -> suite.Stage:
        return stage_of(server, bound=True)


class TestNegotiate(suite.Contract):
    @pytest.fixture
    def stage(self, server: Ntlm) -> suite.Stage:
        return stage_of(server, offers="Negotiate", bound=True)


@pytest.fixture
def refused() -> Callable[..., Any]:
    def check(stage: suite.Stage, kind: type[errors.CredentialError], **options: Any) -> Any:
        with pytest.raises(errors.CredentialError) as raised:
            stage.check(**options)
        assert type(raised.value) is kind, raised.value
        assert GOOD["password"] not in suite.everything(raised.value)
        return raised.value

    return check


def test_its_own_scheme_goes_before_negotiate(server: Ntlm) -> None:
    stage_of(server, offers="Negotiate, NTLM").check()


def test_kerberos_alone_is_said_not_to_be_spoken(server: Ntlm, refused: Callable[..., Any]) -> None:
    assert "Kerberos" in refused(stage_of(server, offers="Kerberos"), errors.Misconfigured).message


def test_a_server_that_closes_each_connection_cannot_log_anybody_in(
    server: Ntlm, refused: Callable[..., Any]
) -> None:
    error = refused(stage_of(server, keeps=False), errors.ProviderUnreachable)
    assert "closed the connection before the login" in error.message


@pytest.mark.parametrize("seconds", [-4000, 4000])
def test_a_clock_that_differs_is_not_a_wrong_key(
    server: Ntlm, refused: Callable[..., Any], seconds: int
) -> None:
    stage = stage_of(server, stamped=False)
    stage.check()
    server.faults.skew(seconds)
    server.reset_calls()
    refused(stage, errors.ClockSkew)
    assert len(server.calls) == 2
    server.set_rules(stamped=True)
    stage.check()


def test_accounts_lock() -> None:
    assert ntlm.PROVIDER.locks


@pytest.mark.parametrize("name", [r"TESTS\a", "a", "a@tests.example", r"tests.example\a"])
def test_a_windows_users_name_is_good(name: str) -> None:
    keys = ntlm.Keys.model_validate({"username": name, "password": "x"})
    ntlm.PROVIDER.inspect(ntlm.Config(), keys)


@pytest.mark.parametrize("name", ["TESTS\\", r"\alice", "TESTS/alice", r"A\B\alice", "\\\\alice"])
def test_another_name_is_named(name: str) -> None:
    message = probing.message_of(ntlm.PROVIDER, {}, username=name, password="canary")
    assert "domain\\user" in message


def response(says: str) -> network.Response:
    return network.Response(status=401, headers={"WWW-Authenticate": says}, body=b"")


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_challenge_is_read(before: bytes, after: bytes) -> None:
    assert _ntlm.stamped(before + _ntlm.SIGNATURE + after) in {True, False}


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@given(st.binary(max_size=120))
def test_a_challenge_of_any_bytes_is_answered_or_is_none(scheme: str, after: bytes) -> None:
    shown = certificate(KEY, hashes.SHA256())
    for start in (b"\x02\x00\x00\x00", b""):
        login = _ntlm_login.Login(**GOOD, host="localhost", scheme=scheme)
        assert _ntlm.SIGNATURE in login.negotiate()
        assert isinstance(login.authenticate(_ntlm.SIGNATURE + start + after, shown), bytes)
        login = _ntlm_login.Login(**GOOD, host="localhost", scheme=scheme)
        login.negotiate()
        assert isinstance(login.authenticate(after, shown), bytes)


@given(st.text(max_size=60))
def test_any_header_is_read(text: str) -> None:
    assert _ntlm.offered(response(text)) in {"", "NTLM", "Negotiate"}
    assert isinstance(_ntlm.challenge(response(text), "NTLM"), bytes)


def challenge_with(*pairs: tuple[int, bytes]) -> bytes:
    info = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in (*pairs, (0, b"")))
    return _ntlm.SIGNATURE + bytes(32) + struct.pack("<HHI", len(info), len(info), 48) + info


def test_a_challenge_says_whether_it_holds_a_time() -> None:
    assert _ntlm.stamped(challenge_with((2, b"A\x00"), (7, bytes(8))))
    assert _ntlm.stamped(b"wrapped" + challenge_with((7, bytes(8))))
    assert not _ntlm.stamped(challenge_with((2, b"\x07\x00"), (3, b"")))


def certificate(key: Any, algorithm: Any) -> bytes:
    name = x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now,
        not_valid_after=now + datetime.timedelta(days=1),
    )
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("algorithm", "digest"), [(hashes.SHA256(), hashlib.sha256), (hashes.SHA384(), hashlib.sha384)]
)
def test_a_login_is_bound_by_the_hash_of_the_certificates_signature(algorithm: Any, digest: Any) -> None:
    shown = certificate(KEY, algorithm)
    assert _ntlm_login.binding(shown) == b"tls-server-end-point:" + digest(shown).digest()


def test_a_signature_without_a_hash_of_its_own_binds_by_sha_256() -> None:
    shown = certificate(ed25519.Ed25519PrivateKey.generate(), None)
    assert _ntlm_login.binding(shown).endswith(hashlib.sha256(shown).digest())
