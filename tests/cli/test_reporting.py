"""The command that reports: its forms, what it refuses, and what it reads."""

import csv
import io
import json
import pathlib
from typing import Any

import jsonschema
import pytest
import yaml

from cli import crowd, world
from cli.desk import Desk
from cli.markup import Page
from cli.test_mentions import CANARY, held, workload
from credential_operator.api import reports
from credential_operator.cli import store

SCHEMA = json.loads((pathlib.Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

Json = dict[str, Any]


def read(text: str) -> Json:
    """Read a document, which must be as the schema says and without a field that it does not know."""
    found: Json = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    kinds: dict[str, type[reports.Report | reports.Unmanaged | reports.Fleet]] = {
        "CredentialReport": reports.Report,
        "UnmanagedReport": reports.Unmanaged,
        "FleetReport": reports.Fleet,
    }
    assert reports.written(kinds[found["kind"]].model_validate(found)) == found
    return found


def saved(desk: Desk, name: str, document: reports.Report) -> str:
    """Write a report as `-o json` does, and return the name of its file."""
    file = desk.folder / f"{name}.json"
    file.write_text(json.dumps(reports.written(document)))
    return str(file)


def loose(desk: Desk) -> None:
    """Have workloads use Secrets that no Credential has: one whole, one half, and two by well-known keys."""
    desk.lay(
        *world.CREDENTIALS,
        workload(*(held(key, "loose-keys") for key in KEYS), name="loader"),
        workload(*(held(key, "backups-keys") for key in KEYS), name="managed"),
        workload(held(KEYS[1], "half"), name="half", envFrom=[{"secretRef": {"name": "whole"}}]),
    )


def test_a_table_is_for_people(desk: Desk) -> None:
    answer = desk.run("report", "-A")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "Cluster:    production-eu" in answer.stdout
    assert "Seen as:    alice" in answer.stdout
    assert "Needs attention" in answer.stdout


def test_a_document_is_as_its_schema_says(desk: Desk) -> None:
    found = read(desk.run("report", "-A", "-o", "json").stdout)

    assert (found["kind"], found["version"], found["cluster"]) == (
        "CredentialReport",
        1,
        {"name": "production-eu"},
    )
    assert found["scope"] == {"seenAs": "alice"}
    assert [one["name"] for one in found["credentials"]] == [
        "my-azure-credential",
        "new",
        "archive",
        "backups",
    ]
    backups = found["credentials"][-1]
    assert [user["name"] for user in backups["secrets"][1]["users"]] == ["api"]
    assert backups["userCount"] == 6


def test_a_namespace_labels_and_another_name_are_told(desk: Desk) -> None:
    found = read(desk.run("report", "-n", "team-b", "-l", "a=b", "--cluster", "eu-1", "-o", "json").stdout)

    assert found["scope"] == {"namespace": "team-b", "selector": "a=b", "seenAs": "alice"}
    assert found["cluster"]["name"] == "eu-1"
    assert [one["name"] for one in found["credentials"]] == ["my-azure-credential"]
    assert "--selector=a=b" in desk.calls[0]["argv"]


def test_all_namespaces_are_asked_at_once(desk: Desk) -> None:
    desk.run("report", "-A")

    assert len([call for call in desk.calls if call["argv"][0] == "get"]) == 4


def test_who_may_not_see_all_workloads_sees_those_of_each_namespace(desk: Desk) -> None:
    desk.refuse(f"{store.resources()} --all-namespaces", "Error from server (Forbidden): no")

    found = read(desk.run("report", "-A", "-o", "json").stdout)

    assert "api" in [user["name"] for user in found["credentials"][-1]["users"]]


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("-o", "html"), "<!doctype html>"),
        (("-o", "csv"), "NAMESPACE,NAME,TYPE"),
        (("-o", "markdown"), "# Credentials"),
        (("--to", "FILE.html"), "<!doctype html>"),
        (("--to", "FILE.csv"), "NAMESPACE,NAME,TYPE"),
        (("--to", "FILE.md"), "# Credentials"),
        (("--to", "FILE.JSON"), "{\n"),
        (("--to", "FILE", "-o", "html"), "<!doctype html>"),
    ],
)
def test_a_form_is_named_or_follows_from_the_file(desk: Desk, words: tuple[str, ...], begins: str) -> None:
    said = [word.replace("FILE", str(desk.folder / "found")) for word in words]

    answer = desk.run("report", "-A", *said)

    assert answer.returncode == 0, answer.stderr
    if words[0] == "--to":
        file = pathlib.Path(said[1])
        assert (answer.stdout, file.read_text()[: len(begins)]) == ("", begins)
        assert answer.stderr.startswith(f"{file} is written (")
    else:
        assert answer.stdout.startswith(begins)


def test_every_form_has_every_credential(desk: Desk) -> None:
    names = {one["metadata"]["name"] for one in world.CREDENTIALS}

    lines = csv.DictReader(io.StringIO(desk.run("report", "-A", "-o", "csv").stdout, newline=""))
    assert {line["NAME"] for line in lines} == names
    page = Page(desk.run("report", "-A", "-o", "html").stdout)
    assert all(name in page.text for name in names)
    assert all(name in desk.run("report", "-A", "-o", "markdown").stdout for name in names)


def test_where_there_is_none_a_report_says_so(desk: Desk) -> None:
    answer = desk.run("report", "-n", "nowhere")

    assert answer.returncode == 0
    assert answer.stderr.startswith("There is no Credential here")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--merge",), "Give files with --merge, and only there."),
        (("a.json",), "Give files with --merge, and only there."),
        (("--merge", "a.json", "-A"), "--merge reads files, and no cluster."),
        (("--merge", "a.json", "-n", "a"), "--merge reads files, and no cluster."),
        (("--unmanaged", "-l", "a=b"), "--selector is for Credentials"),
        (("-o", "yaml"), "-o yaml prints the manifests of --unmanaged."),
        (("--to", "report.pdf"), "--to needs a form for files"),
        (
            ("--to", "/nowhere/report.html"),
            "/nowhere/report.html cannot be written: No such file or directory.",
        ),
        (("--merge", "/nowhere.json"), "/nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Desk, words: tuple[str, ...], told: str) -> None:
    answer = desk.run("report", *words)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert told in " ".join(answer.stderr.split())


# What nobody manages


def test_what_nobody_manages_is_found_without_a_secret(desk: Desk) -> None:
    loose(desk)

    found = read(desk.run("report", "--unmanaged", "-o", "json").stdout)

    assert [(one["name"], one["type"], "manifest" in one) for one in found["secrets"]] == [
        ("half", "aws", False),
        ("loose-keys", "aws", True),
    ]
    assert [one["name"] for one in found["unseen"]] == ["whole"]
    assert not [call for call in desk.calls if "secrets" in call["argv"]]


def test_what_is_proposed_can_be_applied(desk: Desk) -> None:
    loose(desk)

    answer = desk.run("report", "--unmanaged", "-A", "-o", "yaml")

    (made,) = yaml.safe_load_all(answer.stdout)
    assert made["metadata"] == {"name": "loose", "namespace": "team-a"}
    assert made["spec"] == {"aws": {}, "secretRef": {"name": "loose-keys"}}
    assert "Secret team-a/half has no manifest." in answer.stderr
    assert "1 more are used whole" in answer.stderr


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "html"])
def test_what_nobody_manages_has_every_form(desk: Desk, form: str) -> None:
    loose(desk)

    answer = desk.run("report", "--unmanaged", "-o", form)

    assert answer.returncode == 0, answer.stderr
    assert "loose-keys" in answer.stdout


def test_where_all_is_managed_it_is_said(desk: Desk) -> None:
    answer = desk.run("report", "--unmanaged", "-o", "yaml")

    assert (answer.returncode, answer.stdout) == (0, "")
    assert "No workload uses well-known keys" in answer.stderr


def test_a_key_that_stands_in_plain_is_in_no_report(desk: Desk) -> None:
    names = [{"name": name, "value": CANARY} for name in (*KEYS, "AWS_REGION", "AWS_ENDPOINT_URL_S3")]
    desk.lay(workload(held(KEYS[1], "keys"), *names))

    for words in (("--unmanaged",), ()):
        for form in ("table", "json", "csv", "markdown", "html"):
            answer = desk.run("report", *words, "-o", form)
            assert answer.returncode == 0, answer.stderr
            assert CANARY not in answer.stdout + answer.stderr


# Several clusters


def test_several_clusters_are_joined(desk: Desk) -> None:
    files = [
        saved(desk, "eu-1", crowd.report(3)),
        saved(desk, "us-1", crowd.report(3, seed=8, name="us-1")),
    ]

    found = read(desk.run("report", "--merge", *files, "-o", "json").stdout)

    assert [one["name"] for one in found["clusters"]] == ["eu-1", "us-1"]
    assert len(found["keys"]) == 6
    assert not (desk.folder / "calls.jsonl").exists()


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "html"])
def test_several_clusters_have_every_form(desk: Desk, form: str) -> None:
    first = crowd.report(3)

    answer = desk.run("report", "--merge", saved(desk, "eu-1", first), "-o", form)

    assert answer.returncode == 0, answer.stderr
    assert all(one.key_id in answer.stdout for one in first.credentials)


def test_a_report_is_read_from_standard_input(desk: Desk) -> None:
    text = desk.run("report", "-A", "-o", "json").stdout

    assert "production-eu" in desk.run("report", "--merge", "-", stdin=text).stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is no JSON"),
        ("[]", "it is no JSON"),
        ('{"kind": "FleetReport"}', "(kind)"),
        ('{"version": 2}', "it is of a later version"),
        ('{"credentials": [{"name": 7}]}', "credentials.0.namespace"),
    ],
)
def test_what_is_no_report_is_told_by_where_it_is_none(desk: Desk, text: str, told: str) -> None:
    known = reports.written(crowd.report(1))
    content = json.dumps({**known, **json.loads(text)}) if text.startswith("{") else text

    answer = desk.run("report", "--merge", "-", stdin=content)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert "- is no report of `kubectl credential report -o json`" in answer.stderr
    assert told in answer.stderr


def test_what_a_later_version_adds_is_passed_over(desk: Desk) -> None:
    known = reports.written(crowd.report(1))

    answer = desk.run("report", "--merge", "-", stdin=json.dumps({**known, "later": {"x": 1}}))

    assert answer.returncode == 0, answer.stderr
