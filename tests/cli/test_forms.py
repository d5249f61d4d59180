"""What documents are read into, and how values are read and written."""

import click
import pytest

from cli import world
from credential_operator.cli import description, documents, manifests, options, picture, tables
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import Credential, Reference


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172800)])
def test_lengths_of_time_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert options.SECONDS.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "90", "m", "1h 30m", "1x", "-5s"])
def test_other_lengths_of_time_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.SECONDS.convert(text, None, None)


def test_a_credential_without_a_stored_key_comes_from_its_service_account() -> None:
    spec = {"aws": {}, "workloadIdentity": {"serviceAccountName": "backup"}}
    one = Credential(world.credential("keyless", 8, spec))

    assert one.source == "ServiceAccount backup"
    assert picture.picture(Facts(credential=one)).label == "ServiceAccount team-a/backup  (source)"


def test_the_type_of_a_credential_is_known_before_it_is_looked_at() -> None:
    assert Credential(world.NEW).type == "jwt"
    later = Credential(
        world.credential("later", 8, {"quantum": {"b": 1, "a": True}, "secretRef": {"name": "k"}})
    )
    assert later.type == documents.UNKNOWN
    known = Credential(world.credential("l", 8, {"quantum": {"b": 1, "a": True}}, type="quantum"))
    assert known.public == {"a": True, "b": 1}


def test_references_that_the_operator_keeps_are_known_by_their_label() -> None:
    kept = world.reference("kept", world.BACKUPS)
    kept["metadata"]["labels"] = {documents.DISTRIBUTED: "x"}

    assert Reference(kept).distributed
    assert not Reference(world.reference("own", world.BACKUPS)).distributed


def test_a_reference_that_nothing_is_said_of_yet_needs_what_it_names() -> None:
    fresh = world.reference("fresh", world.BACKUPS)
    del fresh["status"]

    assert Reference(fresh).needs(Credential(world.BACKUPS))
    assert not Reference(fresh).needs(Credential(world.ARCHIVE))


def test_references_are_sorted_out_by_the_credential_that_they_need() -> None:
    fresh = world.reference("fresh", world.ARCHIVE)
    del fresh["status"]
    selecting = world.reference("selecting", world.BACKUPS, bound=False)
    selecting["spec"] = {"credentialSelector": {"types": ["s3"]}}

    found = documents.needing(
        map(Reference, [fresh, selecting, *world.REFERENCES]), map(Credential, [world.BACKUPS, world.ARCHIVE])
    )

    assert {uid: [one.user.name for one in needing] for uid, needing in found.items()} == {
        world.uid(1): ["nightly", "costs"],
        world.uid(2): ["fresh"],
    }


def test_all_namespaces_are_named_as_such_and_more_users_are_counted() -> None:
    shared = {"jwt": {}, "secretRef": {"name": "k"}, "allowedNamespaces": {"all": True}}
    rotated = {"publishedAt": world.ago(days=1), "drained": True}
    one = Credential(world.credential("a", 8, shared, references={"count": 3}, rotation=rotated))

    lines = dict(
        line for section in description.sections(Facts(credential=one), world.NOW) for line in section.lines
    )

    assert lines["Shared with"].text == "all namespaces"
    assert lines["Drained"].text == "yes, nothing in this cluster runs the previous key"
    (row,) = description.references(Facts(credential=one), world.NOW).rows
    assert "and 3 more" in [cell.text for cell in row]


def test_keys_that_the_operator_makes_are_told_with_where_it_keeps_them() -> None:
    spec = {"aws": {}, "secretRef": {"name": "k"}, "rotation": {"store": "kept"}}
    managed = {"keyID": "B", "candidateKeyID": "C", "previousKeyID": "A", "nextTime": world.ahead(days=30)}
    one = Credential(
        world.credential("a", 8, spec, source={"secretName": "kept"}, rotation={"managed": managed})
    )
    lines = dict(line for section in description.sections(_facts(one), world.NOW) for line in section.lines)
    assert (one.store, one.source, one.previous) == ("kept", "Secret kept", "A")
    assert one.secrets == {"kept": "source", "k": "first key"}
    assert (lines["Not accepted yet"].text, lines["Ends when drained"].text) == ("C", "A")
    assert "Next key" in lines

    before = Credential(world.credential("a", 8, spec, source={"secretName": "k"}))
    assert (before.store, before.source, before.secrets) == ("", "Secret k", {"k": "source"})


def test_an_event_about_a_credential_names_it_and_when() -> None:
    event = manifests.event(world.BACKUPS, "ReferencesDeleted", "alice did", world.NOW)
    assert event["involvedObject"]["uid"] == world.BACKUPS["metadata"]["uid"]
    assert (event["metadata"]["namespace"], event["message"]) == ("team-a", "alice did")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-11-22T12:00:00Z"


def test_a_rotation_that_is_not_watched_says_nothing_of_draining() -> None:
    one = Credential(world.credential("a", 8, {"jwt": {}}, rotation={"publishedAt": world.ago(days=1)}))
    lines = [name for section in description.sections(_facts(one), world.NOW) for name, _ in section.lines]

    assert "New key published" in lines
    assert "Drained" not in lines


def _facts(one: Credential) -> Facts:
    spec = {**one.document["spec"], "secretRef": {"name": "k"}}
    return Facts(credential=Credential({**one.document, "spec": spec}))


def test_what_was_found_is_the_same_for_programs() -> None:
    facts = Facts(
        credential=Credential(world.BACKUPS),
        references=[Reference(world.REFERENCES[0])],
        consumers={("team-a", "backups-env"): [documents.User("Deployment", "team-a", "api")]},
    )

    found = description.document(facts)

    assert [one["name"] for one in found["secrets"]] == ["backups-keys", "backups-env", "backups-velero"]
    assert found["secrets"][1]["consumers"] == [{"kind": "Deployment", "namespace": "team-a", "name": "api"}]
    (declared,) = description.declared(facts, world.NOW).rows
    assert declared[1].text == "nightly"


def test_a_picture_for_programs_is_a_tree() -> None:
    root = picture.picture(Facts(credential=Credential(world.ARCHIVE)))

    assert picture.document(root) == {
        "kind": "Secret",
        "name": "team-a/archive-keys",
        "about": "source",
        "below": [
            {"kind": "Credential", "name": "team-a/archive", "about": "s3, Available", "below": []},
        ],
    }


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (True, "true"), (["a", "b"], "a,b"), (7, "7"), ("x", "x")]
)
def test_values_are_written_as_people_write_them(value: object, text: str) -> None:
    assert tables.cell(value).text == text
