"""Presets of API keys, each before a stand-in of its provider that looks at path, headers and key."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.api import schema
from credential_operator.providers import _preset, api_key
from emulators.presets import Providers
from providers import probing, suite

KEY = "canary-key+/=&?%"
OTHER = "canary-other"
ADDRESSES = {
    "Anthropic": "api.anthropic.com:443",
    "Cloudflare": "api.cloudflare.com:443",
    "Datadog": "api.datadoghq.com:443",
    "DigitalOcean": "api.digitalocean.com:443",
    "GitHub": "api.github.com:443",
    "GitLab": "gitlab.com:443",
    "Hetzner": "api.hetzner.cloud:443",
    "OpenAI": "api.openai.com:443",
    "PagerDuty": "api.pagerduty.com:443",
    "SendGrid": "api.sendgrid.com:443",
    "Slack": "slack.com:443",
    "Terraform": "app.terraform.io:443",
}
NAMES = sorted([*ADDRESSES, "Grafana"])
STATES = [
    *((name, "forbidden", errors.PermissionDenied) for name in NAMES if name != "Datadog"),
    ("Cloudflare", "disabled", errors.KeyDisabled),
    ("Cloudflare", "expired", errors.Expired),
    ("Cloudflare", "misshapen", errors.Rejected),
    ("GitHub", "spent", errors.RateLimited),
    ("GitHub", "hasty", errors.RateLimited),
    ("GitLab", "revoked", errors.Rejected),
    ("GitLab", "expired", errors.Expired),
    ("GitLab", "inactive", errors.KeyDisabled),
    ("GitLab", "blocked", errors.PermissionDenied),
    ("Grafana", "expired", errors.Expired),
    ("OpenAI", "deactivated", errors.KeyDisabled),
    ("OpenAI", "elsewhere", errors.PermissionDenied),
    ("Slack", "expired", errors.Expired),
    ("Slack", "inactive", errors.KeyDisabled),
    ("Slack", "revoked", errors.Rejected),
    ("Slack", "spent", errors.RateLimited),
    ("Slack", "down", errors.ProviderUnreachable),
]


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    with Providers(hosts=["rebind.example.com"]) as started:
        yield started


def stage_of(providers: Providers, name: str, **expect: Any) -> suite.Stage:
    providers.reset()
    providers.add_key(name, KEY)
    return suite.Stage(
        provider=api_key.PROVIDER,
        emulator=providers,
        config={"preset": name, "endpoint": providers.address(name)},
        good={"key": KEY},
        wrong={"key": {"key": "canary-wrong"}},
        expect=expect,
        secret_fields=("key",),
        at=lambda config, url: {**config, "endpoint": f"{url}/{config['preset'].lower()}"},
    )


class TestCloudflare(suite.Reading):
    @pytest.fixture
    def stage(self, providers: Providers) -> suite.Stage:
        end = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
        return stage_of(providers, "Cloudflare", expires_at=end)

    @pytest.mark.parametrize("seconds", [-4000, 4000])
    def test_a_clock_that_differs_is_not_a_wrong_key(
        self, stage: suite.Stage, refused: Callable[..., Any], seconds: int
    ) -> None:
        """Nothing that is sent holds a time."""
        stage.emulator.faults.skew(seconds)
        stage.check()


@pytest.fixture(params=NAMES)
def stage(request: pytest.FixtureRequest, providers: Providers) -> Iterator[suite.Stage]:
    yield stage_of(providers, request.param)
    providers.faults.clear()


@pytest.fixture
def refused(stage: suite.Stage) -> Callable[..., Any]:
    """Runs a check that must fail, and looks for key material and bodies in what it leaves behind."""

    def check(kind: type[errors.CredentialError], fields: Mapping[str, str] | None = None) -> Any:
        with pytest.raises(errors.CredentialError) as raised:
            stage.check(fields)
        assert "canary" not in suite.everything(raised.value)
        assert type(raised.value) is kind, raised.value
        return raised.value

    return check


def test_every_preset_is_tried_here() -> None:
    offered = schema.of(api_key.Config)["properties"]["preset"]
    assert offered["enum"] == NAMES
    assert re.findall(r"\n\* (\w+): ", offered["description"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_where_it_is_from_and_tells_good_keys_from_wrong_ones(name: str) -> None:
    preset = _preset.PRESETS[name]
    assert preset.documentation.startswith("https://")
    means = {answer.means for answer in preset.answers}
    assert {"Accepted", "Rejected"} <= means
    assert bool(preset.right) == ("PermissionDenied" in means)
    assert all(bool(answer.pointer) != bool(answer.header) for answer in preset.answers)


def test_one_call_as_the_provider_wants_it_proves_a_good_key(stage: suite.Stage) -> None:
    stage.check()
    assert [call.status for call in stage.emulator.calls] == [200]


def test_a_wrong_key_is_rejected(stage: suite.Stage, refused: Callable[..., Any]) -> None:
    refused(errors.Rejected, {"key": "canary-wrong"})
    assert len(stage.emulator.calls) == 1


def test_a_provider_that_throttles_is_left_alone(stage: suite.Stage, refused: Callable[..., Any]) -> None:
    stage.emulator.faults.throttle(retry_after=9)
    assert refused(errors.RateLimited).retry_after == 9


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_lying_provider_proves_nothing(
    stage: suite.Stage, refused: Callable[..., Any], status: int
) -> None:
    for body in ("", f"<html>{suite.BODY}</html>", f'{{"Code": "{suite.BODY}"}}', "[]", '"active"', "{}"):
        stage.emulator.faults.answer(body, status=status, count=1)
        refused(errors.ProviderUnreachable)


@pytest.mark.parametrize(("name", "state", "kind"), STATES)
def test_what_the_provider_says_of_a_key_is_understood(
    providers: Providers, name: str, state: str, kind: type[errors.CredentialError]
) -> None:
    staged = stage_of(providers, name)
    providers.add_key(name, OTHER, state)
    with pytest.raises(errors.CredentialError) as raised:
        staged.check({"key": OTHER})
    assert type(raised.value) is kind, raised.value
    assert "canary" not in suite.everything(raised.value)


def test_a_code_that_decided_is_shown(providers: Providers) -> None:
    staged = stage_of(providers, "Slack")
    with pytest.raises(errors.Rejected, match=r"\(invalid_auth\)"):
        staged.check({"key": "canary-wrong"})
    with pytest.raises(errors.Rejected, match=r"\(HTTP status 401\)"):
        stage_of(providers, "GitHub").check({"key": "canary-wrong"})


def test_a_day_on_which_a_key_ends_begins_in_utc(providers: Providers) -> None:
    end = stage_of(providers, "GitLab").check().expires_at
    assert end == datetime.datetime(2030, 2, 20, tzinfo=datetime.UTC)


@pytest.mark.parametrize("end", ["null", '"never"', "1", '"2030-13-01"'])
def test_an_end_that_is_no_time_is_none(providers: Providers, end: str) -> None:
    staged = stage_of(providers, "GitLab")
    providers.faults.answer(f'{{"active": true, "expires_at": {end}}}', count=1)
    assert staged.check().expires_at is None


@pytest.mark.parametrize(("name", "address"), ADDRESSES.items())
def test_without_an_endpoint_the_providers_own_is_asked(name: str, address: str) -> None:
    assert api_key.PROVIDER.endpoint(api_key.Config.model_validate({"preset": name})) == address


def test_an_authority_of_ones_own_is_trusted(providers: Providers) -> None:
    staged = stage_of(providers, "Grafana")
    pem = providers.ca_pem.decode()
    staged.check(config={**staged.config, "endpoint": f"{providers.address('grafana')}/", "caBundle": pem})


def message(config: Mapping[str, Any], key: str = "canary") -> str:
    return probing.message_of(api_key.PROVIDER, config, key=key)


@pytest.mark.parametrize(
    "more",
    [
        {"location": "Query"},
        {"field": "X-API-Key"},
        {"prefix": "Bearer"},
        {"probe": {"url": "https://api.example.com"}},
    ],
)
def test_a_preset_leaves_nothing_to_say(more: Mapping[str, Any]) -> None:
    assert "A preset says how" in message({"preset": "GitHub", **more})


def test_a_server_of_ones_own_has_to_be_named() -> None:
    assert "Preset Grafana has no public address" in message({"preset": "Grafana"})


@pytest.mark.parametrize(("name", "prefix"), [("GitHub", "Bearer "), ("PagerDuty", "Token token=")])
def test_a_key_with_the_prefix_is_named(name: str, prefix: str) -> None:
    assert "begins with the prefix" in message({"preset": name}, key=f"{prefix}canary")


def test_a_preset_that_there_is_not_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="must be one of Anthropic, "):
        api_key.Config.model_validate({"preset": "Nobody"})
