"""Keys that an HTTP request proves, and keys about which nobody can be asked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import space as spaces
from cluster.space import GROUP, Json, Space
from emulators.http_api import HttpApi
from emulators.ntlm import Ntlm
from emulators.presets import Providers

PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def api() -> Iterator[HttpApi]:
    """An HTTP server that locks accounts."""
    with HttpApi() as started:
        yield started


@pytest.fixture(autouse=True)
def _anew(api: HttpApi) -> None:
    api.reset()
    api.set_user("alice", PASSWORD)


def probe(api: HttpApi, path: str = "/account") -> Json:
    """Return the request that proves a key."""
    return {"url": f"{api.url}{path}", "caBundle": api.ca_pem.decode()}


def login(space: Space, password: str) -> Json:
    """Return a source Secret."""
    return space.secret("login", {"username": "alice", "password": password})


def basic(space: Space, found: Json | None, **fields: Any) -> Json:
    """Return a Credential of a user and password, with a probe or without."""
    spec = {
        "basic": {"probe": found} if found else {},
        "secretRef": {"name": "login"},
        "targets": [{"name": "intranet-env", "format": "env"}],
    }
    return space.document("Credential", "intranet", spec | fields)


def shown(api: HttpApi) -> list[int]:
    """Return how the requests with a key ended: every second one."""
    return [call.status for call in api.calls][1::2]


def test_a_password_that_the_server_takes_is_published(space: Space, api: HttpApi) -> None:
    space.apply(login(space, PASSWORD), basic(space, probe(api)))
    found = space.becomes("intranet", Ready="True Available", Validated="True Accepted")
    assert found["status"]["identity"] == {"principal": "alice"}
    assert space.data("intranet-env") == {"USERNAME": "alice", "PASSWORD": PASSWORD}


def test_a_wrong_password_is_tried_once_until_it_changes(space: Space, api: HttpApi) -> None:
    space.apply(login(space, "wrong"), basic(space, probe(api)))
    found = space.becomes(
        "intranet", Ready="False Rejected", Validated="False Rejected", Stalled="True Rejected"
    )
    assert "nextValidationTime" not in found["status"]
    assert shown(api) == [401]

    # Neither a Secret that changes around its key nor a look for another reason tries it again.
    space.kubectl("annotate", "secret", "login", "example.com/synced=1")
    space.apply({**space.document("CredentialReference", "nightly", {"credentialRef": {"name": "intranet"}})})
    space.until(lambda: _counted(space) == 1, "the reference is counted")
    assert shown(api) == [401]

    space.apply(login(space, PASSWORD))
    space.becomes("intranet", Ready="True Available")
    assert shown(api) == [401, 200]


def _counted(space: Space) -> int:
    return int(space.get("credential", "intranet")["status"]["references"]["count"])


def test_asked_again_it_is_tried_again(space: Space, api: HttpApi) -> None:
    space.apply(login(space, "wrong"), basic(space, probe(api)))
    space.becomes("intranet", Validated="False Rejected")
    space.kubectl("annotate", "credential", "intranet", f"{GROUP}/reconcile-at=now")
    space.until(lambda: shown(api) == [401, 401], "it is tried once more")


def test_a_url_that_everybody_may_read_is_said_to_prove_nothing(space: Space, api: HttpApi) -> None:
    space.apply(login(space, PASSWORD), basic(space, probe(api, "/open")))
    found = space.becomes("intranet", Ready="False Misconfigured", Synced="False Misconfigured")
    assert "without the key too" in spaces.message(found, "Validated")
    assert space.find("secret", "intranet-env") is None


def test_without_a_probe_it_is_published_and_said_to_be_unchecked(space: Space, api: HttpApi) -> None:
    space.apply(login(space, PASSWORD), basic(space, None))
    found = space.becomes(
        "intranet", Ready="True AvailableUnchecked", Validated="Unknown NotCheckable", Synced="True Published"
    )
    assert "no probe" in spaces.message(found, "Ready")
    assert not {"lastValidatedTime", "nextValidationTime"} & found["status"].keys()
    assert api.calls == []

    space.apply(login(space, "another"))
    space.until(lambda: space.data("intranet-env")["PASSWORD"] == "another", "the new one is published")
    space.kubectl("delete", "secret", "intranet-env")
    space.until(lambda: space.find("secret", "intranet-env"), "it is repaired")


def test_where_a_check_is_required_nothing_unchecked_is_published(space: Space) -> None:
    space.apply(login(space, PASSWORD), basic(space, None, validation={"policy": "Required"}))
    found = space.becomes(
        "intranet", Ready="False HeldBack", Synced="False HeldBack", Stalled="True HeldBack"
    )
    assert "Required" in spaces.message(found, "Synced")
    assert space.find("secret", "intranet-env") is None


def test_an_api_key_is_proved_by_its_own_header(space: Space, api: HttpApi) -> None:
    api.add_key("Bearer good-key", field="Authorization")
    spec = {
        "apiKey": {"prefix": "Bearer", "probe": probe(api)},
        "secretRef": {"name": "token"},
        "targets": [{"name": "token-env", "format": "fields", "keys": {"token": "key"}}],
    }
    space.apply(space.secret("token", {"API_KEY": "good-key"}), space.document("Credential", "api", spec))
    space.becomes("api", Ready="True Available")
    assert space.data("token-env") == {"token": "good-key"}

    space.apply(space.secret("token", {"API_KEY": "bad-key"}))
    space.becomes("api", Ready="True HeldBack", Synced="False HeldBack", seconds=120)
    assert space.data("token-env") == {"token": "good-key"}


def test_a_preset_proves_a_key_and_tells_its_end(space: Space) -> None:
    with Providers() as providers:
        providers.add_key("Cloudflare", "good-key")
        preset = {"preset": "Cloudflare", "endpoint": providers.address("Cloudflare")}
        spec = {
            "apiKey": {**preset, "caBundle": providers.ca_pem.decode()},
            "secretRef": {"name": "token"},
            "targets": [{"name": "token-env", "format": "env"}],
        }
        space.apply(space.secret("token", {"key": "good-key"}), space.document("Credential", "api", spec))
        found = space.becomes("api", Ready="True Available", Validated="True Accepted")
    assert found["status"]["expiresAt"].startswith("2030-01-01")
    assert space.data("token-env") == {"API_KEY": "good-key"}


def test_a_windows_password_is_shown_once_until_it_changes(space: Space) -> None:
    with Ntlm() as server:
        server.set_user(r"TESTS\alice", PASSWORD)
        server.set_rules(bound=True)
        url = {"url": f"{server.url}/account", "caBundle": server.ca_pem.decode()}
        spec = {
            "ntlm": {"probe": url},
            "secretRef": {"name": "login"},
            "targets": [{"name": "windows-env", "format": "env"}],
        }
        wrong = space.secret("login", {"username": r"TESTS\alice", "password": "wrong"})
        space.apply(wrong, space.document("Credential", "windows", spec))
        space.becomes("windows", Ready="False Rejected", Validated="False Rejected", Stalled="True Rejected")
        space.kubectl("annotate", "secret", "login", "example.com/synced=1")
        space.apply(space.secret("login", {"username": r"TESTS\alice", "password": PASSWORD}))
        found = space.becomes("windows", Ready="True Available", Validated="True Accepted")
        assert [call.status for call in server.calls] == [401, 401, 401, 401, 401, 200]
    assert found["status"]["identity"] == {"principal": r"TESTS\alice"}
    assert space.data("windows-env") == {"USERNAME": r"TESTS\alice", "PASSWORD": PASSWORD}


def opaque(space: Space, **fields: Any) -> Json:
    """Return a Credential of a licence and a keystore."""
    keys = {"store": "keystore.p12", "LICENSE_KEY": "LICENSE_KEY"}
    spec = {
        "opaque": {},
        "secretRef": {"name": "licence"},
        "targets": [
            {"name": "licence-env", "format": "env"},
            {"name": "licence-files", "format": "fields", "keys": keys},
        ],
    }
    return space.document("Credential", "licence", spec | fields)


def raw(space: Space, name: str) -> Json:
    """Return the data of a Secret as it stands there, in base64."""
    return dict(space.get("secret", name)["data"])


def test_an_opaque_key_is_published_to_the_byte_and_said_to_be_unchecked(space: Space) -> None:
    keystore, licence = bytes(range(256)), "canary-licence"
    source = space.secret("licence", {"keystore.p12": keystore, "LICENSE_KEY": licence})
    space.apply(source, opaque(space))
    found = space.becomes(
        "licence", Ready="True AvailableUnchecked", Validated="Unknown NotCheckable", Synced="True Published"
    )
    assert "opaque" in spaces.message(found, "Ready")
    assert not {"lastValidatedTime", "nextValidationTime", "identity"} & found["status"].keys()
    assert licence not in json.dumps(found["status"])
    assert space.data("licence-env") == {"LICENSE_KEY": licence}
    written = source["data"]
    files = {"store": written["keystore.p12"], "LICENSE_KEY": written["LICENSE_KEY"]}
    assert raw(space, "licence-files") == files

    # One field more is another key, and so are other bytes of one that is no text.
    changed = space.secret(
        "licence",
        {"keystore.p12": keystore[::-1], "LICENSE_KEY": licence, "LICENSE_URL": "https://a.example"},
    )
    space.apply(changed)
    space.until(lambda: "LICENSE_URL" in space.data("licence-env"), "the new field is published")
    space.until(
        lambda: raw(space, "licence-files")["store"] == changed["data"]["keystore.p12"],
        "the new keystore is published",
    )
    space.becomes("licence", Ready="True AvailableUnchecked", Synced="True Published")


def test_an_opaque_key_that_a_target_cannot_hold_is_named(space: Space) -> None:
    space.apply(space.secret("licence", {"KEYSTORE": b"\xff\x00", "LICENSE_KEY": "a"}))
    space.apply(opaque(space, targets=[{"name": "licence-env", "format": "env"}]))
    found = space.becomes("licence", Synced="False InvalidKeyMaterial")
    assert "KEYSTORE is not text" in spaces.message(found, "Synced")
    assert space.find("secret", "licence-env") is None
