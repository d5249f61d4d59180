"""The contract that every credential type keeps, as tests: a type's own test file subclasses `Contract`.

Nothing here patches anything: the emulator on the wire verifies signatures and makes the trouble.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import logging
import re
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import contract, network

EXTERNAL_ID = "external-id-derived-for-this-credential"
BODY = "canary-in-the-body"
TIMEOUT = 5.0


@dataclasses.dataclass
class Stage:
    """A credential type before a stand-in of its provider that verifies what it is sent."""

    provider: contract.Provider[Any, Any]
    emulator: Any
    config: Mapping[str, Any]
    good: Mapping[str, str] = dataclasses.field(repr=False)
    wrong: Mapping[str, Mapping[str, str]] = dataclasses.field(repr=False)
    """What is wrong -> fields that the provider rejects."""
    principal: str | None = None
    expect: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    secret_fields: tuple[str, ...] = ("secretAccessKey", "sessionToken")
    at: Callable[[Mapping[str, Any], str], Mapping[str, Any]] = lambda config, url: {
        **config,
        "endpoint": url,
    }
    """Gives the config that calls another URL."""

    def material(self, fields: Mapping[str, str]) -> list[str]:
        """Gives what of a key must stand nowhere."""
        return [text for name, text in fields.items() if name in self.secret_fields]

    def session(self, **options: Any) -> network.Session:
        return session(self.emulator, **options)

    def check(
        self,
        fields: Mapping[str, str] | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> contract.Validation:
        """Does what the operator does: load, inspect, validate."""
        keys, read = self.load(fields), self.read(config)
        self.provider.inspect(read, keys)
        return self.run(lambda context: self.provider.validate(read, keys, context), **more)

    def ask(
        self,
        ability: str,
        *arguments: Any,
        keys: Any = None,
        config: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """Asks for what the type can do besides: "history", "grants", "reach", "validate"."""
        method = getattr(self.provider, ability)
        keys, read = keys or self.load(), self.read(config)
        return self.run(lambda context: method(read, keys, *arguments, context), **more)

    def exchange(
        self,
        identity: Mapping[str, Any],
        token: str,
        *,
        config: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """Turns a ServiceAccount's token into what `ask` takes as keys."""
        provider: Any = self.provider
        written = provider.workload_identity.model_validate({"serviceAccountName": "backup", **identity})
        read = self.read(config)
        return self.run(lambda context: provider.exchange(read, written, token, context), **more)

    def load(self, fields: Mapping[str, str] | None = None) -> Any:
        """Reads key material as it stands in a source Secret."""
        fields = self.good if fields is None else fields
        return contract.load(self.provider, {name: text.encode() for name, text in fields.items()}, {})

    def read(self, config: Mapping[str, Any] | None = None) -> Any:
        """Reads a spec."""
        return self.provider.config.model_validate(self.config if config is None else config)

    def run(
        self,
        call: Callable[[contract.Context], Any],
        timeout: float = TIMEOUT,
        within: network.Session | None = None,
        **more: Any,
    ) -> Any:
        """Gives a call its context; `more` of which the context tells."""
        own = within or self.session()
        try:
            return call(
                contract.Context(session=own, timeout=timeout, now=now, external_id=EXTERNAL_ID, **more)
            )
        finally:
            if within is None:
                own.close()

    def secrets(self, fields: Mapping[str, str]) -> set[str]:
        return {*self.material(fields), BODY}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def session(emulator: Any, **options: Any) -> network.Session:
    """Makes a session that may call an emulator on loopback, and trusts its authority."""
    policy = network.Policy(allow=[f"{host}:{emulator.port}" for host in ("127.0.0.1", "localhost")])
    return network.Session(policy, ca_bundle=emulator.ca_pem.decode() or None, **options)


def refusal(
    kind: type[errors.CredentialError], call: Callable[[], Any], *, secrets: Iterable[str], log: Any
) -> Any:
    """Runs what must fail, and looks for key material and bodies in all that it leaves behind."""
    log.set_level(logging.DEBUG)
    with pytest.raises(errors.CredentialError) as raised:
        call()
    left_behind = everything(raised.value) + log.text
    assert not [text for text in (*secrets, BODY) if text in left_behind]
    assert type(raised.value) is kind, raised.value
    assert raised.value.__context__ is None
    return raised.value


def everything(error: BaseException) -> str:
    """Gives all that anyone could come to print of an exception, its hidden context included."""
    texts = ["".join(traceback.format_exception(error))]
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            texts += [repr(one), str(one), repr(one.args), repr(vars(one))]
            pending += [one.__cause__, one.__context__]
    return "\n".join(texts)


class Contract:
    """What every credential type keeps."""

    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError

    @pytest.fixture
    def refused(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Any]]:
        """Runs a check that must fail, and looks for key material and bodies in all that it leaves behind."""

        def check(kind: type[errors.CredentialError], fields: Any = None, **options: Any) -> Any:
            sent = stage.good if fields is None else fields
            secrets = stage.material(sent)
            return refusal(kind, lambda: stage.check(fields, **options), secrets=secrets, log=caplog)

        yield check
        stage.emulator.faults.clear()

    def test_a_good_key_is_accepted_and_known(self, stage: Stage) -> None:
        validation = stage.check()
        assert (validation.identity and validation.identity.principal) == stage.principal
        assert not validation.unasked
        for name, value in stage.expect.items():
            assert getattr(validation, name) == value

    def test_no_key_material_is_in_a_validation_or_a_log(
        self, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        left_behind = repr(stage.check()) + caplog.text
        assert not [text for text in stage.secrets(stage.good) if text in left_behind]

    def test_a_wrong_key_is_rejected(self, stage: Stage, refused: Callable[..., Any]) -> None:
        assert stage.wrong
        for fields in stage.wrong.values():
            refused(errors.Rejected, fields)

    def test_a_provider_that_is_down_is_unreachable(self, stage: Stage, refused: Callable[..., Any]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        policy = network.Policy(allow=[f"127.0.0.1:{port}"])
        config = stage.at(stage.config, f"{stage.emulator.url.rpartition(':')[0]}:{port}")
        refused(errors.ProviderUnreachable, config=config, within=network.Session(policy))

    @pytest.mark.parametrize("trouble", ["delay", "drip"])
    def test_a_slow_provider_is_unreachable_when_the_time_is_over(
        self, stage: Stage, refused: Callable[..., Any], trouble: str
    ) -> None:
        getattr(stage.emulator.faults, trouble)(30 if trouble == "delay" else 0.1)
        began = time.monotonic()
        refused(errors.ProviderUnreachable, timeout=0.7)
        assert time.monotonic() - began < 15

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_provider_without_an_answer_of_its_own_is_unreachable(
        self, stage: Stage, refused: Callable[..., Any], status: int
    ) -> None:
        stage.emulator.faults.answer(f"<p>{BODY}</p>", status=status, headers={"Retry-After": "7"})
        assert refused(errors.ProviderUnreachable).retry_after == 7

    @pytest.mark.parametrize("status", [500, 503])
    def test_a_provider_in_trouble_is_unreachable(
        self, stage: Stage, refused: Callable[..., Any], status: int
    ) -> None:
        stage.emulator.faults.error(status=status, message=BODY)
        refused(errors.ProviderUnreachable)

    def test_a_provider_that_asks_for_fewer_calls_is_left_alone_as_long(
        self, stage: Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.throttle(retry_after=9)
        assert refused(errors.RateLimited).retry_after == 9
        stage.emulator.faults.clear()
        stage.emulator.faults.answer(BODY, status=429)
        assert refused(errors.RateLimited).retry_after is None

    def test_a_connection_that_breaks_is_tried_again_later(
        self, stage: Stage, refused: Callable[..., Any]
    ) -> None:
        for middle in (False, True):
            stage.emulator.faults.cut(middle=middle, count=1)
            refused(errors.ProviderUnreachable)

    def test_a_certificate_that_is_not_trusted_is_the_owners_to_solve(
        self, stage: Stage, refused: Callable[..., Any]
    ) -> None:
        policy = network.Policy(allow=[f"127.0.0.1:{stage.emulator.port}"])
        error = refused(errors.Misconfigured, within=network.Session(policy))
        assert "caBundle" in error.message

    @pytest.mark.parametrize(
        "addresses",
        [
            ("169.254.169.254",),
            ("203.0.113.1", "169.254.169.254"),
            ("::ffff:169.254.169.254",),
            ("64:ff9b::a9fe:a9fe",),
            ("2002:a9fe:a9fe::1",),
            ("100.100.100.200",),
            ("fd00:ec2::254",),
            ("fe80::1",),
            ("127.0.0.2",),
            ("::1",),
            (str(ipaddress.IPv4Address(0)),),
            ("224.0.0.1",),
        ],
    )
    def test_a_hostile_name_leads_nowhere(
        self, stage: Stage, refused: Callable[..., Any], addresses: tuple[str, ...]
    ) -> None:
        asked: list[str] = []

        def resolver(host: str, _: int) -> network.Resolution:
            asked.append(host)
            return network.Resolution(host, addresses)

        hostile = stage.at(stage.config, f"https://rebind.example.com:{stage.emulator.port}")
        error = refused(errors.Misconfigured, config=hostile, within=stage.session(resolver=resolver))
        assert "endpointPolicy.allow" in error.message
        assert len(asked) == 1

    def test_nothing_of_the_environment_reaches_a_check(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        for name in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
            monkeypatch.setenv(name, str(tmp_path))
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
            monkeypatch.setenv(name, "https://127.0.0.1:1")
        stage.check()

    def test_a_missing_field_is_named_with_the_keys_to_write_it_under(self, stage: Stage) -> None:
        fields = stage.provider.keys.model_fields.items()
        required = [field.alias or name for name, field in fields if field.is_required()]
        assert required
        with pytest.raises(errors.InvalidKeyMaterial) as raised:
            stage.check({})
        for name in required:
            assert name in raised.value.message
            for variable in stage.provider.variables[name]:
                assert variable in raised.value.message

    def test_fields_are_pure_and_listed(self, stage: Stage) -> None:
        keys = contract.load(stage.provider, {name: text.encode() for name, text in stage.good.items()}, {})
        config = stage.provider.config.model_validate(stage.config)
        first, second = stage.provider.fields(config, keys), stage.provider.fields(config, keys)
        assert first == second
        assert first.keys() <= stage.provider.variables.keys()
        assert all(isinstance(value, str) and value for value in first.values())
        assert {name: first[name] for name in stage.good} == stage.good

    def test_keys_print_no_values(self, stage: Stage) -> None:
        keys = contract.load(stage.provider, {name: text.encode() for name, text in stage.good.items()}, {})
        assert not [
            text for text in stage.secrets(stage.good) if text in f"{keys!r} {keys} {keys.model_dump()}"
        ]

    def test_the_endpoint_is_host_and_port(self, stage: Stage) -> None:
        config = stage.provider.config.model_validate(stage.config)
        assert re.fullmatch(r"[^:/]+:[0-9]+", stage.provider.endpoint(config))

    def test_the_example_is_a_config(self, stage: Stage) -> None:
        for example in (stage.provider.example, *getattr(stage.provider, "examples", {}).values()):
            stage.provider.config.model_validate(example)


class Reading(Contract):
    """What a credential type keeps besides, whose provider says in its answer what it thinks of a key."""

    @pytest.mark.parametrize("status", [404, 418])
    def test_a_status_alone_proves_nothing(
        self, stage: Stage, refused: Callable[..., Any], status: int
    ) -> None:
        stage.emulator.faults.answer(f"<p>{BODY}</p>", status=status, headers={"Retry-After": "7"})
        assert refused(errors.ProviderUnreachable).retry_after == 7

    @pytest.mark.parametrize("status", [200, 401, 403])
    @pytest.mark.parametrize("lie", ["html", "empty", "xml", "json", "doctype", "cut", "binary"])
    def test_a_lying_provider_proves_nothing(
        self, stage: Stage, refused: Callable[..., Any], lie: str, status: int
    ) -> None:
        bodies = {
            "html": f"<!DOCTYPE html><html><body>{BODY}</body></html>",
            "empty": "",
            "xml": f"<Hello><Code>Odd!{BODY}</Code><Arn>{BODY}</Arn></Hello>",
            "json": f'{{"Code": "{BODY}"}}',
            "doctype": f'<!DOCTYPE a [<!ENTITY b "{BODY}">]><ErrorResponse><Code>&b;</Code></ErrorResponse>',
            "cut": f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{BODY}",
            "binary": "\x00\x01\ufffd" * 2000,
        }
        stage.emulator.faults.answer(bodies[lie], status=status)
        refused(errors.ProviderUnreachable)

    def test_an_endless_answer_proves_nothing(self, stage: Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.faults.answer(BODY * 20_000)
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize("seconds", [-4000, 4000])
    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: Stage, refused: Callable[..., Any], seconds: int
    ) -> None:
        stage.emulator.faults.skew(seconds)
        refused(errors.ClockSkew)

    def test_a_redirect_is_not_followed(self, stage: Stage, refused: Callable[..., Any]) -> None:
        stage.emulator.reset_calls()
        stage.emulator.faults.answer(BODY, status=302, headers={"Location": stage.emulator.url})
        refused(errors.ProviderUnreachable)
        assert len(stage.emulator.calls) == 1


class Coded(Reading):
    """What a credential type keeps besides, whose provider's answers are told apart by status and code."""

    decide: ClassVar[Sequence[tuple[int, str, type[errors.CredentialError]]]]
    prove_nothing: ClassVar[Sequence[tuple[int, str]]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if metafunc.function is Coded.test_codes_decide:
            metafunc.parametrize(("status", "code", "kind"), self.decide)
        if metafunc.function is Coded.test_other_codes_prove_nothing:
            metafunc.parametrize(("status", "code"), self.prove_nothing)

    def test_codes_decide(
        self,
        stage: Stage,
        refused: Callable[..., Any],
        status: int,
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        stage.emulator.faults.error(status=status, code=code, message=BODY)
        assert code in refused(kind).message

    def test_other_codes_prove_nothing(
        self, stage: Stage, refused: Callable[..., Any], status: int, code: str
    ) -> None:
        stage.emulator.faults.error(status=status, code=code)
        assert code not in refused(errors.ProviderUnreachable).message
