"""`kubectl credential check` and `import`: files and Secrets, the API server's word on them, and what comes of it."""

import base64
import json
import secrets
from typing import Any

import yaml

from cluster.desk import WRONG, Desk
from cluster.space import Json


def manifests(desk: Desk, key: tuple[str, str], **fields: Any) -> str:
    """Return a file with a Credential and its Secret."""
    return yaml.safe_dump_all([desk.space.source(key), desk.space.credential(**fields)])


def through(desk: Desk) -> tuple[str, ...]:
    """Return the options with which this test's cloud can be asked."""
    return ("--allow-endpoint", "127.0.0.1", "--ca-bundle", str(desk.space.aws.ca_path))


def judged(desk: Desk, status: int, text: str, *words: str, user: str = "alice") -> Json:
    """Return what is said of the Credential of a file; the command must end with this status."""
    answer = desk.run("check", "-f", "-", "-o", "json", *through(desk), *words, stdin=text, user=user)
    assert answer.returncode == status, answer.stdout + answer.stderr
    (found,) = json.loads(answer.stdout)["items"]
    return dict(found)


def test_what_is_valid_is_applied_and_becomes_available(desk: Desk) -> None:
    text = manifests(desk, desk.space.new_key())

    said = judged(desk, 0, text, "--server")
    assert (said["outcome"], said["reason"]) == ("Valid", "Accepted")
    assert said["message"] == f"The provider accepted the key of {desk.space.arn}."
    assert desk.space.find("credential", "backups") is None

    desk.space.cluster.kubectl("apply", "--filename=-", input=text)
    desk.space.becomes(Ready="True Available")
    assert judged(desk, 0, text, "--server")["reason"] == "Accepted"


def test_rules_that_only_the_api_server_knows_are_checked_by_it(desk: Desk) -> None:
    text = manifests(desk, desk.space.new_key(), targets=[{"name": "keys", "format": "env"}])

    said = judged(desk, 3, text, "--server")

    assert said["reason"] == "Invalid"
    assert "must not name the source Secret" in said["message"]


def test_who_may_not_apply_it_is_told_before(desk: Desk) -> None:
    said = judged(desk, 3, manifests(desk, desk.space.new_key()), "--server", user="vera")

    assert said["reason"] == "Forbidden"
    assert "vera may not patch credentials" in said["message"]


def test_a_secret_of_the_cluster_is_read_with_ones_own_rights(desk: Desk) -> None:
    text = yaml.safe_dump(desk.space.credential())
    desk.space.apply(desk.space.source((desk.space.new_key()[0], WRONG)))

    assert judged(desk, 3, text, "--from-cluster")["reason"] == "Rejected"
    refused = desk.run("check", "-f", "-", "--from-cluster", stdin=text, user="vera")
    assert refused.returncode == 1
    assert "vera may not get secrets" in refused.stderr


def test_what_another_system_knew_is_available_here(desk: Desk) -> None:
    key = desk.space.new_key()
    document = {
        "apiVersion": "v1beta1",
        "kind": "Credential",
        "metadata": {"name": "backups"},
        "spec": {"provider": "aws", "data": {"accessKeyID": key[0], "secretAccessKey": key[1]}},
    }
    where = ("--set", "region=eu-west-1", "--set", f"endpoint={desk.space.aws.url}")
    text = json.dumps(document)

    answer = desk.run("import", "-f", "-", *where, "--apply", "--yes", stdin=text, user="alice")

    assert answer.returncode == 0, answer.stderr
    assert "Secret backups-keys is made.\nCredential backups is made.\n" in answer.stdout
    assert key[1] not in answer.stdout + answer.stderr
    desk.space.becomes(Ready="True Available")
    again = desk.run("import", "-f", "-", *where, "--apply", "--yes", stdin=text, user="alice")
    assert again.returncode == 1
    assert "already exists" in again.stderr


def test_secrets_that_look_like_keys_are_found_and_nothing_of_them_is_shown(desk: Desk) -> None:
    canary = f"Kanarie{secrets.token_hex(20)}"[:40]
    key = desk.space.new_key()
    desk.space.apply(desk.space.secret("taken", desk.space.fields(key)))
    desk.space.apply(desk.space.credential("taken", secretRef={"name": "taken"}, targets=None))
    loose = {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": canary, "AWS_REGION": "eu-west-1"}
    desk.space.apply(desk.space.secret("loose", loose))
    desk.space.apply(desk.space.secret("settings", {"colour": "blue"}))

    answer = desk.run("import", "--discover", user="alice")

    assert answer.returncode == 0, answer.stderr
    proposed = yaml.safe_load(answer.stdout)
    assert proposed["metadata"] == {"name": "loose", "namespace": desk.space.name}
    assert proposed["spec"] == {"aws": {"region": "eu-west-1"}, "secretRef": {"name": "loose"}}
    printed = answer.stdout + answer.stderr
    assert not any(word in printed for word in (canary, base64.b64encode(canary.encode()).decode(), key[0]))

    made = desk.run("import", "--discover", "--apply", "--yes", user="alice")
    assert made.returncode == 0, made.stderr
    assert desk.space.get("credential", "loose")["spec"]["secretRef"] == {"format": "fields", "name": "loose"}
