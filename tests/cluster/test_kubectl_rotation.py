"""`kubectl credential rotate`: a new key of one's own, or of the operator's making."""

import json

import pytest

from cluster.desk import WRONG, Desk, variables
from cluster.space import Json
from emulators.aws import allow


def test_a_new_key_is_published_once_it_is_accepted(desk: Desk) -> None:
    desk.publish()
    new = desk.space.new_key()

    answer = desk.run("rotate", "backups", "--from-env", "--wait", user="alice", **variables(new))

    assert answer.returncode == 0, answer.stderr
    assert "backups is valid" in answer.stdout
    assert "backups is drained" in answer.stdout
    assert desk.space.key_in() == new
    assert new[1] not in answer.stdout + answer.stderr


def test_the_operator_is_asked_for_the_next_key_where_it_makes_them(desk: Desk) -> None:
    space = desk.space
    space.aws.set_policies(space.arn, [allow("iam:*")])
    where = {"region": "eu-west-1", "endpoint": space.aws.url, "iamEndpoint": space.aws.url}
    desk.publish(aws=where, rotation={"interval": "8760h", "store": "backups-kept"})
    old = space.key_in()
    space.until(lambda: desk.shown("describe", "backups", user="alice").count("Next key"), "it is told")
    refused = ("rotate", "backups", "--from-env")
    assert "leave out where a key is" in desk.fails(2, *refused, user="alice", **variables(space.new_key()))
    space.aws.delete_key(space.aws.keys(space.name)[-1][0])

    rehearsed = desk.shown("rotate", "backups", "--dry-run", user="alice")
    assert rehearsed == "The operator would make the next key of backups.\n"
    assert space.key_in() == old

    said = desk.shown("rotate", "backups", "--wait", user="alice")

    new = space.key_in()
    assert new is not None
    assert new != old
    assert new[1] not in said
    assert space.data("backups-kept") == space.fields(new)
    assert "is ended when nothing runs it" in desk.fails(1, "rotate", "backups", user="alice")
    assert "Secret backups-kept" in desk.shown("describe", "backups", user="alice")


def test_a_new_key_that_is_refused_gives_way_to_the_old_one(desk: Desk) -> None:
    desk.publish()
    before, published = desk.space.data("backups-keys"), desk.space.key_in()
    refused = variables((desk.space.new_key()[0], WRONG))

    said = desk.fails(3, "rotate", "backups", "--from-env", user="alice", **refused)

    assert "The old key was put back." in said
    assert WRONG not in said
    assert (desk.space.data("backups-keys"), desk.space.key_in()) == (before, published)
    desk.space.becomes(Ready="True Available", Synced="True Published")


def test_a_new_key_stands_where_the_old_one_stood_and_what_is_not_given_stays(desk: Desk) -> None:
    old, new = desk.space.new_key(), desk.space.new_key()
    names = {"AWS_ACCESS_KEY_ID": old[0], "password": old[1], "unrelated": "stays"}
    desk.space.apply(desk.space.secret("keys", {**names, "sessionToken": "Kanarie"}))
    keyed = {"name": "keys", "keys": {"secretAccessKey": "password"}}
    desk.space.apply(desk.space.credential(secretRef=keyed))
    desk.space.becomes(Validated="False Rejected", seconds=120)

    words = ("rotate", "backups", "--from-env", "--drop", "sessionToken", "--output", "json")
    shown = json.loads(desk.shown(*words, user="alice", **variables(new)))

    assert shown["status"]["key"]["id"] == new[0]
    assert desk.space.data("keys") == {"AWS_ACCESS_KEY_ID": new[0], "password": new[1], "unrelated": "stays"}


@pytest.mark.parametrize(
    ("metadata", "spec", "told"),
    [
        (
            {"ownerReferences": [{"apiVersion": "e/v1", "kind": "ExternalSecret", "name": "b", "uid": "u"}]},
            {},
            "is written by ExternalSecret b",
        ),
        ({}, {"format": "velero"}, "has the layout velero"),
    ],
)
def test_a_secret_that_another_tool_writes_is_left_to_it(
    desk: Desk, metadata: Json, spec: Json, told: str
) -> None:
    desk.space.apply(desk.space.secret("keys", {"cloud": "x"}, **metadata))
    desk.space.apply(desk.space.credential(secretRef={"name": "keys", **spec}))

    said = desk.fails(1, "rotate", "backups", "--from-env", user="alice", **variables(desk.space.new_key()))

    assert told in said
    assert desk.space.data("keys") == {"cloud": "x"}
