"""What Google tells of a key besides whether it works, as APIs with policies of their own tell it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import _google, contract, google, network
from emulators.google import Google
from providers import suite

EMAIL = "backup@example-project.iam.gserviceaccount.com"
MEMBER = f"serviceAccount:{EMAIL}"
PROJECT = "example-project"
NARROW = "https://www.googleapis.com/auth/devstorage.read_only"
TESTED = f"/v3/projects/{PROJECT}:testIamPermissions"
SEARCHED = "/v3/projects:search"
LIST = "storage.buckets.list"
GET = "storage.objects.get"
SEES = "resourcemanager.projects.get"


@dataclasses.dataclass
class Scene:
    """A service account's key before Google."""

    emulator: Google
    key: Mapping[str, str] = dataclasses.field(repr=False)
    config: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def account_key(self) -> str:
        return f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}/keys/{self.key['private_key_id']}"

    def ask(self, ability: str, *arguments: Any, timeout: float = suite.TIMEOUT, **changes: Any) -> Any:
        """Does what the operator does: load, inspect, ask."""
        provider = google.PROVIDER
        keys = contract.load(provider, {"key.json": json.dumps({**self.key, **changes}).encode()}, {})
        url = self.emulator.url
        config = google.Config.model_validate(
            {"tokenURL": self.emulator.token_url, "apiEndpoint": url, **self.config}
        )
        provider.inspect(config, keys)
        with suite.session(self.emulator) as session:
            context = contract.Context(
                session=session,
                timeout=timeout,
                now=lambda: datetime.datetime.now(datetime.UTC),
                external_id=suite.EXTERNAL_ID,
            )
            return getattr(provider, ability)(config, keys, *arguments, context)

    def grants(self, *permissions: str, **options: Any) -> contract.Grants:
        grants: contract.Grants = self.ask("grants", permissions, **options)
        return grants


ABILITIES = {"grants": ((LIST,), TESTED), "reach": (None, SEARCHED), "history": (None, "")}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Google]:
    with Google() as running:
        yield running


@pytest.fixture(scope="module")
def key(emulator: Google) -> dict[str, str]:
    """Makes a key, once: keys take their time."""
    emulator.create_account(EMAIL, project=PROJECT)
    return emulator.create_key(EMAIL)


@pytest.fixture
def scene(emulator: Google, key: dict[str, str]) -> Iterator[Scene]:
    emulator.create_project(PROJECT)
    yield Scene(emulator, key)
    emulator.faults.clear()


@pytest.fixture
def refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> Callable[..., errors.CredentialError]:
    """Asks for what must fail, and looks for key material and bodies in all that it leaves behind."""
    caplog.set_level(logging.DEBUG)
    lines = [line for line in scene.key["private_key"].splitlines() if not line.startswith("-")]

    def ask(kind: type[errors.CredentialError], ability: str, *arguments: Any, **options: Any) -> Any:
        with pytest.raises(errors.CredentialError) as raised:
            scene.ask(ability, *arguments, **options)
        left_behind = suite.everything(raised.value) + caplog.text
        assert not [line for line in lines if line in left_behind]
        assert suite.BODY not in left_behind
        assert "ya29." not in left_behind
        assert type(raised.value) is kind, raised.value
        assert raised.value.__context__ is None
        return raised.value

    return ask


def test_it_can_do_what_types_can_do_besides() -> None:
    for ability in (contract.Historian, contract.Granter, contract.Explorer, contract.Keyless):
        assert isinstance(google.PROVIDER, ability)


# Permissions.


def test_permissions_are_what_the_policies_of_the_project_give(scene: Scene) -> None:
    assert scene.grants(GET, LIST) == contract.Grants(missing=(LIST, GET))
    scene.emulator.grant(PROJECT, MEMBER, LIST)
    assert scene.grants(GET, LIST) == contract.Grants(missing=(GET,))
    scene.emulator.grant(PROJECT, MEMBER, LIST, GET)
    assert scene.grants(GET, LIST) == contract.Grants()


def test_another_accounts_permissions_are_not_the_keys(scene: Scene) -> None:
    scene.emulator.grant(PROJECT, "serviceAccount:other@example-project.iam.gserviceaccount.com", LIST)
    assert scene.grants(LIST).missing == (LIST,)


def test_narrow_scopes_do_not_hide_permissions(scene: Scene) -> None:
    scene.emulator.grant(PROJECT, MEMBER, LIST)
    scene.config = {"scopes": [NARROW]}
    assert scene.grants(LIST) == contract.Grants()


def test_many_permissions_are_asked_for_a_hundred_at_a_time(scene: Scene) -> None:
    asked = tuple(sorted(f"storage.things{number}.get" for number in range(250)))
    scene.emulator.grant(PROJECT, MEMBER, *asked[1:])
    scene.emulator.reset_calls()
    assert scene.grants(*asked) == contract.Grants(missing=asked[:1])
    assert [call.path for call in scene.emulator.calls] == ["/token", TESTED, TESTED, TESTED]


def test_an_api_that_is_switched_off_says_nothing(scene: Scene) -> None:
    scene.emulator.switch_api(PROJECT, "cloudresourcemanager.googleapis.com", on=False)
    grants = scene.grants(LIST)
    assert (grants.missing, grants.unknown) == ((), (LIST,))
    assert "gcloud services enable cloudresourcemanager.googleapis.com" in grants.why


def test_a_project_that_is_kept_from_the_key_says_nothing(scene: Scene) -> None:
    for status, code in ((403, "PERMISSION_DENIED"), (404, "NOT_FOUND")):
        scene.emulator.faults.clear()
        scene.emulator.faults.error(status=status, code=code, message=suite.BODY, action=TESTED)
        grants = scene.grants(LIST)
        assert (grants.missing, grants.unknown) == ((), (LIST,))
        assert "VPC Service Controls" in grants.why
        assert suite.BODY not in grants.why


@pytest.mark.parametrize(
    "permission", ["resourcemanager.folders.get", "storage.buckets", "resourcemanager.projects.list"]
)
def test_what_cannot_be_had_in_a_project_is_named(
    refused: Callable[..., errors.CredentialError], permission: str
) -> None:
    error = refused(errors.Misconfigured, "grants", (permission, LIST))
    assert permission in error.message
    assert LIST not in error.message


def test_what_is_not_named_is_not_known(scene: Scene) -> None:
    scene.emulator.faults.error(status=400, code="INVALID_ARGUMENT", message=suite.BODY, action=TESTED)
    grants = scene.grants(LIST)
    assert grants.unknown == (LIST,)
    assert suite.BODY not in grants.why


@pytest.mark.parametrize("permission", ["s3:GetObject", "roles/viewer", "storage.*", "storage.", "a b.c"])
def test_what_is_no_permission_of_googles_is_named_without_a_call(
    scene: Scene, refused: Callable[..., errors.CredentialError], permission: str
) -> None:
    scene.emulator.reset_calls()
    assert permission in refused(errors.Misconfigured, "grants", (LIST, permission)).message
    assert TESTED not in [call.path for call in scene.emulator.calls]


@pytest.mark.parametrize(
    "body", ['{"permissions": ["storage.other.get"]}', '{"permissions": 1}', '{"a": []}']
)
def test_an_answer_of_other_permissions_proves_nothing(
    scene: Scene, refused: Callable[..., errors.CredentialError], body: str
) -> None:
    scene.emulator.faults.answer(body, content_type="application/json", action=TESTED)
    refused(errors.ProviderUnreachable, "grants", (LIST,))


# Projects.


def test_reach_counts_the_projects_that_the_key_sees_over_all_pages(scene: Scene) -> None:
    assert scene.ask("reach") == contract.Reach(count=0)
    for number in range(7):
        scene.emulator.create_project(f"seen-{number}", name=f"Seen {number}")
        scene.emulator.grant(f"seen-{number}", MEMBER, SEES)
    scene.emulator.create_project("unseen-project")
    scene.emulator.grant("unseen-project", MEMBER, LIST)
    scene.emulator.reset_calls()
    expected = tuple(contract.Place(id=f"seen-{number}", name=f"Seen {number}") for number in range(7))
    assert scene.ask("reach") == contract.Reach(count=7, places=expected)
    assert [call.path for call in scene.emulator.calls] == ["/token", *[SEARCHED] * 3]
    for number in range(7):
        scene.emulator.create_project(f"seen-{number}")


def test_projects_that_wait_for_their_deletion_are_not_counted(scene: Scene) -> None:
    scene.emulator.create_project("going-project", state="DELETE_REQUESTED")
    scene.emulator.grant("going-project", MEMBER, SEES)
    assert scene.ask("reach").count == 0
    body = '{"projects": [{"projectId": "a", "state": "DELETE_REQUESTED"}, {"projectId": "b", "state": "ACTIVE"}]}'
    scene.emulator.faults.answer(body, content_type="application/json", action=SEARCHED)
    assert scene.ask("reach") == contract.Reach(count=1, places=(contract.Place(id="b"),))


def test_a_list_without_an_end_is_not_read_for_ever(
    scene: Scene, refused: Callable[..., errors.CredentialError]
) -> None:
    scene.emulator.faults.answer(
        '{"nextPageToken": "again"}', content_type="application/json", action=SEARCHED
    )
    assert "more projects" in refused(errors.ProviderUnreachable, "reach", timeout=30).message


def test_all_pages_share_one_deadline(scene: Scene, refused: Callable[..., errors.CredentialError]) -> None:
    scene.emulator.faults.answer(
        '{"nextPageToken": "again"}', content_type="application/json", action=SEARCHED
    )
    scene.emulator.faults.delay(0.3, action=SEARCHED)
    assert "in time" in refused(errors.ProviderUnreachable, "reach", timeout=1.2).message


@pytest.mark.parametrize("body", ['{"projects": 1}', '{"projects": [1]}', '{"projects": [{"projectId": 1}]}'])
def test_what_is_no_list_of_projects_proves_nothing(
    scene: Scene, refused: Callable[..., errors.CredentialError], body: str
) -> None:
    scene.emulator.faults.answer(body, content_type="application/json", action=SEARCHED)
    refused(errors.ProviderUnreachable, "reach")


# Age and end.


def test_the_history_says_since_when_the_key_is_good(scene: Scene) -> None:
    scene.emulator.grant(PROJECT, MEMBER, "iam.serviceAccountKeys.get")
    created = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert scene.ask("history") == contract.History(created_at=created)


def test_the_history_says_until_when_the_key_is_good(scene: Scene) -> None:
    scene.emulator.grant(PROJECT, MEMBER, "iam.serviceAccountKeys.get")
    end = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=90)
    scene.key = scene.emulator.create_key(EMAIL, expires=end.isoformat())
    assert scene.ask("history").expires_at == end


def test_a_key_may_not_be_allowed_to_know_its_age(refused: Callable[..., errors.CredentialError]) -> None:
    refused(errors.PermissionDenied, "history")


@pytest.mark.parametrize(
    "body", ["{}", '{"validAfterTime": 7}', '{"validAfterTime": "then"}', '{"name": "a"}']
)
def test_an_answer_without_a_time_proves_nothing(
    scene: Scene, refused: Callable[..., errors.CredentialError], body: str
) -> None:
    scene.emulator.faults.answer(body, content_type="application/json", action=scene.account_key)
    refused(errors.ProviderUnreachable, "history")


# All of them.


@pytest.mark.parametrize("ability", list(ABILITIES))
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHENTICATED", errors.Misconfigured),
        (429, "", errors.RateLimited),
        (403, "PERMISSION_DENIED/RATE_LIMIT_EXCEEDED", errors.RateLimited),
        (403, "SOMETHING_NEW", errors.ProviderUnreachable),
        (400, "FAILED_PRECONDITION", errors.ProviderUnreachable),
        (200, "PERMISSION_DENIED", errors.ProviderUnreachable),
        (503, "UNAVAILABLE", errors.ProviderUnreachable),
    ],
)
def test_a_refusal_is_told_by_its_code(
    scene: Scene,
    refused: Callable[..., errors.CredentialError],
    ability: str,
    status: int,
    code: str,
    kind: type[errors.CredentialError],
) -> None:
    arguments, path = asked(scene, ability)
    scene.emulator.faults.error(status=status, code=code, message=suite.BODY, action=path)
    refused(kind, ability, *arguments)


@pytest.mark.parametrize("ability", list(ABILITIES))
@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize(
    "body", ["", f"<p>{suite.BODY}</p>", "[]", '{"error": 1}', '{"permissions": ["', "7"]
)
def test_a_lying_api_proves_nothing(
    scene: Scene, refused: Callable[..., errors.CredentialError], ability: str, status: int, body: str
) -> None:
    arguments, path = asked(scene, ability)
    scene.emulator.faults.answer(body, status=status, action=path)
    refused(errors.ProviderUnreachable, ability, *arguments)


@pytest.mark.parametrize("ability", list(ABILITIES))
def test_a_slow_api_is_unreachable_when_the_time_is_over(
    scene: Scene, refused: Callable[..., errors.CredentialError], ability: str
) -> None:
    arguments, path = asked(scene, ability)
    scene.emulator.faults.delay(30, action=path)
    refused(errors.ProviderUnreachable, ability, *arguments, timeout=0.7)


@pytest.mark.parametrize("ability", list(ABILITIES))
def test_a_key_that_is_refused_learns_nothing(
    scene: Scene, refused: Callable[..., errors.CredentialError], ability: str
) -> None:
    arguments, path = asked(scene, ability)
    scene.emulator.reset_calls()
    refused(errors.Rejected, ability, *arguments, private_key_id="0" * 40)
    assert path not in [call.path for call in scene.emulator.calls]


@pytest.mark.parametrize("ability", list(ABILITIES))
def test_a_key_of_another_universe_is_not_shown_to_googles_own_apis(
    scene: Scene, refused: Callable[..., errors.CredentialError], ability: str
) -> None:
    arguments, _ = asked(scene, ability)
    scene.config = {"apiEndpoint": None}
    error = refused(errors.Misconfigured, ability, *arguments, universe_domain="example-universe.com")
    assert "apiEndpoint" in error.message


def asked(scene: Scene, ability: str) -> tuple[tuple[Any, ...], str]:
    """Gives what an ability is asked with, and the path that it calls."""
    permissions, path = ABILITIES[ability]
    return (() if permissions is None else (permissions,)), path or scene.account_key


@pytest.mark.parametrize(
    ("instead", "url"),
    [
        (None, "https://iam.googleapis.com"),
        ("https://{api}-backups.p.googleapis.com/", "https://iam-backups.p.googleapis.com"),
        ("https://{api}.example-universe.com", "https://iam.example-universe.com"),
        ("https://[fd00::1]:8443", "https://[fd00::1]:8443"),
    ],
)
def test_each_api_has_a_place(instead: str | None, url: str) -> None:
    config = google.Config.model_validate({"apiEndpoint": instead})
    assert _google.api_url(config.api_endpoint, "iam") == url
    network.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://{api}.googleapis.com",
        "https://{host}.googleapis.com",
        "https://x.{api}.example.com",
        "https://googleapis.com/{api}",
        "https://user@example.com",
    ],
)
def test_a_place_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        google.Config.model_validate({"apiEndpoint": url})


@pytest.mark.parametrize(
    ("email", "project"),
    [
        (EMAIL, PROJECT),
        ("backup@example-project.example.com.iam.gserviceaccount.com", "example.com:example-project"),
        ("123456789012-compute@developer.gserviceaccount.com", ""),
        ("", ""),
    ],
)
def test_an_accounts_email_may_tell_its_project(email: str, project: str) -> None:
    assert _google.project_of(email) == project
