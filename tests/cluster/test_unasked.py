"""Keys that an HTTP request proves, and keys about which nobody can be asked."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster import space as spaces
from cluster.space import GROUP, Json, Space
from emulators.http_api import HttpApi

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
    space.becomes("api", Ready="True HeldBack", Synced="False HeldBack", seconds=60)
    assert space.data("token-env") == {"token": "good-key"}
