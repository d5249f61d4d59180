"""Commands that show something: what they print, and what they say when they cannot."""

import json
import subprocess

import pytest
import yaml

from cli import world
from cli.desk import PLUGIN, Desk


def test_a_list_is_grouped_by_type_with_public_fields_and_key_ids(desk: Desk) -> None:
    answer = desk.run("list", "-A")

    assert answer.returncode == 0, answer.stderr
    heads = [line.split()[0] for line in answer.stdout.splitlines() if line and line.split()[0].islower()]
    assert [head for head in heads if not head.startswith("team-")] == ["azure", "jwt", "s3"]
    (head,) = [line for line in answer.stdout.splitlines() if "BUCKET" in line]
    assert head.split("  ")[0] == "NAMESPACE"
    assert "ENDPOINT" in head
    assert "AKIAIOSFODNN7EXAMPLE" in answer.stdout


def test_the_short_name_lists_too(desk: Desk) -> None:
    assert desk.run("ls").stdout == desk.run("list").stdout


def test_a_list_names_objects_as_kubectl_takes_them(desk: Desk) -> None:
    assert sorted(desk.run("list", "-o", "name").stdout.split()) == [
        "credential.credential-operator.io/archive",
        "credential.credential-operator.io/backups",
        "credential.credential-operator.io/new",
    ]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_list_for_programs_has_whole_objects(desk: Desk, form: str) -> None:
    read = json.loads if form == "json" else yaml.safe_load

    found = read(desk.run("list", "-o", form).stdout)

    assert {one["metadata"]["name"]: one for one in found["items"]} == {
        one["metadata"]["name"]: one for one in (world.BACKUPS, world.ARCHIVE, world.NEW)
    }


def test_a_list_without_anything_says_where_it_looked_and_is_no_failure(desk: Desk) -> None:
    answer = desk.run("list", "--namespace", "nowhere")

    assert (answer.returncode, answer.stdout) == (0, "")
    assert answer.stderr.startswith("There is no Credential in namespace nowhere.")


def test_a_graph_without_anything_says_so_too(desk: Desk) -> None:
    answer = desk.run("graph", "--namespace", "nowhere")

    assert (answer.returncode, answer.stdout) == (0, "")
    assert answer.stderr.startswith("There is no Credential in namespace nowhere.")


def test_who_reads_no_further_is_told_nothing(desk: Desk) -> None:
    many = [
        world.credential(f"a-{number}", number, {"jwt": {}, "secretRef": {"name": "k"}})
        for number in range(900)
    ]
    desk.lay(*many)
    words = f"{PLUGIN} list -o json | head -1"

    answer = subprocess.run(
        ["bash", "-c", words], capture_output=True, text=True, env=desk.environment(), check=True
    )

    assert (answer.stdout, answer.stderr) == ("{\n", "")


def test_options_of_kubectl_reach_it(desk: Desk) -> None:
    desk.run(
        "list", "--context", "c", "--kubeconfig", "k", "--as", "u", "--as-group", "g", "-n", "n", "-l", "a=b"
    )

    (call,) = [call["argv"] for call in desk.calls if call["argv"][0] == "get"]
    assert call[:2] == ["get", "credentials.credential-operator.io"]
    assert call[2:] == [
        *("--selector=a=b", "--output=json", "--namespace", "n"),
        *("--kubeconfig", "k", "--context", "c", "--as", "u", "--as-group", "g"),
    ]


def test_one_is_shown_by_its_name_and_by_its_uid(desk: Desk) -> None:
    by_name, by_uid = desk.run("get", "backups", "-o", "json"), desk.run("get", world.uid(1), "-o", "json")

    assert json.loads(by_name.stdout) == json.loads(by_uid.stdout) == world.BACKUPS


def test_a_uid_is_found_in_another_namespace(desk: Desk) -> None:
    answer = desk.run("describe", world.uid(3))

    assert answer.returncode == 0, answer.stderr
    assert "my-azure-credential" in answer.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("backup", "There is no Credential backup in namespace team-a (did you mean backups?)."),
        ("my-azure-credential", "in namespace team-a; there is one in team-b (--namespace)."),
        (world.uid(77), f"There is no Credential of the uid {world.uid(77)}."),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_what_may_be_meant(
    desk: Desk, name: str, said: str
) -> None:
    answer = desk.run("describe", name)

    assert answer.returncode == 1
    assert said in answer.stderr
    assert answer.stdout == ""


def test_a_description_for_programs_has_all_that_was_found(desk: Desk) -> None:
    found = json.loads(desk.run("describe", "backups", "-o", "json").stdout)

    assert found["credential"] == world.BACKUPS
    assert [(one["name"], [user["name"] for user in one["consumers"]]) for one in found["secrets"]] == [
        ("backups-keys", ["loader"]),
        ("backups-env", ["api"]),
        ("backups-velero", []),
    ]
    assert [one["metadata"]["name"] for one in found["references"]] == ["nightly", "costs"]
    assert [one["reason"] for one in found["events"]] == ["Published", "Rejected"]
    assert found["next"][0] == "minio.example.com:9000 refused key AKIAX: write a good one."


def test_what_may_not_be_read_is_left_out(desk: Desk) -> None:
    desk.refuse(
        "credentialreferences.credential-operator.io --all-namespaces", "Error from server (Forbidden): no"
    )
    desk.refuse("events", "Error from server (Forbidden): no")

    found = json.loads(desk.run("describe", "backups", "-o", "json").stdout)

    assert [one["metadata"]["name"] for one in found["references"]] == ["nightly"]
    assert found["events"] == []


def test_who_needs_a_credential_is_told_with_what_for(desk: Desk) -> None:
    found = json.loads(desk.run("refs", "backups", "-o", "json").stdout)

    assert found["count"] == 4
    assert [(one["kind"], one["name"], one["declared"]) for one in found["items"]] == [
        ("CredentialReference", "nightly", True),
        ("CredentialReference", "costs", True),
        ("BackupStorageLocation", "default", False),
        ("Deployment", "api", False),
    ]
    assert found["items"][0]["description"] == "the nightly backup"


def test_a_credential_that_nobody_needs_says_so(desk: Desk) -> None:
    assert desk.run("refs", "archive").stderr == "Nobody needs Credential archive.\n"


def test_a_graph_for_programs_leads_from_sources_to_users(desk: Desk) -> None:
    found = json.loads(desk.run("graph", "backups", "-o", "json").stdout)

    assert found == [json.loads(desk.run("tree", "backups", "-o", "json").stdout)]
    assert found[0]["name"] == "team-a/backups-keys"
    assert found[0]["below"][0]["name"] == "team-a/backups"


def test_names_and_all_namespaces_exclude_each_other(desk: Desk) -> None:
    assert desk.run("graph", "backups", "-A").returncode == 2


def test_a_bug_is_told_without_its_text(desk: Desk) -> None:
    desk.lay({"kind": "Credential", "metadata": {"name": "backups", "namespace": "team-a"}})

    answer = desk.run("describe", "backups")

    assert answer.returncode == 1
    assert "This is a bug in kubectl credential" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_command_that_is_misspelt_is_answered_with_what_may_be_meant(desk: Desk) -> None:
    answer = desk.run("lst")

    assert answer.returncode == 2
    assert "There is no command lst (did you mean list?)." in answer.stderr


def test_without_kubectl_it_says_what_to_install(desk: Desk) -> None:
    (desk.folder / "kubectl").unlink()

    answer = desk.run("list", PATH="/nowhere")

    assert answer.returncode == 1
    assert "There is no kubectl on PATH" in answer.stderr
