"""Rotation: a changed source is validated first and published after, and nothing is done without need."""

import dataclasses
from typing import Any

import pytest

from cluster.sites import Site
from cluster.space import GENERATION, Key, Space
from emulators.aws import AwsEmulator

UNKNOWN_KEY = ("AKIAIOSFODNN7EXAMPLE", "x" * 40)
CHECK = "credential-operator.io/reconcile-at"
CONFIRMED = 120.0
"""Seconds in which a refusal is confirmed, which takes thirty."""


@dataclasses.dataclass(frozen=True)
class Refused:
    """Credentials whose keys the provider refuses, and the keys that were published before."""

    space: Space
    keys: dict[str, Key]
    new: Key


@pytest.fixture(scope="module")
def refused(site: Site, aws: AwsEmulator) -> Refused:
    """Begins with the first test of this file, and the last ones look at what became of it.

    It takes half a minute until a refusal is believed.
    """
    space = site.space("refused")
    keys = {}
    for name in ("rotated", "late", "disabled"):
        space.new_user(name=name)
        keys[name] = key = space.new_key(name)
        space.apply(space.source(key, name), space.credential(name, secretRef={"name": name}))
        space.becomes(name, Ready="True Available")
    aws.delay_new_keys(10_000)
    try:
        new = space.new_key("late")
        space.apply(space.source(new, "late"), space.source(UNKNOWN_KEY, "rotated"))
        space.becomes("late", Validated="Unknown Unconfirmed")
    finally:
        aws.delay_new_keys(0)
    space.apply(space.source(UNKNOWN_KEY, "never"), space.credential("never", secretRef={"name": "never"}))
    aws.set_key_status(keys["disabled"][0], "Inactive")
    space.kubectl("annotate", "credential", "disabled", f"{CHECK}=1")
    return Refused(space, keys, new)


@pytest.mark.parametrize("name", ["rotated", "late"])
def test_a_new_key_is_held_back_while_its_refusal_is_confirmed(refused: Refused, name: str) -> None:
    refused.space.becomes(
        name,
        Ready="True HeldBack",
        Validated="Unknown Unconfirmed",
        Synced="False HeldBack",
        Reconciling="True Unconfirmed",
        Stalled=None,
    )
    assert refused.space.key_in(f"{name}-env") == refused.keys[name]


def test_a_changed_source_is_published_once_and_reloaders_see_it(space: Space, site: Site) -> None:
    space.published()
    before = space.get("secret", "backups-env")["metadata"]
    key = space.new_key()
    site.proxy.forget()

    space.apply(space.source(key))
    space.until(lambda: space.key_in() == key, "the new key is published")
    space.until(lambda: space.events() == [("Normal", "Published")], "it is told")
    found = space.becomes(Ready="True Available", Validated="True Accepted", Synced="True Published")

    after = space.get("secret", "backups-env")["metadata"]
    assert found["status"]["key"]["id"] == key[0]
    assert after["uid"] == before["uid"]
    assert (before["annotations"][GENERATION], after["annotations"][GENERATION]) == ("1", "2")
    assert [seen.method for seen in site.writes(space.name) if "/secrets/" in seen.path] == ["PATCH"]


def test_a_new_key_is_validated_before_it_is_published(space: Space, aws: AwsEmulator) -> None:
    first = space.published()
    key = space.new_key()
    aws.reset_calls()
    aws.faults.error(status=503)

    space.apply(space.source(key))
    space.becomes(Reconciling="True ProviderUnreachable", Ready="True Available", Validated="True Accepted")
    assert space.key_in() == first

    aws.faults.clear()
    space.until(lambda: space.key_in() == key, "the new key is published")
    asked = {call.access_key_id for call in aws.calls}
    assert key[0] in asked
    assert first[0] not in asked


def test_the_last_good_key_comes_back_without_a_write_to_its_target(space: Space) -> None:
    first = space.published()
    space.apply(space.source(UNKNOWN_KEY))
    space.becomes(Ready="True HeldBack")

    space.apply(space.source(first))

    space.becomes(Ready="True Available", Synced="True Published", Validated="True Accepted")
    assert space.get("secret", "backups-env")["metadata"]["annotations"][GENERATION] == "1"


@pytest.mark.parametrize("kind", ["credential", "secret"])
def test_an_unrelated_annotation_causes_no_write(
    space: Space, site: Site, aws: AwsEmulator, kind: str
) -> None:
    key = space.published()
    space.apply(space.credential("without", targets=None))
    space.becomes("without", Ready="True Available")
    site.proxy.forget()
    aws.reset_calls()
    passes = _passes(site)

    name, concerned = {"credential": ("backups", 1), "secret": ("keys", 2)}[kind]
    space.kubectl("annotate", kind, name, "example.com/note=unrelated")
    space.until(
        lambda: _passes(site) >= passes + concerned, "the operator has looked at all that it concerns"
    )

    assert site.writes(space.name) == []
    assert key[0] not in [call.access_key_id for call in aws.calls]


def _passes(site: Site) -> float:
    return site.operator.metric("credential_operator_reconcile_total", kind="Credential")


def test_the_same_key_in_a_new_secret_is_not_published_again(space: Space) -> None:
    key = space.published()
    before = space.get("secret", "backups-env")["metadata"]
    space.kubectl("delete", "secret", "keys")
    space.becomes(Ready="True HeldBack", Synced="False SourceNotFound")

    space.apply(space.source(key))
    space.becomes(Ready="True Available", Synced="True Published")

    assert space.get("secret", "backups-env")["metadata"]["resourceVersion"] == before["resourceVersion"]


def test_a_key_that_the_provider_learned_of_late_is_published(refused: Refused) -> None:
    refused.space.becomes("late", Ready="True Available", Synced="True Published", Reconciling=None)
    assert refused.space.key_in("late-env") == refused.new


def test_a_refused_key_is_held_back_and_the_last_good_one_stays(refused: Refused) -> None:
    space = refused.space
    held_back: dict[str, Any] = {
        "Ready": "True HeldBack",
        "Validated": "False Rejected",
        "Synced": "False HeldBack",
        "Stalled": "True Rejected",
        "Reconciling": None,
    }
    space.becomes("rotated", seconds=CONFIRMED, **held_back)

    # A pass that asks nobody changes none of it.
    space.apply(space.reference("nightly", "rotated"))
    space.until(
        lambda: space.get("credential", "rotated")["status"]["references"]["count"] == 1,
        "the reference is counted",
    )
    space.becomes("rotated", **held_back)
    assert space.key_in("rotated-env") == refused.keys["rotated"]


def test_a_key_that_was_never_good_is_not_published(refused: Refused) -> None:
    space = refused.space
    stalled: dict[str, Any] = {
        "Ready": "False Rejected",
        "Synced": "False HeldBack",
        "Stalled": "True Rejected",
    }
    space.becomes("never", seconds=CONFIRMED, **stalled)

    space.apply(space.reference("never-mind", "never"))
    space.until(
        lambda: space.get("credential", "never")["status"]["references"]["count"] == 1,
        "the reference is counted",
    )
    space.becomes("never", **stalled)
    assert space.find("secret", "never-env") is None


def test_a_published_key_that_is_switched_off_stays_published(refused: Refused) -> None:
    refused.space.becomes(
        "disabled",
        Ready="False Rejected",
        Validated="False Rejected",
        Synced="True Published",
        Stalled="True Rejected",
        seconds=CONFIRMED,
    )
    assert refused.space.key_in("disabled-env") == refused.keys["disabled"]


def test_the_way_back_from_a_refused_key_is_automatic(refused: Refused, aws: AwsEmulator) -> None:
    space, good = refused.space, refused.space.new_key("rotated")
    for name in ("rotated", "never", "disabled"):
        space.becomes(name, Validated="False Rejected", seconds=CONFIRMED)

    aws.set_key_status(refused.keys["disabled"][0], "Active")
    space.kubectl("annotate", "credential", "disabled", f"{CHECK}=2", "--overwrite")
    space.apply(space.source(good, "rotated"), space.source(good, "never"))

    for name in ("rotated", "never", "disabled"):
        space.becomes(name, Ready="True Available", Synced="True Published", Stalled=None, Reconciling=None)
    assert space.key_in("rotated-env") == space.key_in("never-env") == good
    space.until(
        lambda: (
            [event for event in space.events("rotated") if event[1] != "HeldBack"]
            == [("Warning", "Rejected"), ("Normal", "Accepted"), ("Normal", "Published")]
        ),
        "the way there and back is told",
    )
