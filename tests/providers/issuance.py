"""What every kind of short-lived key keeps, as tests: a type's test of a kind subclasses `Issuance`."""

from __future__ import annotations

import datetime
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors, formats
from credential_operator.formats import contract as layouts
from credential_operator.providers import contract, issue, network, registry
from providers import servers, suite

HOLDER = issue.Holder(namespace="team-a", name="backups")


def kind_of(stage: suite.Stage, name: str) -> issue.Kind[Any]:
    """Gives a kind of a type's short-lived keys."""
    return issue.kinds(stage.provider)[name]


def made(
    stage: suite.Stage,
    name: str,
    options: Mapping[str, Any],
    *,
    fields: Mapping[str, str] | None = None,
    keys: Any = None,
    config: Mapping[str, Any] | None = None,
    holder: issue.Holder = HOLDER,
    **more: Any,
) -> issue.Issued:
    """Has a short-lived key made, as the operator does."""
    kind, read = kind_of(stage, name), stage.read(config)
    chosen, given = kind.options.model_validate(options), keys or stage.load(fields)
    result = stage.run(lambda context: kind.issue(read, given, chosen, context, holder), **more)
    assert isinstance(result, issue.Issued)
    return result


def text(issued: issue.Issued, name: str) -> str:
    """Gives a field that is text."""
    value = issued.fields[name]
    assert isinstance(value, str)
    return value


def log_in(stage: suite.Stage, issued: issue.Issued, within: network.Session) -> contract.Validation:
    """Logs in with a registry's password, as Docker does."""
    config = {"host": issued.fields["host"]}
    good = {name: str(issued.fields[name]) for name in ("username", "password")}
    user = suite.Stage(
        provider=registry.PROVIDER, emulator=stage.emulator, config=config, good=good, wrong={}
    )
    return user.check(within=within)


def endpoint_of(stage: suite.Stage, name: str, config: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Names the endpoint whose budget a short-lived key takes."""
    kind = kind_of(stage, name)
    return kind.endpoint(stage.read(config), kind.options.model_validate(options))


class Issuance:
    """What every kind keeps."""

    type_name: ClassVar[str]
    kind: ClassVar[str]

    @pytest.fixture
    def stage(self) -> suite.Stage:
        raise NotImplementedError

    @pytest.fixture
    def options(self) -> Mapping[str, Any]:
        """`issue` without its kind."""
        return {}

    @pytest.fixture
    def make(self, stage: suite.Stage, options: Mapping[str, Any]) -> Callable[..., issue.Issued]:
        return lambda **more: made(stage, self.kind, more.pop("options", options), **more)

    @pytest.fixture
    def unmade(
        self, stage: suite.Stage, make: Callable[..., issue.Issued], caplog: pytest.LogCaptureFixture
    ) -> Iterator[Callable[..., Any]]:
        """Asks for one that must be refused, and looks for key material in all that this leaves behind."""

        def ask(kind: type[errors.CredentialError], **more: Any) -> Any:
            sent = more.get("fields") or stage.good
            return suite.refusal(kind, lambda: make(**more), secrets=stage.material(sent), log=caplog)

        yield ask
        stage.emulator.faults.clear()

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        """Shows the issued key to its provider, which must accept it."""
        raise NotImplementedError

    def stored(self, stage: suite.Stage) -> list[str]:
        """Gives what of the stored key must stand nowhere else."""
        return stage.material(stage.good)

    def outlive(self, stage: suite.Stage) -> None:
        """Has the emulator give keys whose life is over already."""
        raise NotImplementedError

    def test_its_provider_accepts_it(self, stage: suite.Stage, make: Callable[..., issue.Issued]) -> None:
        self.use(stage, make())

    def test_its_fields_are_listed_and_tell_when_it_ends(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        assert issued.fields.keys() <= kind_of(stage, self.kind).variables.keys()
        assert all(isinstance(value, str) and value for value in issued.fields.values())
        assert issued.expires_at > datetime.datetime.now(datetime.UTC)
        assert datetime.datetime.fromisoformat(str(issued.fields["expiresAt"])) == issued.expires_at

    def test_nothing_of_the_stored_key_is_in_it(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        values = [str(value) for value in make().fields.values()]
        stored = self.stored(stage)
        assert stored
        assert not [text for text in stored if any(text in value for value in values)]

    def test_nothing_of_it_is_printed_or_logged(
        self, stage: suite.Stage, make: Callable[..., issue.Issued], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        issued = make()
        left_behind = f"{issued!r} {issued}{caplog.text}"
        public = set(stage.provider.fields(stage.read(), stage.load()).values())
        secret = [str(value) for value in issued.fields.values() if value not in public and len(value) > 20]
        assert secret
        assert not [text for text in (*secret, *self.stored(stage)) if text in left_behind]

    def test_none_is_made_of_a_wrong_key(self, stage: suite.Stage, unmade: Callable[..., Any]) -> None:
        assert stage.wrong
        for fields in stage.wrong.values():
            unmade(errors.Rejected, fields=fields)

    def test_a_provider_that_is_down_is_unreachable(
        self, stage: suite.Stage, options: Mapping[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        within = network.Session(network.Policy(allow=[f"127.0.0.1:{port}"]))
        config = self.elsewhere(stage, f"{stage.emulator.url.rpartition(':')[0]}:{port}")
        suite.refusal(
            errors.ProviderUnreachable,
            lambda: made(stage, self.kind, options, config=config, within=within),
            secrets=stage.material(stage.good),
            log=caplog,
        )

    def elsewhere(self, stage: suite.Stage, url: str) -> Mapping[str, Any]:
        """Gives the config by which the call for a short-lived key goes to another URL."""
        return stage.at(stage.config, url)

    def test_a_slow_provider_is_unreachable_when_the_time_is_over(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.delay(30)
        began = time.monotonic()
        unmade(errors.ProviderUnreachable, timeout=0.7)
        assert time.monotonic() - began < 15

    def test_a_provider_in_trouble_is_tried_again_later(
        self, stage: suite.Stage, unmade: Callable[..., Any]
    ) -> None:
        faults = stage.emulator.faults
        for status in (500, 503):
            faults.error(status=status, message=suite.BODY)
            unmade(errors.ProviderUnreachable)
            faults.clear()
        faults.cut(middle=True, count=1)
        unmade(errors.ProviderUnreachable)
        faults.throttle(retry_after=9)
        assert unmade(errors.RateLimited).retry_after == 9

    @pytest.mark.parametrize("body", ["", f"<html>{suite.BODY}", "{}", "[]", f'{{"error": "{suite.BODY}"}}'])
    @pytest.mark.parametrize("status", [200, 404])
    def test_a_lying_provider_makes_none(
        self, stage: suite.Stage, unmade: Callable[..., Any], body: str, status: int
    ) -> None:
        stage.emulator.faults.answer(body, status=status)
        unmade(errors.ProviderUnreachable)

    def test_one_whose_life_is_over_is_none(self, stage: suite.Stage, unmade: Callable[..., Any]) -> None:
        self.outlive(stage)
        unmade(errors.ProviderUnreachable)

    def test_the_endpoint_is_host_and_port(self, stage: suite.Stage, options: Mapping[str, Any]) -> None:
        kind = kind_of(stage, self.kind)
        read = kind.options.model_validate(options)
        assert re.fullmatch(r"[^:/]+:[0-9]+", kind.endpoint(stage.read(), read))


class Passwords(Issuance):
    """What passwords of registries keep besides, which stand under names of their own that a proxy leads here."""

    kind: ClassVar[str] = "RegistryPassword"
    host: ClassVar[str]
    others: ClassVar[tuple[str, ...]]
    """Registries of somebody else."""

    @pytest.fixture
    def options(self) -> Mapping[str, Any]:
        return {"registry": self.host}

    @pytest.fixture
    def led(self, stage: suite.Stage) -> Iterator[network.Session]:
        with servers.serving(servers.Proxy(stage.emulator.port)) as server:
            session = stage.session(proxy=f"http://{server.host}")
            yield session
            session.close()

    @pytest.fixture
    def make(
        self, stage: suite.Stage, options: Mapping[str, Any], led: network.Session
    ) -> Callable[..., issue.Issued]:
        def make(**more: Any) -> issue.Issued:
            chosen = more.pop("options", options)
            return made(stage, self.kind, chosen, **{"within": led, **more})

        return make

    def use(self, stage: suite.Stage, issued: issue.Issued) -> None:
        with servers.serving(servers.Proxy(stage.emulator.port)) as server:
            session = stage.session(proxy=f"http://{server.host}")
            assert log_in(stage, issued, session).identity
            session.close()

    def test_registries_are_logged_in_to_with_what_formats_make_of_it(
        self, stage: suite.Stage, make: Callable[..., issue.Issued]
    ) -> None:
        issued = make()
        assert issued.fields.keys() == {"username", "password", "host", "expiresAt"}
        assert issued.fields["host"] == self.host
        layout = formats.find()["docker-registry"]
        variables = kind_of(stage, self.kind).variables
        assert variables == {**registry.PROVIDER.variables, "expiresAt": ()}
        material = layouts.Material(type=self.type_name, fields=issued.fields, variables=variables)
        assert self.host in layout.render(material, layout.options())[".dockerconfigjson"].decode()

    def test_a_provider_that_is_down_is_unreachable(
        self, stage: suite.Stage, options: Mapping[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        # Nobody's own name must be asked for: the way there is what is broken.
        with servers.serving(servers.Proxy(port)) as server:
            within = stage.session(proxy=f"http://{server.host}")
            suite.refusal(
                errors.ProviderUnreachable,
                lambda: made(stage, self.kind, options, within=within),
                secrets=stage.material(stage.good),
                log=caplog,
            )
            within.close()

    def test_other_registries_get_none(
        self, stage: suite.Stage, unmade: Callable[..., Any], led: network.Session
    ) -> None:
        stage.emulator.reset_calls()
        for host in self.others:
            assert host in unmade(errors.Misconfigured, options={"registry": host}).message
        assert stage.emulator.calls == []
