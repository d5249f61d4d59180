"""Every rule of both kinds: an example that the API server accepts, and one that it refuses with advice."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import cases
from cluster.cases import reference, sharing
from cluster.cases.case import Case
from cluster.crds import KINDS, Answers, Json, document, dry_run, manifest, schema_of, serving, spec, target
from controlplane import ControlPlane
from credential_operator.api import schema
from unit import comparison


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with serving() as started:
        yield started


def role(**changes: Any) -> Json:
    return spec(aws={"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/a", **changes}})


def s3(**changes: Any) -> Json:
    return spec(without="aws", s3=changes)


SECRET_NAME = "must be the name of a Secret: lower-case letters, digits, '-' and '.'"
LIKE = "written like 90s, 30m or 1h30m"
CASES = {
    "a credential type is set": Case(
        "spec",
        "must have exactly one credential type, one of apiKey, aws,",
        good=spec(),
        bad=spec(without="aws"),
    ),
    "only one credential type is set": Case(
        "spec",
        "must have exactly one credential type, one of apiKey, aws,",
        good=spec(without="aws", s3={}),
        bad=spec(s3={}),
    ),
    "the source Secret has a name that a Secret can have": Case(
        "spec.secretRef.name",
        SECRET_NAME,
        good=spec(secretRef={"name": "keys.of-a"}),
        bad=spec(secretRef={"name": "My_Keys"}),
    ),
    "the source Secret's keys are for fields of the type aws": Case(
        "spec.secretRef.keys",
        "must name fields of aws: accessKeyID, secretAccessKey, sessionToken; not password",
        good=spec(secretRef={"name": "keys", "keys": {"secretAccessKey": "password"}}),
        bad=spec(secretRef={"name": "keys", "keys": {"password": "secretAccessKey"}}),
    ),
    "the source Secret's keys are for fields of the type s3": Case(
        "spec.secretRef.keys",
        "must name fields of s3: accessKeyID, encryptionKey, secretAccessKey, sessionToken; not password",
        good=spec(without="aws", s3={}, secretRef={"name": "keys", "keys": {"secretAccessKey": "password"}}),
        bad=spec(without="aws", s3={}, secretRef={"name": "keys", "keys": {"password": "secretAccessKey"}}),
    ),
    "the source Secret's keys are keys that a Secret can have": Case(
        "spec.secretRef.keys[accessKeyID]",
        "must be a key of a Secret: letters, digits, '-', '_' and '.', such as access-key",
        good=spec(secretRef={"name": "keys", "keys": {"accessKeyID": "User.Name_1"}}),
        bad=spec(secretRef={"name": "keys", "keys": {"accessKeyID": "user/name"}}),
    ),
    "the interval is a duration": Case(
        "spec.validation.interval",
        f"must be a duration from 1m to 720h, {LIKE}, or 0s: only when something changes",
        good=spec(validation={"interval": "1h30m"}),
        bad=spec(validation={"interval": "hourly"}),
    ),
    "the interval is not too short": Case(
        "spec.validation.interval",
        "must be a duration from 1m to 720h",
        good=spec(validation={"interval": "1m"}),
        bad=spec(validation={"interval": "59s"}),
    ),
    "the interval is not too long": Case(
        "spec.validation.interval",
        "must be a duration from 1m to 720h",
        good=spec(validation={"interval": "720h"}),
        bad=spec(validation={"interval": "721h"}),
    ),
    "the interval may be zero, and the timeout not": Case(
        "spec.validation.timeout",
        f"must be a duration from 1s to 30s, {LIKE}",
        good=spec(validation={"interval": "0s", "timeout": "1s"}),
        bad=spec(validation={"timeout": "0s"}),
    ),
    "the timeout is not too long": Case(
        "spec.validation.timeout",
        "must be a duration from 1s to 30s",
        good=spec(validation={"timeout": "30s"}),
        bad=spec(validation={"timeout": "31s"}),
    ),
    "the warning comes within a year": Case(
        "spec.expiry.warnBefore",
        f"must be a duration from 1h to 8760h, {LIKE}, or 0s: no warning",
        good=spec(expiry={"warnBefore": "8760h"}),
        bad=spec(expiry={"warnBefore": "8761h"}),
    ),
    "the end is a time": Case(
        "spec.expiresAt",
        "must be a time with its zone, such as 2027-01-31T00:00:00Z",
        good=spec(expiresAt="2027-01-31T01:00:00.5+01:00"),
        bad=spec(expiresAt="2027-01-31"),
    ),
    "the end is a day that there is": Case(
        "spec.expiresAt",
        "must be a time with its zone, such as 2027-01-31T00:00:00Z",
        good=spec(expiresAt="2028-02-29T00:00:00Z"),
        bad=spec(expiresAt="2027-02-30T00:00:00Z"),
    ),
    "a target has a name that a Secret can have": Case(
        "spec.targets[0].name", SECRET_NAME, good=target(name="a.b"), bad=target(name="a_b")
    ),
    "a target that adopts leaves room for the name of the backup": Case(
        "spec.targets[0].name",
        "must have at most 237 characters with adopt: true, to leave room for that of its backup",
        good=target(name="a" * 237, adopt=True),
        bad=target(name="a" * 238, adopt=True),
    ),
    "a target that does not adopt may have any name": Case(
        "spec.targets[0].name",
        "must have at most 237 characters",
        good=target(name="a" * 253, adopt=False),
        bad=target(name="a" * 253, adopt=True),
    ),
    "a target is not the source Secret": Case(
        "spec.targets",
        'must not name the source Secret "keys", which the operator never writes: choose another name',
        good=target(name="keys-env"),
        bad=target(name="keys"),
    ),
    "format fields needs keys": Case(
        "spec.targets[0].keys",
        "must be set for the format fields: write the Secret's keys and their fields",
        good=target(format="fields", keys={"user": "accessKeyID"}),
        bad=target(format="fields"),
    ),
    "other formats have keys of their own": Case(
        "spec.targets[0].keys",
        "must not be set for the format env, which has keys of its own: remove it, or write format: env-file",
        good=target(),
        bad=target(keys={"user": "accessKeyID"}),
    ),
    "a target's keys are keys that a Secret can have": Case(
        "spec.targets[0].keys",
        "every key must be a key of a Secret: letters, digits, '-', '_' and '.', such as access-key; not ",
        good=target(format="fields", keys={"a.b": "accessKeyID"}),
        bad=target(format="fields", keys={"a/b": "accessKeyID"}),
    ),
    "a target's keys take fields of the type aws": Case(
        "spec.targets",
        "must take their keys from the fields of aws: accessKeyID, accountID, ",
        good=target(format="fields", keys={"user": "accountID"}),
        bad=target(format="fields", keys={"user": "bucket"}),
    ),
    "a target's keys take fields of the type s3": Case(
        "spec.targets",
        "must take their keys from the fields of s3: accessKeyID, bucket, ",
        good={**target(format="fields", keys={"user": "bucket"}), "aws": None, "s3": {}},
        bad={**target(format="fields", keys={"user": "accountID"}), "aws": None, "s3": {}},
    ),
    "labels have keys that labels can have": Case(
        "spec.targets[0].labels",
        'every key must be a label or annotation key, such as app or example.com/team; not "a b"',
        good=target(labels={"example.com/a": "b"}),
        bad=target(labels={"a b": "b"}),
    ),
    "labels have values that labels can have": Case(
        "spec.targets[0].labels[a]",
        "must be a label value: letters, digits, '-', '_' and '.', beginning and ending with a letter",
        good=target(labels={"a": ""}),
        bad=target(labels={"a": "-"}),
    ),
    "labels of the operator are its own": Case(
        "spec.targets[0].labels",
        "must have prefixes of at most 253 characters other than credential-operator.io",
        good=target(labels={"my.credential-operator.io/owner": "x"}),
        bad=target(labels={"credential-operator.io/owner": "x"}),
    ),
    "annotations have keys that annotations can have": Case(
        "spec.targets[0].annotations",
        'every key must be a label or annotation key, such as app or example.com/team; not "/a"',
        good=target(annotations={"a": "anything / at all"}),
        bad=target(annotations={"/a": ""}),
    ),
    "annotations have prefixes that annotations can have": Case(
        "spec.targets[0].annotations",
        "must have prefixes of at most 253 characters other than credential-operator.io",
        good=target(annotations={f"{'a' * 253}/a": "x"}),
        bad=target(annotations={f"{'a' * 254}/a": "x"}),
    ),
    "aws: the region is a region": Case(
        "spec.aws.region",
        "must be an AWS region, such as eu-west-1",
        good=spec(aws={"region": "us-gov-west-1"}),
        bad=spec(aws={"region": "Ireland"}),
    ),
    "aws: the account is an account's number": Case(
        "spec.aws.accountID",
        "must be an AWS account number: 12 digits",
        good=spec(aws={"accountID": "012345678901"}),
        bad=spec(aws={"accountID": "1234"}),
    ),
    "aws: the role is a role's ARN": Case(
        "spec.aws.assumeRole.roleARN",
        "must be the ARN of a role, such as arn:aws:iam::123456789012:role/backup",
        good=role(),
        bad=role(roleARN="backup"),
    ),
    "aws: the external ID has only signs that AWS takes": Case(
        "spec.aws.assumeRole.externalID",
        "must be an external ID: letters, digits and _+=,.@:/-",
        good=role(externalID="a:b/c"),
        bad=role(externalID="a b"),
    ),
    "aws: the session's name has only signs that AWS takes": Case(
        "spec.aws.assumeRole.sessionName",
        "must be a session name: letters, digits and _+=,.@-",
        good=role(sessionName="me@home"),
        bad=role(sessionName="me at home"),
    ),
    "aws: sessions last as long as AWS allows": Case(
        "spec.aws.assumeRole.duration",
        "must be a duration from 15m to 12h",
        good=role(duration="12h"),
        bad=role(duration="13h"),
    ),
    "aws: the endpoint is a URL": Case(
        "spec.aws.endpoint",
        "must be a URL without path, such as https://sts.eu-west-1.amazonaws.com",
        good=spec(aws={"endpoint": "https://sts.example.com:8443"}),
        bad=spec(aws={"endpoint": "sts.example.com"}),
    ),
    "s3: the region is a region": Case(
        "spec.s3.region",
        "must be a region, such as eu-west-1",
        good=s3(region="garage"),
        bad=s3(region="a b"),
    ),
    "s3: the endpoint is a host or a URL": Case(
        "spec.s3.endpoint",
        "must be a host or a URL without path, such as https://minio.example.com:9000",
        good=s3(endpoint="minio.example.com"),
        bad=s3(endpoint="https://minio.example.com/backups"),
    ),
    "s3: the bucket has a bucket's name": Case(
        "spec.s3.bucket", "must be a bucket's name", good=s3(bucket="my.backups"), bad=s3(bucket="my backups")
    ),
    **cases.found(),
}
CASES |= {**reference.of_targets(CASES), **sharing.of_targets(CASES)}


@pytest.fixture(scope="module")
def answers(plane: ControlPlane) -> Answers:
    """What kubectl says to all examples, asked at once."""
    numbered = list(enumerate(CASES.values()))
    good = [document(f"good-{number}", case.good, case.kind) for number, case in numbered]
    return dry_run(
        plane, *good, *(document(f"bad-{number}", case.bad, case.kind) for number, case in numbered)
    )


@pytest.mark.parametrize(("number", "case"), [*enumerate(CASES.values())], ids=CASES)
def test_a_rule_lets_the_good_pass_and_says_what_to_write_instead_of_the_bad(
    answers: Answers, number: int, case: Case
) -> None:
    place, why = f"{case.path}: Invalid value: ", answers.why(f"bad-{number}")

    assert f"/good-{number} created" in answers.accepted, answers.why(f"good-{number}")
    assert why.startswith(place)
    assert case.says in why
    assert len(why.splitlines()) == 1


def test_a_name_fits_into_a_label(plane: ControlPlane) -> None:
    answers = dry_run(plane, document("a" * 63, spec()), document("a" * 64, spec()))

    assert f"{'a' * 63} created" in answers.accepted
    assert "metadata.name must have at most 63 characters" in answers.why("a" * 64)

    lent = {"credentialRef": {"name": "a"}, "target": {"name": "env", "format": "env"}}
    held = {"credentialRef": {"name": "a"}}
    named = [document(name * 64, claim, "CredentialReference") for name, claim in (("b", lent), ("c", held))]
    answers = dry_run(plane, *named)
    assert f"{'c' * 64} created" in answers.accepted
    assert "metadata.name must have at most 63 characters" in answers.why("b" * 64)


def test_two_targets_are_two_secrets(plane: ControlPlane) -> None:
    one, other = {"name": "a", "format": "env"}, {"name": "b", "format": "env"}
    answers = dry_run(
        plane, document("good", spec(targets=[one, other])), document("bad", spec(targets=[one, one]))
    )

    assert "/good created" in answers.accepted
    assert 'spec.targets[1]: Duplicate value: {"name":"a"}' in answers.why("bad")
    assert "two targets cannot be the same Secret: give each a name of its own" in answers.why("bad")


def test_everything_that_is_wrong_with_a_field_is_said_at_once(plane: ControlPlane) -> None:
    targets = [
        {"name": "keys", "format": "env"},
        {"name": "b", "format": "fields", "keys": {"a": "password"}},
    ]
    assert dry_run(plane, document("bad", spec(targets=targets))).why("bad") == (
        'spec.targets: Invalid value: must not name the source Secret "keys", which the operator never writes: '
        "choose another name; must take their keys from the fields of aws: accessKeyID, accountID, "
        "durationSeconds, endpoint, externalID, region, roleARN, secretAccessKey, sessionName, sessionToken"
    )


def test_a_field_that_there_is_not_is_refused_by_its_name(plane: ControlPlane) -> None:
    assert 'unknown field "spec.aardvark"' in dry_run(plane, document("bad", spec(aardvark={}))).refused


def test_what_is_distributed_takes_nothing_over(plane: ControlPlane) -> None:
    adopting = {"name": "a", "format": "env", "adopt": True}
    given = spec(allowedNamespaces={"all": True}, distribute={"target": adopting})

    assert 'unknown field "spec.distribute.target.adopt"' in dry_run(plane, document("bad", given)).refused


def test_the_type_stays_and_the_rest_may_change(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", input=manifest(document("stays", spec())))

    changed = dry_run(plane, document("stays", spec(suspend=True, aws={"region": "eu-west-1"})))
    moved = dry_run(plane, document("stays", {**spec(), "aws": None, "s3": {}}))

    assert "configured" in changed.accepted
    assert moved.why("stays") == (
        "spec: Invalid value: the credential type cannot change, it stays aws: "
        "create another Credential, and delete this one when nothing uses it"
    )


def test_a_key_that_renews_itself_stays_where_it_is_kept(plane: ControlPlane) -> None:
    kept = spec(rotation={"store": "kept"})
    plane.kubectl("apply", "-f", "-", input=manifest(document("renewed", kept)))

    assert "configured" in dry_run(plane, document("renewed", spec())).accepted
    assert (
        "configured"
        in dry_run(plane, document("renewed", spec(rotation={"store": "kept", "interval": "2h"}))).accepted
    )
    assert "cannot change, since the Secret holds the only copy of the key" in dry_run(
        plane, document("renewed", spec(rotation={"store": "elsewhere"}))
    ).why("renewed")


def test_a_reference_stays_with_its_holder_and_its_credential(plane: ControlPlane) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": "nightly"}
    claim = {"credentialRef": {"name": "backups"}, "holder": job}
    plane.kubectl("apply", "-f", "-", input=manifest(document("held", claim, kind="CredentialReference")))

    changes: tuple[tuple[Json, str], ...] = (
        ({"holder": {**job, "name": "hourly"}}, "another holder"),
        ({"holder": None}, "another holder"),
        ({"credentialRef": {"name": "others"}}, "another Credential"),
        ({"credentialRef": None, "credentialSelector": {"types": ["s3"]}}, "another Credential"),
    )
    for change, what in changes:
        changed = document("held", {**claim, **change}, kind="CredentialReference")
        assert f"cannot change: make another reference for {what}" in dry_run(plane, changed).why("held")


def rules() -> Iterator[tuple[str, Json]]:
    """Every rule with the path that a refusal points at, `[]` for an index and `.*` for a key.

    One that puts several together comes as those.
    """
    for kind in KINDS:
        for path, field in schema.fields(schema_of(kind), kind):
            for rule in comparison.each(field):
                yield path + rule.get("fieldPath", ""), rule


def test_every_rule_has_its_examples() -> None:
    known = {(f"{case.kind}.{_anywhere(case.path)}", case.says) for case in CASES.values()}
    known |= {
        ("Credential", "metadata.name must have at most 63 characters"),
        ("Credential.spec", "the credential type cannot change"),
        ("Credential.spec.rotation.store", "cannot change, since the Secret holds the only copy of the key"),
        ("CredentialReference", "metadata.name must have at most 63 characters"),
        ("CredentialReference.spec.holder", "cannot change: make another reference"),
        ("CredentialReference.spec", "what is needed cannot change: make another reference"),
        ("CredentialReference.spec.target.format", "the Secret of the new format has another type"),
        ("Credential.spec.targets", "two targets cannot be the same Secret"),
        ("Credential.spec.targets[].format", "the Secret of the new format has another type"),
        ("Credential.spec.distribute.target.format", "the Secret of the new format has another type"),
    }
    without = [
        (path, rule["message"])
        for path, rule in rules()
        if not any(path == where and _same(says, rule) for where, says in known)
    ]
    assert without == []


def _anywhere(path: str) -> str:
    """Gives a path with `[]` for an index and `.*` for a key."""
    return re.sub(r"\[[a-zA-Z]+\]", ".*", re.sub(r"\[[0-9]+\]", "[]", path))


def _same(says: str, rule: Json) -> bool:
    """Tells whether kubectl's words are a rule's: of those that name a value, the beginning is the same."""
    message = rule["message"]
    if says in rule.get("messageExpression", ""):
        return True
    return says in message or says.startswith(message) or says.split()[:4] == message.split()[:4]
