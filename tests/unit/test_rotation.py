"""Who runs the previous key after a rotation: what containers have read, and when."""

import datetime
from typing import Any

import pytest

from credential_operator import findings, rotation, usage
from credential_operator.findings import User
from credential_operator.objects import Key, Object
from credential_operator.providers import contract

WRITTEN = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
BEFORE, AFTER = "2026-11-22T11:00:00Z", "2026-11-22T12:00:30Z"
SECRET = Key("a", "env")
USER = User("Deployment", "a", "api")

ENVIRONMENT = {"envFrom": [{"secretRef": {"name": "env"}}]}
VARIABLE = {"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "env", "key": "key"}}}]}
WHOLE = {"volumeMounts": [{"name": "keys", "mountPath": "/keys"}]}
PART = {"volumeMounts": [{"name": "keys", "mountPath": "/keys/key", "subPath": "key"}]}
EXPRESSED = {"volumeMounts": [{"name": "keys", "mountPath": "/keys/key", "subPathExpr": "$(POD)"}]}
OF_SECRET = {"name": "keys", "secret": {"secretName": "env"}}
PROJECTED = {
    "name": "keys",
    "projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": "env"}}]},
}
BY_DRIVER = {"name": "keys", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "env"}}}
BY_MOUNT = {"name": "keys", "azureFile": {"secretName": "env", "shareName": "x"}}
NEITHER = {"name": "keys", "emptyDir": {}, "note": "x"}


def pod(
    container: dict[str, Any], *volumes: dict[str, Any], since: str | None = BEFORE, word: str = ""
) -> Any:
    state = {"waiting": {}} if since is None else {"running": {"startedAt": since}}
    statuses = [{"name": "main", "state": state}]
    kind = {"": "containers"}.get(word, f"{word}Containers")
    named = {"": "containerStatuses"}.get(word, f"{word}ContainerStatuses")
    return {
        "spec": {kind: [{"name": "main", **container}], "volumes": [*volumes]},
        "status": {"startTime": since, named: statuses},
    }


def behind(document: Any, *, after: datetime.timedelta = MINUTE, written: Any = WRITTEN) -> rotation.Behind:
    return rotation.behind(document, USER, {SECRET: written}, WRITTEN + after)


@pytest.mark.parametrize(
    "document",
    [
        pod(ENVIRONMENT),
        pod(VARIABLE),
        pod(PART, OF_SECRET),
        pod(EXPRESSED, PROJECTED),
        pod(ENVIRONMENT, word="init"),
        pod(ENVIRONMENT, word="ephemeral"),
        pod({}, BY_DRIVER),
        pod({}, BY_MOUNT),
    ],
    ids=["envFrom", "env", "subPath", "subPathExpr", "sidecar", "ephemeral", "csi", "azureFile"],
)
def test_what_is_read_at_the_start_is_the_previous_key_until_the_container_starts_anew(document: Any) -> None:
    assert behind(document, after=60 * MINUTE) == rotation.Behind(users=frozenset((USER,)))
    started = {**document, "status": pod({}, since=AFTER)["status"]}
    for word in ("initContainerStatuses", "ephemeralContainerStatuses"):
        started["status"][word] = started["status"]["containerStatuses"]
    assert behind(started) == rotation.Behind()


@pytest.mark.parametrize("volume", [OF_SECRET, PROJECTED], ids=["secret", "projected"])
def test_a_volume_that_is_mounted_whole_follows_within_two_minutes(volume: Any) -> None:
    document = pod(WHOLE, volume)
    assert behind(document) == rotation.Behind(users=frozenset((USER,)), until=WRITTEN + 2 * MINUTE)
    assert behind(document, after=2 * MINUTE) == rotation.Behind()


@pytest.mark.parametrize(
    "document",
    [
        pod(ENVIRONMENT, since=None),
        pod({"env": [{"name": "A", "value": "b"}, {"name": "B", "valueFrom": {}}]}),
        pod({"envFrom": [{"configMapRef": {"name": "env"}}]}),
        pod({"envFrom": [{"secretRef": {"name": "other"}}]}),
        pod(WHOLE, NEITHER),
        {"spec": {"containers": [{"name": "main", **ENVIRONMENT}]}},
    ],
    ids=["waiting", "values", "configMap", "another", "emptyDir", "no status"],
)
def test_what_does_not_run_or_does_not_read_it_runs_no_previous_key(document: Any) -> None:
    assert behind(document) == rotation.Behind()


def test_where_the_secret_itself_is_behind_so_is_everybody_who_reads_it() -> None:
    for document in (pod(ENVIRONMENT, since=AFTER), pod(WHOLE, OF_SECRET, since=AFTER)):
        assert behind(document, written=None, after=60 * MINUTE).users == {USER}


def test_several_are_put_together_with_the_first_time_that_changes_something() -> None:
    other = User("Pod", "b", "x")
    found = rotation.together(
        [
            rotation.Behind(users=frozenset((USER,)), until=WRITTEN + MINUTE),
            rotation.Behind(users=frozenset((other,))),
            rotation.Behind(users=frozenset((USER,)), until=WRITTEN),
        ]
    )
    assert found == rotation.Behind(users=frozenset((USER, other)), until=WRITTEN)


def test_a_look_names_ten_and_counts_all() -> None:
    many = [User("Pod", "a", f"p{number:02}") for number in range(12)]
    old = {"publishedAt": BEFORE, "previousKeyID": "AKIA1", "stale": ["x"], "staleCount": 1, "drained": False}
    told = rotation.told(old, many, [USER])
    assert (told["staleCount"], len(told["stale"]), told["unknownCount"]) == (12, 10, 1)
    assert told["stale"][0] == {"kind": "Pod", "namespace": "a", "name": "p00"}
    assert told["drained"] is False
    assert rotation.told(old, [], []) == {"publishedAt": BEFORE, "previousKeyID": "AKIA1", "drained": True}


def found(**changes: Any) -> findings.Pass:
    timing = findings.Timing(interval=MINUTE, jitter=0, warn_before=MINUTE)
    base = {"generation": 1, "type": "aws", "verdict": contract.Validation(key_id="AKIA2"), "timing": timing}
    return findings.Pass(**{**base, "wanted": 1, **changes})


def test_a_rotation_begins_when_another_key_is_written() -> None:
    written = findings.Published(
        name="env", format="env", uid="u", version="2", published_at=AFTER, written=True
    )
    old = {"key": {"id": "AKIA1"}}
    assert rotation.begun(old, found(targets=(written,), new_key=True)) == "AKIA1"
    assert rotation.begun({}, found(targets=(written,), new_key=True)) == ""
    assert rotation.begun(old, found(targets=(written,))) is None
    assert rotation.begun(old, found(new_key=True)) is None


def test_without_targets_a_rotation_begins_when_another_key_is_accepted() -> None:
    old = {"key": {"id": "AKIA1"}}
    assert rotation.begun(old, found(wanted=0)) == "AKIA1"
    assert rotation.begun({"key": {"id": "AKIA2"}}, found(wanted=0)) is None
    assert rotation.begun({}, found(wanted=0)) is None
    assert rotation.begun(old, found(wanted=0, verdict=findings.UNCHANGED)) is None


def test_what_happens_to_users_of_followed_secrets_is_told_and_of_others_only_who_comes_and_goes() -> None:
    found, use = usage.Usage(), usage.Use(USER, (SECRET,))
    one, other = Object("Pod", Key("a", "p1")), Object("Pod", Key("a", "p2"))
    assert found.put(one, use) == (SECRET,)
    assert found.put(other, use) == ()
    found.follow(Key("a", "backups"), [SECRET])
    assert set(found.put(other, use)) == {SECRET}
    assert set(found.put(other, None)) == {SECRET}
    assert set(found.put(one, usage.Use(USER, (Key("a", "x"),)))) == {SECRET, Key("a", "x")}
    found.follow(Key("a", "others"), [SECRET])
    found.follow(Key("a", "others"), [])
    assert SECRET in found.put(other, use)
    found.put(other, None)
    found.follow(Key("a", "backups"), [])
    assert found.put(one, usage.Use(USER, (Key("a", "x"),))) == ()


def test_custom_resources_are_found_by_their_kinds() -> None:
    found = usage.Usage()
    cluster = User("Cluster", "a", "db")
    found.put(Object("Cluster", Key("a", "db")), usage.Use(cluster, (SECRET,)))
    found.put(
        Object("Cluster", Key("a", "other")), usage.Use(User("Cluster", "a", "other"), (Key("a", "x"),))
    )
    found.put(Object("Pod", Key("a", "p")), usage.Use(USER, (SECRET,)))
    assert found.of_kinds(["Cluster"], [SECRET]) == {cluster}
