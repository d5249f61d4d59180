"""Targets: ours are repaired, what others add to them stays, and what is not ours is never touched."""

import json
from collections.abc import Callable

import pytest

from cluster.sites import Site
from cluster.space import GENERATION, OWNER, Json, Space

Spoil = Callable[[Space], None]


def _edit_data(space: Space) -> None:
    space.patch("secret", "backups-env", {"stringData": {"AWS_SECRET_ACCESS_KEY": "somebody's"}})


def _add_data(space: Space) -> None:
    space.patch("secret", "backups-env", {"stringData": {"EXTRA": "somebody's"}})


def _drop_data(space: Space) -> None:
    space.patch("secret", "backups-env", {"data": None})


def _delete(space: Space) -> None:
    space.kubectl("delete", "secret", "backups-env")


def _disown(space: Space) -> None:
    space.patch("secret", "backups-env", {"metadata": {"ownerReferences": None}})


def _drop_digest(space: Space) -> None:
    space.patch("secret", "backups-env", {"metadata": {"annotations": None}})


@pytest.mark.parametrize(
    "spoil",
    [_edit_data, _add_data, _drop_data, _delete, _disown, _drop_digest],
    ids=lambda spoil: spoil.__name__,
)
def test_a_target_that_somebody_changes_is_repaired(space: Space, spoil: Spoil) -> None:
    key = space.published()
    before = space.get("secret", "backups-env")
    own = before["metadata"]["annotations"].keys()

    spoil(space)

    def repaired() -> bool:
        found = space.find("secret", "backups-env")
        return (
            found is not None
            and found.get("data") == before["data"]
            and (found["metadata"].get("annotations") or {}).keys() >= own
            and bool(found["metadata"].get("ownerReferences"))
        )

    space.until(repaired, "the target is as it was")
    space.becomes(Ready="True Available", Synced="True Published")
    space.until(lambda: ("Normal", "Repaired") in space.events(), "the repair is told")
    assert space.key_in() == key


def test_labels_and_annotations_of_others_survive(space: Space) -> None:
    space.published()
    space.kubectl("label", "secret", "backups-env", "example.com/theirs=1")
    space.kubectl("annotate", "secret", "backups-env", "example.com/theirs=2")
    key = space.new_key()

    space.apply(space.source(key))
    space.until(lambda: space.key_in() == key, "the new key is published")

    metadata = space.get("secret", "backups-env")["metadata"]
    assert metadata["labels"]["example.com/theirs"] == "1"
    assert metadata["annotations"]["example.com/theirs"] == "2"


def test_labels_follow_the_spec_and_those_of_others_stay(space: Space) -> None:
    target = {"name": "backups-env", "format": "env"}
    first = {"labels": {"tier": "backup", "app": "restic"}, "annotations": {"example.com/note": "mine"}}
    space.published(targets=[target | first])
    space.kubectl("label", "secret", "backups-env", "example.com/theirs=1")
    space.becomes(Ready="True Available")

    space.apply(space.credential(targets=[target | {"labels": {"tier": "archive"}}]))
    space.becomes(Ready="True Available")

    metadata = space.get("secret", "backups-env")["metadata"]
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "credential-operator",
        OWNER: "backups",
        "tier": "archive",
        "example.com/theirs": "1",
    }
    assert "example.com/note" not in metadata["annotations"]


def test_a_target_that_the_spec_no_longer_names_is_deleted(space: Space) -> None:
    names = ("one", "two")
    space.published(targets=[{"name": name, "format": "env"} for name in names])
    uid = space.get("secret", "one")["metadata"]["uid"]

    space.apply(space.credential(targets=[{"name": "one", "format": "env"}]))
    found = space.becomes(Ready="True Available", Synced="True Published")

    assert [target["name"] for target in found["status"]["targets"]] == ["one"]
    assert space.find("secret", "two") is None
    assert space.get("secret", "one")["metadata"]["uid"] == uid


def test_a_key_is_laid_out_in_every_format_that_is_asked_for(space: Space) -> None:
    key = space.published(
        targets=[
            {"name": "env", "format": "env"},
            {"name": "file", "format": "aws-credentials-file"},
            {"name": "velero", "format": "velero"},
            {
                "name": "chosen",
                "format": "fields",
                "keys": {"user": "accessKeyID", "password": "secretAccessKey"},
            },
            {"name": "solver", "format": "cert-manager"},
            {
                "name": "document",
                "format": "json",
                "keys": {"user": "accessKeyID", "password": "secretAccessKey"},
                "options": {"key": "app.json"},
            },
        ]
    )

    assert space.key_in("env") == key
    assert space.data("chosen") == {"user": key[0], "password": key[1]}
    assert space.data("solver") == {"access-key-id": key[0], "secret-access-key": key[1]}
    assert json.loads(space.data("document")["app.json"]) == {"user": key[0], "password": key[1]}
    for name, field in (("file", "credentials"), ("velero", "cloud")):
        lines = space.data(name)[field].splitlines()
        assert key[1] in [line.partition("=")[2].strip() for line in lines]


# What is not ours


def _foreign(space: Space) -> Json:
    space.apply(space.secret("backups-env", {"theirs": "1"}, labels={"app": "theirs"}))
    return space.get("secret", "backups-env")


def test_a_secret_of_somebody_else_is_never_touched_and_the_conflict_ends_by_itself(space: Space) -> None:
    space.new_user()
    theirs = _foreign(space)
    key = space.new_key()

    space.apply(space.source(key), space.credential())
    space.becomes(
        Ready="False TargetConflict",
        Validated="True Accepted",
        Synced="False TargetConflict",
        Stalled="True TargetConflict",
    )
    space.until(lambda: space.events() == [("Warning", "TargetConflict")], "people are told")

    space.kubectl("delete", "credential", "backups")
    assert space.get("secret", "backups-env") == theirs

    space.apply(space.credential())
    space.becomes(Ready="False TargetConflict")
    space.kubectl("delete", "secret", "backups-env")
    space.becomes(Ready="True Available", Synced="True Published", Stalled=None)
    assert space.key_in() == key


def test_a_secret_that_takes_the_name_of_a_target_is_not_ours(space: Space, site: Site) -> None:
    space.published()
    late = site.proxy.delay(1.0, method="POST", path=f"/namespaces/{space.name}/secrets$")

    space.run("replace", "--force", "--filename=-", documents=(space.secret("backups-env", {"theirs": "1"}),))
    theirs = space.get("secret", "backups-env")
    space.becomes(Ready="False TargetConflict", Synced="False TargetConflict")
    site.proxy.lift(late)

    assert space.get("secret", "backups-env") == theirs


def test_a_label_alone_does_not_make_a_secret_ours(space: Space) -> None:
    space.new_user()
    labels = {OWNER: "backups", "app.kubernetes.io/managed-by": "credential-operator"}
    space.apply(space.secret("backups-env", {"theirs": "1"}, labels=labels, annotations={GENERATION: "1"}))
    before = space.get("secret", "backups-env")

    space.apply(space.source(space.new_key()), space.credential())

    space.becomes(Ready="False TargetConflict")
    assert space.get("secret", "backups-env") == before


def test_two_credentials_do_not_share_a_target(space: Space) -> None:
    key = space.published()

    space.apply(space.credential("other", targets=[{"name": "backups-env", "format": "env"}]))
    space.becomes("other", Ready="False TargetConflict")
    space.kubectl("delete", "credential", "other")

    assert space.key_in() == key
    space.becomes(Ready="True Available")


@pytest.mark.parametrize(
    ("field", "value"),
    [("targets", [{"name": "keys", "format": "env"}]), ("targets", [{"name": "t", "format": "nonsense"}])],
    ids=["the source itself", "an unknown format"],
)
def test_a_target_that_cannot_be_is_refused_at_once(space: Space, field: str, value: object) -> None:
    document = space.credential("backups", **{field: value})

    refused = space.run("apply", "--filename=-", documents=(document,), check=False)

    assert refused.returncode != 0
    assert "spec.targets" in refused.stderr, json.dumps(document)
