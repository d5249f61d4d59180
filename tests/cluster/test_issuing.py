"""Short-lived keys: in targets in place of the stored one, renewed in time, made for each borrower alone."""

import base64
import datetime
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cluster import sites
from cluster.sites import Site
from cluster.space import GENERATION, Json, Space, message
from emulators.aws import AwsEmulator, allow, trust

ENV = "backups-env"
EXPIRES = "credential-operator.io/expires-at"
SHORT = 16
"""Seconds that sessions last where they are renewed in a test."""
SESSION: Json = {"kind": "SessionToken"}


@pytest.fixture
def short(aws: AwsEmulator) -> Iterator[None]:
    """Makes every new session short."""
    aws.limit_sessions(SHORT)
    yield
    aws.limit_sessions(None)


@pytest.fixture
def borrower(site: Site, space: Space) -> Space:
    """Another team's namespace."""
    return site.space(f"{space.name}-b")


def _issued(form: Json, name: str = ENV, **fields: Any) -> list[Json]:
    return [{"name": name, "format": "env", "issue": form, **fields}]


def _session(space: Space, **fields: Any) -> tuple[str, str]:
    """Publish a session in place of a stored key; returns the stored one."""
    return space.published(targets=_issued(SESSION), **fields)


def _role(space: Space, *actions: str) -> str:
    """Make a user that may assume a role, and the role; returns its ARN."""
    user = space.aws.create_user(space.name, policies=[allow("sts:AssumeRole", "sts:TagSession")])
    return space.aws.create_role(
        space.name,
        trust=trust(user, actions=("sts:AssumeRole", "sts:TagSession")),
        policies=[allow(*actions)],
    )


def _whose(space: Space, name: str = ENV) -> str:
    """Return who the key in a target is, by the provider's word."""
    data = space.data(name)
    client = boto3.client(
        "sts",
        aws_access_key_id=data["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=data["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=data["AWS_SESSION_TOKEN"],
        region_name="eu-west-1",
        endpoint_url=space.aws.url,
        verify=space.aws.ca_path,
    )
    return str(client.get_caller_identity()["Arn"])


def _stored(space: Space, name: str = ENV) -> bytes:
    """Return all that is stored of a Secret, decoded too."""
    found = space.get("secret", name)
    parts = [base64.b64decode(value) for value in found["data"].values()]
    return b"\n".join([str(found).encode(), *parts])


def _calls(aws: AwsEmulator, action: str, key_id: str) -> int:
    return sum((call.action, call.access_key_id) == (action, key_id) for call in aws.calls)


def test_a_session_is_published_in_place_of_the_stored_key(space: Space) -> None:
    key = _session(space)

    assert _whose(space) == space.arn
    assert key[0].encode() not in _stored(space)
    assert key[1].encode() not in _stored(space)
    found = space.get("secret", ENV)["metadata"]
    (entry,) = space.get("credential", "backups")["status"]["targets"]
    assert found["annotations"][EXPIRES] == entry["expiresAt"]
    life = datetime.datetime.fromisoformat(entry["expiresAt"]) - datetime.datetime.fromisoformat(
        entry["publishedAt"]
    )
    assert datetime.timedelta(minutes=59) < life <= datetime.timedelta(minutes=60)


@pytest.mark.usefixtures("short")
def test_a_session_is_renewed_before_its_end_and_seldom(space: Space, aws: AwsEmulator) -> None:
    key = _session(space)

    ends, seen = time.monotonic() + 3 * SHORT, set()
    while time.monotonic() < ends:
        assert _whose(space) == space.arn
        seen.add(space.key_in(ENV))
        time.sleep(1)

    assert 3 <= len(seen) <= 7
    assert _calls(aws, "GetSessionToken", key[0]) <= len(seen) + 1
    assert space.get("secret", ENV)["metadata"]["annotations"][GENERATION] >= "3"
    space.becomes(Ready="True Available", RenewalFailing=None)


@pytest.mark.usefixtures("short")
def test_a_session_is_renewed_while_the_credential_is_suspended(space: Space) -> None:
    _session(space)
    space.patch("credential", "backups", {"spec": {"suspend": True}})
    space.becomes(Suspended="True Suspended")
    before = space.key_in(ENV)
    space.until(lambda: space.key_in(ENV) != before, "it is renewed")
    assert _whose(space) == space.arn


@pytest.mark.usefixtures("short")
def test_a_renewal_that_fails_is_said_before_the_end_and_mends_itself(space: Space, aws: AwsEmulator) -> None:
    role = _role(space, "s3:ListBucket")
    key = space.new_key()
    form = {"kind": "AssumeRole", "roleARN": role}
    space.apply(space.source(key), space.credential(targets=_issued(form)))
    space.becomes(Ready="True Available")

    aws.set_trust(role, trust("999999999999"))
    failing = space.becomes(Ready="True Available", RenewalFailing="True PermissionDenied")
    assert "sts:AssumeRole" in message(failing, "RenewalFailing")
    assert key[1] not in str(failing)
    space.becomes(Ready="False Expired", RenewalFailing="True PermissionDenied", seconds=120)

    aws.set_trust(role, trust(space.arn))
    space.becomes(Ready="True Available", RenewalFailing=None, seconds=120)
    assert ":assumed-role/" in _whose(space)
    reasons = [reason for _, reason in space.events()]
    assert reasons.count("PermissionDenied") <= 2


def test_what_others_do_to_a_target_is_undone_with_a_new_key_only_if_theirs_is_in_it(
    space: Space, aws: AwsEmulator
) -> None:
    key = _session(space)
    before = space.key_in(ENV)
    space.kubectl("annotate", "secret", ENV, "example.com/note=1", "credential-operator.io/digest-")
    space.kubectl("label", "secret", ENV, "app.kubernetes.io/managed-by=me", "--overwrite")
    space.until(
        lambda: space.get("secret", ENV)["metadata"]["labels"]["app.kubernetes.io/managed-by"] != "me",
        "the label is as it was",
    )

    space.kubectl("patch", "secret", ENV, "--patch", '{"stringData": {"AWS_SECRET_ACCESS_KEY": "mine"}}')
    space.until(lambda: space.data(ENV)["AWS_SECRET_ACCESS_KEY"] != "mine", "there is a good key")
    assert _whose(space) == space.arn
    assert space.key_in(ENV) != before

    after = space.key_in(ENV)
    made = _calls(aws, "GetSessionToken", key[0])
    space.kubectl("annotate", "secret", ENV, "credential-operator.io/expires-at=never", "--overwrite")
    space.until(
        lambda: space.get("secret", ENV)["metadata"]["annotations"][EXPIRES] != "never", "it says the end"
    )
    assert (space.key_in(ENV), _calls(aws, "GetSessionToken", key[0])) == (after, made)


def test_a_changed_spec_or_stored_key_has_a_new_one_made_and_a_restart_has_not(
    space: Space, site: Site, aws: AwsEmulator
) -> None:
    _session(space)
    first = space.key_in(ENV)
    role = aws.create_role(space.name, trust=trust(space.arn))
    aws.set_policies(space.arn, [allow("sts:AssumeRole")])
    space.patch(
        "credential", "backups", {"spec": {"targets": _issued({"kind": "AssumeRole", "roleARN": role})}}
    )
    space.until(lambda: space.key_in(ENV) != first, "it is another session")
    assert _whose(space).endswith(f":assumed-role/{space.name}/{space.name}.backups")
    space.becomes(Ready="True Available")

    second, other = space.key_in(ENV), space.new_key()
    space.apply(space.source(other))
    space.until(lambda: space.key_in(ENV) != second, "it is a session of the other key")
    assert _calls(aws, "AssumeRole", other[0]) == 1
    space.becomes(Ready="True Available")

    count = len(site.plane.kubectl("get", "credentials", "--all-namespaces", "--output=name").stdout.split())
    version = space.get("secret", ENV)["metadata"]["resourceVersion"]
    site.operator.kill()
    aws.reset_calls()
    site.operator.start()
    sites.wait(
        lambda: site.operator.metric("credential_operator_reconcile_total", kind="Credential") >= count,
        "all are looked at",
    )
    assert _calls(aws, "AssumeRole", other[0]) == 0
    assert space.get("secret", ENV)["metadata"]["resourceVersion"] == version


def test_borrowers_get_sessions_of_their_own_and_never_the_stored_key(space: Space, borrower: Space) -> None:
    role, key = _role(space, "s3:ListBucket"), space.new_key()
    form = {"kind": "AssumeRole", "roleARN": role, "sessionTags": {"namespace": "$(namespace)"}}
    shared = {"names": [borrower.name], "as": {"issue": form}}
    space.apply(space.source(key), space.credential(allowedNamespaces=shared))
    claim = borrower.reference()
    claim["spec"]["credentialRef"]["namespace"] = space.name
    claim["spec"]["target"] = {"name": ENV, "format": "env"}
    borrower.apply(claim)
    bound = borrower.becomes(
        "nightly", "credentialreference", Ready="True Available", Synced="True Published"
    )

    assert space.key_in(ENV) == key
    assert _whose(borrower).endswith(f":assumed-role/{space.name}/{borrower.name}.nightly")
    assert key[0].encode() not in _stored(borrower)
    assert key[1].encode() not in _stored(borrower)
    assert (
        bound["status"]["target"]["expiresAt"]
        == (borrower.get("secret", ENV)["metadata"]["annotations"][EXPIRES])
    )

    asks = {"spec": {"target": {"issue": {"kind": "SessionToken"}}}}
    borrower.patch("credentialreference", "nightly", asks)
    borrower.becomes("nightly", "credentialreference", Synced="False NotGranted")


@pytest.mark.usefixtures("short")
def test_a_borrowed_session_is_renewed_and_says_when_it_is_not(space: Space, borrower: Space) -> None:
    role, key = _role(space, "s3:ListBucket"), space.new_key()
    form = {"kind": "AssumeRole", "roleARN": role}
    shared = {"names": [borrower.name], "as": {"issue": form}}
    space.apply(space.source(key), space.credential(allowedNamespaces=shared))
    claim = borrower.reference()
    claim["spec"]["credentialRef"]["namespace"] = space.name
    claim["spec"]["target"] = {"name": ENV, "format": "env"}
    borrower.apply(claim)
    borrower.becomes("nightly", "credentialreference", Ready="True Available", Synced="True Published")
    before = borrower.key_in(ENV)
    borrower.until(lambda: borrower.key_in(ENV) != before, "it is renewed")

    space.aws.set_trust(role, trust("999999999999"))
    borrower.becomes(
        "nightly", "credentialreference", Ready="True Available", Synced="False PermissionDenied"
    )
    borrower.becomes("nightly", "credentialreference", Ready="False PermissionDenied", seconds=120)
    space.aws.set_trust(role, trust(space.arn))
    borrower.becomes(
        "nightly", "credentialreference", Ready="True Available", Synced="True Published", seconds=60
    )
    assert ":assumed-role/" in _whose(borrower)
