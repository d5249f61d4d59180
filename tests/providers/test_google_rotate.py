"""Keys of Google's service accounts that renew themselves, before a Google that verifies who may."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from credential_operator import errors
from credential_operator.providers import _google_rotate
from emulators.google import Google
from providers import accounts, issuing, rotating, suite

PROJECT = "example-project"
EMAIL = "backup@example-project.iam.gserviceaccount.com"
OTHER = "other@example-project.iam.gserviceaccount.com"
MEMBER = f"serviceAccount:{EMAIL}"
ACCOUNT = f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}"


@pytest.fixture(scope="module")
def running() -> Iterator[Google]:
    with Google() as emulator:
        yield emulator


class TestRotation(rotating.Rotations):
    type_name: ClassVar[str] = "google"
    makes: ClassVar[str] = f"{ACCOUNT}/keys"

    @pytest.fixture
    def emulator(self, running: Google) -> Google:
        running.reset()
        for email in (EMAIL, OTHER):
            running.create_account(email, project=PROJECT)
        running.grant_on(EMAIL, MEMBER, *_google_rotate.NEEDS)
        return running

    @pytest.fixture
    def stage(self, emulator: Google) -> suite.Stage:
        now = datetime.datetime.now(datetime.UTC)
        key = emulator.create_key(EMAIL, created=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return accounts.staged(emulator, key)

    def secrets(self, stage: suite.Stage, fields: Mapping[str, str]) -> list[str]:
        lines = json.loads(fields["serviceAccountJSON"])["private_key"].splitlines()
        return ["\n".join(lines[1:3]), "\\n".join(lines[1:3]), lines[5]]

    def key_id(self, stage: suite.Stage) -> str:
        return str(json.loads(stage.good["serviceAccountJSON"])["private_key_id"])

    def forbid(self, stage: suite.Stage) -> None:
        stage.emulator.grant_on(EMAIL, MEMBER)

    def sent(self, stage: suite.Stage) -> int:
        return sum(call.path == self.makes for call in stage.emulator.calls)

    def test_every_call_is_one_and_a_token(
        self, stage: suite.Stage, emulator: Google, ask: Callable[..., Any]
    ) -> None:
        made = {}
        for call in (
            ("owner",),
            ("listed",),
            ("make", ""),
            ("disable", accounts.NO_KEY),
            ("delete", accounts.NO_KEY),
        ):
            emulator.reset_calls()
            ask(*call)
            made[call[0]] = [call.path for call in emulator.calls]
        keys = f"{ACCOUNT}/keys"
        assert made == {
            "owner": ["/token", ACCOUNT],
            "listed": ["/token", keys],
            "make": ["/token", keys],
            "disable": ["/token", f"{keys}/{accounts.NO_KEY}:disable"],
            "delete": ["/token", f"{keys}/{accounts.NO_KEY}"],
        }

    def test_what_is_called_a_key_names_nothing_else(self, emulator: Google, ask: Callable[..., Any]) -> None:
        emulator.reset_calls()
        ask("delete", "../../x?y")
        assert [call.path for call in emulator.calls] == ["/token", f"{ACCOUNT}/keys/..%2F..%2Fx%3Fy"]

    def test_the_new_key_file_is_what_google_gave(self, ask: Callable[..., Any]) -> None:
        made = ask("make", rotating.MARK)
        text = made.fields["serviceAccountJSON"]
        document = json.loads(text)
        assert text == json.dumps(document, indent=2)
        assert document["private_key_id"] == made.id
        assert document["client_email"] == EMAIL

    def test_of_use_nothing_is_told(self, ask: Callable[..., Any]) -> None:
        assert [(one.used, one.mark) for one in ask("listed")] == [(None, None)]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "[credential-operator: {}]"),
            ("Backups. Ask ops@example.com", "Backups. Ask ops@example.com [credential-operator: {}]"),
            ("[credential-operator: old/a/b] Größe\n[x]", "[credential-operator: {}] Größe\n[x]"),
            ("[credential-operator: ] \\1", "[credential-operator: {}] \\1"),
        ],
    )
    def test_what_people_wrote_is_kept(
        self, emulator: Google, ask: Callable[..., Any], before: str, after: str
    ) -> None:
        emulator.describe(EMAIL, before)
        ask("claim", rotating.OWNER)
        assert emulator.description(EMAIL) == after.format(rotating.OWNER)
        assert ask("owner") == rotating.OWNER

    def test_a_description_that_is_full_is_told_with_what_is_too_much(
        self, emulator: Google, ask: Callable[..., Any], denied: Callable[..., Any]
    ) -> None:
        part = f" [credential-operator: {rotating.OWNER}]"
        room = 256 - len(part)
        emulator.describe(EMAIL, "ö" * (room // 2) + "x" * (room % 2 + 1))
        error = denied(errors.Misconfigured, "claim", rotating.OWNER)
        assert error.message.endswith("Shorten it by 1.")
        emulator.describe(EMAIL, "ö" * (room // 2) + "x" * (room % 2))
        ask("claim", rotating.OWNER)
        assert len(emulator.description(EMAIL).encode()) == 256

    def test_the_longest_owner_has_room(self, ask: Callable[..., Any]) -> None:
        ask("claim", "o" * 200)
        assert ask("owner") == "o" * 200

    def test_an_organization_may_forbid_keys(self, emulator: Google, denied: Callable[..., Any]) -> None:
        emulator.forbid_keys(EMAIL)
        message = denied(errors.PermissionDenied, "make", rotating.MARK).message
        assert "iam.disableServiceAccountKeyCreation" in message

    def test_an_account_that_is_full_is_told_in_either_of_googles_words(
        self, emulator: Google, denied: Callable[..., Any]
    ) -> None:
        words = "Maximum number of keys on account reached."
        emulator.faults.error(status=429, code="RESOURCE_EXHAUSTED", message=words, action=self.makes)
        assert "delete" in denied(errors.Misconfigured, "make", rotating.MARK).message

    def test_an_api_that_is_switched_off_is_told(self, emulator: Google, denied: Callable[..., Any]) -> None:
        emulator.switch_api(PROJECT, "iam.googleapis.com", on=False)
        assert "gcloud services enable iam" in denied(errors.PermissionDenied, "listed").message

    def test_an_account_that_is_being_changed_is_tried_again_later(
        self, emulator: Google, denied: Callable[..., Any]
    ) -> None:
        emulator.faults.error(status=409, code="ABORTED", message=suite.BODY, action=self.makes)
        denied(errors.Conflict, "make", rotating.MARK)

    def test_another_apis_not_found_is_misconfigured(
        self, emulator: Google, denied: Callable[..., Any]
    ) -> None:
        emulator.faults.error(status=404, code="NOT_FOUND", action=self.makes)
        assert "apiEndpoint" in denied(errors.Misconfigured, "listed").message

    @pytest.mark.parametrize("key", [1, {}, {"name": "x"}, {"name": f"{ACCOUNT[4:]}/keys/ab"}])
    def test_a_listed_key_has_a_name_and_an_age(
        self, emulator: Google, denied: Callable[..., Any], key: object
    ) -> None:
        for said in ([key], key):
            emulator.faults.answer(json.dumps({"keys": said}), action=self.makes, count=1)
            denied(errors.ProviderUnreachable, "listed")

    def test_a_new_key_file_that_is_none_is_not_taken(
        self, stage: suite.Stage, emulator: Google, denied: Callable[..., Any]
    ) -> None:
        another = json.dumps(emulator.create_key(OTHER)).encode()
        for data in (b"", b"{}", b"\xff", another):
            body = {"privateKeyData": base64.b64encode(data).decode()}
            emulator.faults.answer(json.dumps(body), action=self.makes, count=1)
            denied(errors.ProviderUnreachable, "make", rotating.MARK)
        emulator.faults.answer('{"privateKeyData": "?"}', action=self.makes)
        denied(errors.ProviderUnreachable, "make", rotating.MARK)

    def test_a_workload_identity_is_not_rotated(self, stage: suite.Stage, emulator: Google) -> None:
        issuer = issuing.Issuer()
        name = (
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/clusters/providers/a-b-c"
        )
        emulator.trust_issuer(issuer.url, issuer.jwks, provider=name)
        keys = stage.exchange({"provider": name}, issuer.token(f"https:{name}"))
        with pytest.raises(errors.Misconfigured, match="workload identity"):
            rotating.fit(stage, keys=keys)

    def test_another_universe_must_say_where_its_iam_is(self, stage: suite.Stage) -> None:
        document = {**json.loads(stage.good["serviceAccountJSON"]), "universe_domain": "example.com"}
        fields = {"serviceAccountJSON": json.dumps(document)}
        with pytest.raises(errors.Misconfigured, match="apiEndpoint"):
            rotating.fit(stage, fields, config={"tokenURL": "https://example.com/token"})
        rotating.fit(stage, fields)

    def test_iam_is_where_apis_are(self, stage: suite.Stage) -> None:
        rotation = rotating.rotation_of(stage)
        assert rotation.endpoint(stage.read({})) == "iam.googleapis.com:443"
        config = {"apiEndpoint": "https://{api}-x.p.googleapis.com"}
        assert rotation.endpoint(stage.read(config)) == "iam-x.p.googleapis.com:443"
