"""Which Secrets are taken over, which are left alone and why, and what is kept of the first."""

import base64
import datetime
import pathlib
from typing import Any

import pytest

from credential_operator import adoption, errors, installation, inventory
from credential_operator.objects import Key, Object

Json = dict[str, Any]

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
OWN = Object(inventory.CREDENTIAL, Key("a", "backups"))
OTHER = Object(inventory.CREDENTIAL, Key("a", "other"))
BORROWER = Object(inventory.REFERENCE, Key("a", "nightly"))
DATA = {"password": base64.b64encode(b"theirs").decode()}


def secret(name: str = "env", *, version: str = "7", **fields: Any) -> Json:
    metadata = {"namespace": "a", "name": name, "uid": f"uid-{name}", "resourceVersion": version}
    return {"metadata": metadata | fields.pop("metadata", {}), "type": "Opaque", "data": DATA, **fields}


def claim(**changes: Any) -> adoption.Claim:
    return adoption.Claim(**{"owner": OWN, "uid": "u", "secret_type": "Opaque", **changes})


def owner(uid: str = "u", name: str = "backups", kind: str = "Credential") -> Json:
    version = "credential-operator.io/v1beta1" if kind.startswith("Credential") else "external-secrets.io/v1"
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid}


def marked(name: str, value: str = "x", where: str = "annotations") -> Json:
    return secret(metadata={where: {name: value}})


FREE: dict[str, tuple[Json, adoption.Claim]] = {
    "nobody's": (secret(), claim()),
    "without anything in it": (secret(data=None), claim()),
    "labelled by people": (marked("app.kubernetes.io/instance", "shop", "labels"), claim()),
    "with what others only read": (marked("reflector.v1.k8s.emberstack.com/reflection-allowed"), claim()),
    "wanted by another that has not got it": (secret(), claim(others=[OTHER])),
    "our own without a digest": (
        secret(metadata={"labels": {inventory.OWNER: "backups"}, "ownerReferences": [owner()]}),
        claim(),
    ),
    "of the name's owner before a restore": (
        secret(metadata={"ownerReferences": [owner("gone")]}),
        claim(),
    ),
    "left by a Credential that is gone": (
        secret(
            metadata={
                "labels": {
                    inventory.OWNER: "gone",
                    "app.kubernetes.io/managed-by": "credential-operator",
                }
            }
        ),
        claim(others=[OTHER]),
    ),
}


@pytest.mark.parametrize("name", FREE)
def test_what_nobody_owns_may_be_taken_over(name: str) -> None:
    assert adoption.refusal(*FREE[name]) is None


REFUSED: dict[str, tuple[Json, adoption.Claim, str]] = {
    "the installation's key": (secret(installation.NAME), claim(), "the operator's own"),
    "the Secret with the keys that were made": (
        secret(metadata={"labels": {inventory.STORE: "backups"}}),
        claim(),
        "the operator's own",
    ),
    "one that goes": (
        secret(metadata={"deletionTimestamp": "2026-11-22T00:00:00Z"}),
        claim(),
        "is being deleted",
    ),
    "a source": (secret(), claim(readers=["web", "other"]), "holds the key of Credential other, web"),
    "another's": (
        secret(metadata={"ownerReferences": [owner(), owner("e", "db", "ExternalSecret")]}),
        claim(),
        "belongs to ExternalSecret db",
    ),
    "a namesake's of the other kind": (
        secret(metadata={"ownerReferences": [owner("r", "backups", "CredentialReference")]}),
        claim(),
        "belongs to CredentialReference backups",
    ),
    "another Credential's that lost its ownerReference": (
        marked(inventory.OWNER, "other", "labels"),
        claim(others=[OTHER]),
        "is a target of Credential other",
    ),
    "a borrower's that lost its ownerReference": (
        marked(inventory.BORROWER, "nightly", "labels"),
        claim(others=[OTHER, BORROWER]),
        "is a target of CredentialReference nightly",
    ),
    "Helm's": (
        marked("app.kubernetes.io/managed-by", "Helm", "labels"),
        claim(),
        "is written by Helm, as its label or annotation app.kubernetes.io/managed-by says",
    ),
    "some tool's": (marked("app.kubernetes.io/managed-by", "acme", "labels"), claim(), "is written by acme"),
    "one that cannot change": (secret(immutable=True), claim(), "is immutable"),
    "of another type": (
        secret(type="kubernetes.io/service-account-token"),
        claim(),
        "has the type kubernetes.io/service-account-token",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_somebody_owns_is_left_alone_and_says_why(name: str) -> None:
    found, wanted, says = REFUSED[name]

    assert says in (adoption.refusal(found, wanted) or "")


def test_the_page_names_every_tool_whose_secrets_are_left_to_it() -> None:
    page = (pathlib.Path(__file__).parents[2] / "docs" / "adopting.md").read_text()

    assert [name for name in adoption.MARKS.values() if name not in page] == []


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize("mark", adoption.MARKS)
def test_what_a_tool_marks_as_its_own_is_left_to_it(mark: str, where: str) -> None:
    said = adoption.refusal(marked(mark, where=where), claim())

    assert said is not None
    assert said.startswith(f"is written by {adoption.MARKS[mark]}, as its label or annotation {mark} says")


def test_a_mark_says_more_than_the_label_that_everybody_uses() -> None:
    found = marked("app.kubernetes.io/managed-by", "Helm", "labels")
    found["metadata"]["annotations"] = {"helm.toolkit.fluxcd.io/name": "shop"}

    assert "is written by Flux" in (adoption.refusal(found, claim()) or "")


# What is kept


def test_a_backup_holds_the_data_and_none_of_the_marks() -> None:
    found = secret(metadata={"labels": {"app": "theirs"}, "annotations": {adoption.LAST_APPLIED: "{}"}})

    assert adoption.backup(found, owner(), NOW) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "env-before-adoption",
            "namespace": "a",
            "labels": {
                "app.kubernetes.io/managed-by": "credential-operator",
                "credential-operator.io/before-adoption": "true",
            },
            "annotations": {
                "credential-operator.io/backup-of": "uid-env/7",
                "credential-operator.io/expires-at": "2026-12-22T12:00:00Z",
            },
            "ownerReferences": [owner()],
        },
        "type": "Opaque",
        "data": DATA,
    }
    assert adoption.backup(secret(data=None), owner(), NOW)["data"] == {}


def kept(found: Json) -> Json:
    """A backup as the API server gives it back."""
    document = adoption.backup(found, owner(), NOW)
    document["metadata"] |= {"uid": "uid-backup", "resourceVersion": "8"}
    return document


def test_a_backup_of_the_version_that_is_taken_over_is_whole() -> None:
    assert adoption.is_whole(kept(secret()), secret(), "u")


def test_a_backup_follows_a_secret_that_changes_before_it_is_taken_over() -> None:
    changed = secret(version="9", data={"password": "bmV3"})
    backup = kept(secret())
    backup["metadata"]["annotations"]["example.com/theirs"] = "1"

    assert not adoption.is_whole(backup, changed, "u")
    assert adoption.following(backup, changed) == [
        {"op": "test", "path": "/metadata/uid", "value": "uid-backup"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "8"},
        {
            "op": "add",
            "path": "/metadata/annotations",
            "value": backup["metadata"]["annotations"] | {adoption.BACKUP_OF: "uid-env/9"},
        },
        {"op": "add", "path": "/data", "value": {"password": "bmV3"}},
    ]


def test_a_backup_does_not_follow_what_may_be_our_own() -> None:
    ours = secret(version="9", metadata={"ownerReferences": [owner()]})

    assert adoption.is_whole(kept(secret()), ours, "u")


@pytest.mark.parametrize(
    "spoil",
    [
        {"labels": None},
        {"ownerReferences": None},
        {"ownerReferences": [owner("another")]},
        {"annotations": None},
        {"annotations": {adoption.BACKUP_OF: "uid-of-another/7"}},
    ],
    ids=["no label", "no owner", "another owner", "of nothing", "of another Secret"],
)
def test_a_backup_that_is_not_of_this_secret_is_left_alone(spoil: Json) -> None:
    backup = kept(secret())
    backup["metadata"] |= spoil

    with pytest.raises(errors.TargetConflict, match="env-before-adoption"):
        adoption.is_whole(backup, secret(), "u")


SOON, PAST = "2026-11-22T12:00:01Z", "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        ({}, True),
        ({"annotations": {inventory.EXPIRES: SOON}}, False),
        ({"annotations": {inventory.EXPIRES: "tomorrow"}}, False),
        ({"annotations": {inventory.EXPIRES: "2020-01-01T00:00:00"}}, False),
        ({"annotations": None}, False),
        ({"labels": {"app": "theirs"}}, False),
        ({"labels": None}, False),
        ({"ownerReferences": None}, False),
        ({"ownerReferences": [owner(kind="ExternalSecret")]}, False),
    ],
    ids=["its time", "before", "no time", "no zone", "never", "no backup", "no label", "nobody's", "others'"],
)
def test_a_backup_goes_when_its_time_is_over_and_nothing_else_does(changes: Json, *, over: bool) -> None:
    metadata = kept(secret())["metadata"] | {"annotations": {inventory.EXPIRES: PAST}} | changes

    assert adoption.is_over(metadata, NOW) is over
