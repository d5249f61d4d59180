"""Bad input: what is wrong is said by name, it comes right by itself, and what was published stays."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import Key, Space
from emulators.aws import AwsEmulator

Fields = Mapping[str, str | bytes]
SPOILT = {
    "an empty Secret": (lambda _: {}, ("accessKeyID", "secretAccessKey")),
    "no secret": (lambda key: {"accessKeyID": key[0]}, ("secretAccessKey",)),
    "an empty field": (lambda key: {"accessKeyID": key[0], "secretAccessKey": ""}, ("secretAccessKey",)),
    "bytes": (lambda key: {"accessKeyID": key[0], "secretAccessKey": b"\xff\xfe\x00"}, ("secretAccessKey",)),
    "a newline at the end": (
        lambda key: {"accessKeyID": key[0], "secretAccessKey": f"{key[1]}\n"},
        ("secretAccessKey", "newline"),
    ),
    "a blank before": (
        lambda key: {"accessKeyID": f" {key[0]}", "secretAccessKey": key[1]},
        ("accessKeyID",),
    ),
    "the two swapped": (
        lambda key: {"accessKeyID": key[1], "secretAccessKey": key[0]},
        ("accessKeyID", "secretAccessKey", "swapped"),
    ),
}
INVALID: dict[str, Any] = {
    "Validated": "False InvalidKeyMaterial",
    "Stalled": "True InvalidKeyMaterial",
    "Reconciling": None,
}


def _apply(space: Space, fields: Fields) -> None:
    """Replace what the source Secret holds."""
    space.run("replace", "--filename=-", documents=(space.secret("keys", fields),))


@pytest.mark.parametrize(("spoil", "named"), SPOILT.values(), ids=SPOILT)
def test_what_is_wrong_with_a_source_is_named_and_the_target_stays_until_it_is_right(
    space: Space, aws: AwsEmulator, spoil: Callable[[Key], Fields], named: tuple[str, ...]
) -> None:
    key = space.published()
    aws.reset_calls()

    _apply(space, spoil(key))
    found = space.becomes(Ready="True HeldBack", Synced="False HeldBack", **INVALID)
    assert all(name in spaces.message(found, "Validated") for name in named)
    assert key[1] not in spaces.message(found, "Validated")
    assert space.key_in() == key
    assert aws.calls == []

    good = space.new_key()
    space.apply(space.source(good))
    space.becomes(Ready="True Available", Synced="True Published", Stalled=None)
    assert space.key_in() == good


def test_a_source_that_comes_later_is_waited_for(space: Space) -> None:
    space.apply(space.credential())
    found = space.becomes(
        Ready="False SourceNotFound", Synced="False SourceNotFound", Stalled="True SourceNotFound"
    )
    assert "keys" in spaces.message(found, "Ready")

    space.apply(space.secret("keys", {}))
    space.becomes(Ready="False InvalidKeyMaterial", Synced="False InvalidKeyMaterial", **INVALID)

    space.new_user()
    space.apply(space.source(space.new_key()))
    space.becomes(Ready="True Available", Stalled=None)


def test_a_source_that_is_changed_half_way_is_not_published_before_the_other_half(space: Space) -> None:
    old = space.published()
    new = space.new_key()
    mixed: Key = (new[0], old[1])

    _apply(space, space.fields(mixed))
    space.becomes(Ready="True HeldBack", Validated="Unknown Unconfirmed", Stalled=None)
    assert space.key_in() == old

    _apply(space, space.fields(new))
    space.becomes(Ready="True Available", Synced="True Published", Reconciling=None)
    assert space.key_in() == new


def test_the_keys_of_an_existing_secret_are_named_where_they_differ(space: Space) -> None:
    space.new_user()
    key = space.new_key()
    space.apply(space.secret("keys", {"user": key[0], "password": key[1]}))
    renamed = {"name": "keys", "keys": {"accessKeyID": "user", "secretAccessKey": "password"}}

    space.apply(space.credential())
    found = space.becomes(Ready="False InvalidKeyMaterial")
    assert "AWS_ACCESS_KEY_ID" in spaces.message(found, "Ready")

    space.apply(space.credential(secretRef=renamed))
    space.becomes(Ready="True Available")
    assert space.key_in() == key


@pytest.mark.parametrize("region", ["mars-north-1", "eu-west-99"])
def test_a_region_that_does_not_exist_is_a_mistake_in_the_spec(space: Space, region: str) -> None:
    space.new_user()
    endpoint = {"endpoint": space.aws.url}
    space.apply(space.source(space.new_key()), space.credential(aws={"region": region, **endpoint}))

    space.becomes(Ready="False Misconfigured", Validated="False Misconfigured", Stalled="True Misconfigured")

    space.apply(space.credential(aws={"region": "eu-west-1", **endpoint}))
    space.becomes(Ready="True Available", Stalled=None)


def test_what_does_not_even_look_like_a_region_is_refused_by_kubectl(space: Space) -> None:
    document = space.credential(aws={"region": "Ireland"})

    refused = space.run("apply", "--filename=-", documents=(document,), check=False)

    assert "spec.aws.region" in refused.stderr
    assert space.find("credential", "backups") is None


def test_an_endpoint_that_keys_must_never_be_sent_to_is_refused(space: Space, site: Site) -> None:
    space.new_user()
    space.apply(space.source(space.new_key()))
    metadata = space.credential(
        "metadata", aws={"region": "eu-west-1", "endpoint": "https://169.254.169.254"}
    )
    server = space.credential("server", aws={"region": "eu-west-1", "endpoint": site.proxy.url})

    space.apply(metadata, server)

    for name in ("metadata", "server"):
        space.becomes(name, Ready="False Misconfigured", Stalled="True Misconfigured")


def test_a_correction_of_the_spec_is_followed_although_the_provider_is_down_at_first(
    space: Space, aws: AwsEmulator
) -> None:
    space.new_user()
    endpoint = {"endpoint": aws.url}
    space.apply(space.source(space.new_key()), space.credential(aws={"region": "mars-north-1", **endpoint}))
    space.becomes(Ready="False Misconfigured")

    aws.faults.error(status=503)
    space.apply(space.credential(aws={"region": "eu-west-1", **endpoint}))
    space.becomes(Reconciling="True ProviderUnreachable", Validated="Unknown ProviderUnreachable")
    aws.faults.clear()

    space.becomes(Ready="True Available", Reconciling=None)
