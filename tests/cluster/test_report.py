"""`kubectl credential report` on a real cluster: with the rights to look, of one namespace and of all."""

import csv
import io
import json
import pathlib
import subprocess
from typing import Any

import jsonschema
import pytest

from cluster.desk import WRONG, Desk
from cluster.space import Json

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
FORMS = ("table", "html", "json", "csv", "markdown")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def publish(desk: Desk, **fields: Any) -> tuple[str, str]:
    """Make a Credential that is available, and return its key."""
    key = desk.space.new_key()
    desk.space.apply(desk.space.source(key, "backups-keys"))
    desk.space.apply(desk.space.credential("backups", secretRef={"name": "backups-keys"}, **fields))
    desk.space.becomes("backups", Ready="True Available")
    return key


def read(desk: Desk, *words: str) -> Json:
    """Return what somebody with the role view gets, which is as the schema says."""
    found: Json = desk.json("report", *words, user="vera")
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def use(desk: Desk, workload: str, secret: str, *names: str) -> None:
    """Have a Deployment take these keys of a Secret, or all of them."""
    variables = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}} for name in names
    ]
    container = {"name": "main", "image": "ghcr.io/example/api:1", "env": variables}
    whole = {} if names else {"envFrom": [{"secretRef": {"name": secret}}]}
    labels = {"app": workload}
    desk.space.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": workload, "namespace": desk.space.name},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{**container, **whole}]},
                },
            },
        }
    )


def test_who_may_look_gets_the_whole_report_without_key_material(desk: Desk, tmp_path: pathlib.Path) -> None:
    key = publish(desk, owner={"team": "storage"}, description="the nightly backups")
    use(desk, "api", "backups-env", *KEYS)
    desk.space.apply(desk.space.source((desk.space.new_key()[0], WRONG), "other-keys"))
    desk.space.apply(desk.space.credential("other", secretRef={"name": "other-keys"}, targets=None))
    desk.space.becomes("other", Validated="False Rejected", seconds=120)

    found = read(desk)

    one, other = found["credentials"]
    assert (one["name"], one["verdict"], one["keyID"], one["team"]) == ("backups", "Valid", key[0], "storage")
    assert [(user["kind"], user["name"]) for user in one["users"]] == [("Deployment", "api")]
    assert one["findings"] == []
    assert (other["verdict"], other["reason"]) == ("Invalid", "Rejected")
    assert found["scope"] == {"namespace": desk.space.name, "seenAs": "vera"}
    for form in FORMS:
        file = tmp_path / form
        desk.shown("report", "-o", form, *(() if form == "table" else ("--to", str(file))), user="vera")
        text = file.read_text() if form != "table" else desk.shown("report", user="vera")
        assert "other" in text
        assert not [secret for secret in (key[1], WRONG) if secret in text]


def test_a_key_that_nobody_uses_is_unused_until_somebody_does(desk: Desk) -> None:
    publish(desk)
    assert read(desk)["credentials"][0]["findings"] == ["Unused"]

    use(desk, "api", "backups-env")

    assert read(desk)["credentials"][0]["findings"] == []


def test_all_namespaces_take_rights_in_all(desk: Desk) -> None:
    publish(desk)
    command = ["kubectl", "credential", "report", "-A", "-o", "csv", "-l", "kubernetes.io/nothing!=x"]
    answer = subprocess.run(command, env=desk.environment(), capture_output=True, text=True, check=True)

    lines = csv.DictReader(io.StringIO(answer.stdout, newline=""))
    assert (desk.space.name, "backups") in {(line["NAMESPACE"], line["NAME"]) for line in lines}
    assert "vera may not list credentials in all namespaces" in desk.fails(1, "report", "-A", user="vera")


def test_what_nobody_manages_is_found_by_who_may_not_read_secrets(desk: Desk) -> None:
    publish(desk)
    key = desk.space.new_key()
    desk.space.apply(desk.space.secret("loader-keys", dict(zip(KEYS, key, strict=True))))
    desk.space.apply(desk.space.secret("whole", {"AWS_SECRET_ACCESS_KEY": WRONG}))
    use(desk, "api", "backups-env", *KEYS)
    use(desk, "loader", "loader-keys", *KEYS)
    use(desk, "other", "whole")
    refused = desk.space.run("get", "secret", "loader-keys", check=False, impersonate="vera")
    assert "Forbidden" in refused.stderr

    found = read(desk, "--unmanaged")

    (one,) = found["secrets"]
    assert (one["name"], one["type"], one["keys"]) == ("loader-keys", "aws", list(KEYS))
    assert one["users"] == [{"kind": "Deployment", "namespace": desk.space.name, "name": "loader"}]
    assert [each["name"] for each in found["unseen"]] == ["whole"]
    manifests = desk.shown("report", "--unmanaged", "-o", "yaml", user="vera")
    assert not [secret for secret in (*key, WRONG) if secret in json.dumps(found) + manifests]


def test_what_is_proposed_is_applied_checked_and_then_managed(desk: Desk) -> None:
    key = desk.space.new_key()
    desk.space.apply(desk.space.secret("loader-keys", dict(zip(KEYS, key, strict=True))))
    use(desk, "loader", "loader-keys", *KEYS)

    proposed = desk.shown("report", "--unmanaged", "-o", "yaml", user="vera")
    desk.space.cluster.kubectl("apply", "--filename=-", input=proposed)

    assert desk.space.find("credential", "loader") is not None
    assert read(desk, "--unmanaged")["secrets"] == []
    assert read(desk)["credentials"][0]["users"][0]["name"] == "loader"


@pytest.mark.parametrize("user", [None, "vera"])
def test_a_cluster_is_known_by_its_uid_where_that_may_be_seen(desk: Desk, user: str | None) -> None:
    uid = desk.space.cluster.kubectl(
        "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"
    ).stdout

    found = desk.json("report", "--cluster", "eu-1", user=user)["cluster"]

    assert found == ({"name": "eu-1"} if user else {"name": "eu-1", "uid": uid})


def test_a_key_is_joined_over_clusters(desk: Desk, tmp_path: pathlib.Path) -> None:
    key = publish(desk)
    files = [str(tmp_path / f"{name}.json") for name in ("eu-1", "us-1")]
    for file in files:
        desk.shown("report", "--cluster", pathlib.Path(file).stem, "--to", file, user="vera")

    command = ["kubectl", "credential", "report", "--merge", *files, "-o", "json"]
    answer = subprocess.run(command, env=desk.environment(), capture_output=True, text=True, check=True)

    (joined,) = json.loads(answer.stdout)["keys"]
    assert (joined["id"], [place["cluster"] for place in joined["places"]]) == (key[0], ["eu-1", "us-1"])
