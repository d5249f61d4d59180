"""`kubectl credential` as people type it: with the real kubectl, their own roles, and a running operator."""

import base64
import json
import os
import pathlib
import signal
import subprocess

import pytest

from cluster.desk import BIN, SECONDS, WRONG, Desk, variables
from cluster.sites import Site
from cluster.space import GROUP, Json, Space
from controlplane import ControlPlane

LIST_SECONDS = 0.4
"""Of process time, for kubectl that finds the plugin, the plugin, and kubectl that it calls."""


def needed(desk: Desk, name: str = "nightly") -> None:
    """Have a CredentialReference counted."""
    desk.space.apply(desk.space.reference(name))
    desk.space.becomes(name, "credentialreference", Bound="True Bound")
    desk.space.until(lambda: _declared(desk.space) == 1, "the reference is counted")


def _declared(space: Space) -> int:
    """Return how many have declared to need the Credential."""
    return int(space.get("credential", "backups")["status"].get("references", {}).get("declared", 0))


# Showing


def test_kubectl_finds_the_plugin_and_what_completes_it(desk: Desk) -> None:
    listed = subprocess.run(
        ["kubectl", "plugin", "list"], capture_output=True, text=True, env=desk.environment(), check=False
    )
    assert str(BIN / "kubectl-credential") in listed.stdout
    assert str(BIN / "kubectl-credential") not in listed.stderr

    desk.publish()
    completed = subprocess.run(
        ["kubectl", "__completeNoDesc", "credential", "describe", "--namespace", desk.space.name, "back"],
        capture_output=True,
        text=True,
        env=desk.environment(),
        check=True,
    )
    assert completed.stdout.splitlines()[0] == "backups"


def test_a_list_has_a_table_for_each_type(desk: Desk) -> None:
    made = desk.publish()
    bucket = {"endpoint": "https://127.0.0.1:1", "bucket": "archive"}
    desk.space.apply(desk.space.credential("archive", aws=None, s3=bucket, targets=None))

    lines = desk.shown("list", user="vera").splitlines()

    assert [line.split()[0] for line in lines if line] == ["aws", "NAME", "backups", "s3", "NAME", "archive"]
    assert made["status"]["key"]["id"] in lines[2]
    assert "BUCKET" in lines[5]
    names = desk.shown("list", "--output", "name", user="vera").split()
    assert names == [f"credential.{GROUP}/archive", f"credential.{GROUP}/backups"]


def test_a_list_takes_less_than_it_may(desk: Desk) -> None:
    desk.publish()

    def taken() -> float:
        before = os.times()
        assert "backups" in desk.shown("list")
        after = os.times()
        return (after.children_user - before.children_user) + (after.children_system - before.children_system)

    assert any(taken() < LIST_SECONDS for _ in range(15))


def test_a_description_tells_who_uses_each_secret_and_what_to_do(desk: Desk) -> None:
    made = desk.publish()
    desk.space.kubectl("create", "deployment", "api", "--image=x")
    desk.space.kubectl("set", "env", "deployment/api", "--from=secret/backups-env")
    needed(desk)
    desk.space.apply(desk.space.source((made["status"]["key"]["id"], WRONG), "backups-keys"))
    desk.space.becomes(Synced="False HeldBack", seconds=120)

    text = desk.shown("describe", made["metadata"]["uid"], user="vera")

    assert "backups-env   env" in text
    assert "Deployment api" in text
    assert "CredentialReference   nightly" in text
    assert "What to do next" in text
    assert "secretAccessKey does not belong to accessKeyID" in text
    assert WRONG not in text
    assert desk.json("describe", "backups", user="vera")["secrets"][1] == {
        "name": "backups-env",
        "format": "env",
        "consumers": [{"kind": "Deployment", "namespace": desk.space.name, "name": "api"}],
    }
    tree = desk.shown("tree", "backups", user="vera").splitlines()
    assert tree[0] == f"Secret {desk.space.name}/backups-keys  (source)"
    assert f"Deployment {desk.space.name}/api" in "\n".join(tree)
    assert desk.shown("graph", "--output", "dot", user="vera").startswith("digraph credentials {")


# Who may


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (("list",), "list"),
        (("describe", "backups"), "get"),
        (("validate", "backups"), "get"),
        (("list", "--all-namespaces"), "list"),
    ],
)
def test_who_has_no_role_is_told_which_to_ask_for(desk: Desk, words: tuple[str, ...], verb: str) -> None:
    said = desk.fails(1, *words, user="nobody")

    assert said.startswith(f"Error: nobody may not {verb} credentials in ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("validate", "backups"), "vera may not patch credentials in namespace"),
        (("hold", "backups", "--reason", "r"), "vera may not create credentialreferences in namespace"),
        (("delete", "backups"), "vera may not delete credentials in namespace"),
        (("create", "aws", "other", "--no-secret"), "vera may not create credentials in namespace"),
    ],
)
def test_who_may_only_look_changes_nothing(desk: Desk, words: tuple[str, ...], told: str) -> None:
    desk.publish()

    assert told in desk.fails(1, *words, user="vera")
    assert desk.space.becomes(Ready="True Available")


def test_a_cluster_that_cannot_be_used_is_told_apart_by_why(desk: Desk, tmp_path: pathlib.Path) -> None:
    gone = tmp_path / "gone"
    gone.write_text(json.dumps(_kubeconfig("https://127.0.0.1:1")))
    assert "does not answer" in desk.fails(1, "list", "--kubeconfig", str(gone))
    assert "No cluster is configured" in desk.fails(1, "list", KUBECONFIG=os.devnull)
    assert "has no context nope" in desk.fails(1, "list", "--context", "nope")


def _kubeconfig(server: str) -> Json:
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    users, clusters = [{"name": "c", "user": {"token": "t"}}], [{"name": "c", "cluster": {"server": server}}]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": users,
        "contexts": [context],
        "current-context": "c",
    }


def test_a_cluster_without_the_operator_says_so(desk: Desk) -> None:
    with ControlPlane() as bare:
        said = desk.fails(1, "list", "--kubeconfig", str(bare.kubeconfig))

    assert "This cluster knows no Credentials" in said


# Making and checking


def test_a_credential_is_made_from_variables_and_checked(desk: Desk) -> None:
    key = desk.space.new_key()

    answer = desk.run(
        *("create", "aws", "backups", "--from-env", *desk.fields(), "--target", "backups-env=env", "--wait"),
        user="alice",
        **variables(key),
    )

    assert answer.returncode == 0, answer.stderr
    assert f"backups is valid. The provider accepted the key of {desk.space.arn}." in answer.stdout
    assert desk.space.key_in() == key
    assert key[1] not in answer.stdout + answer.stderr
    assert "backups is valid" in desk.shown("validate", "backups", user="alice")


def test_a_key_that_is_refused_ends_with_a_status_of_its_own(desk: Desk) -> None:
    key = (desk.space.new_key()[0], WRONG)
    made = ("create", "aws", "backups", "--from-env", *desk.fields(), "--wait")

    said = desk.fails(3, *made, user="alice", **variables(key))

    assert "Unconfirmed" in said
    assert "backups is not valid (Rejected)" in said
    assert WRONG not in said
    assert "backups is not valid (Rejected)" in desk.fails(3, "validate", "backups", user="alice")


def test_a_provider_that_does_not_answer_ends_with_another_status(desk: Desk) -> None:
    desk.space.apply(desk.space.source(desk.space.new_key()))
    desk.space.apply(desk.space.credential(aws={"region": "eu-west-1", "endpoint": "https://127.0.0.1:1"}))

    assert "Nobody could say whether backups works" in desk.fails(5, "validate", "backups", user="alice")


def test_an_operator_that_does_not_answer_is_suspected(site: Site, desk: Desk) -> None:
    desk.publish()
    site.operator.stop()
    try:
        said = desk.fails(5, "validate", "backups", "--timeout", "2s", user="alice")
    finally:
        site.operator.start()

    assert "No answer within 2 s" in said
    assert "Does the operator run?" in said


def test_a_suspended_credential_is_not_asked_about(desk: Desk) -> None:
    desk.space.apply(desk.space.credential(suspend=True))

    assert "is suspended" in desk.fails(1, "validate", "backups", user="alice")


def test_what_the_api_server_would_refuse_leaves_no_secret(desk: Desk) -> None:
    refused = ("create", "aws", "backups", "--from-env", "--target", "backups-keys=env")

    said = desk.fails(1, *refused, user="alice", **variables(desk.space.new_key()))

    assert "must not name the source Secret" in said
    assert desk.space.find("secret", "backups-keys") is None


def test_a_name_that_is_taken_is_told_with_what_can_be_done(desk: Desk) -> None:
    key = desk.space.new_key()
    desk.space.apply(desk.space.source(key, "backups-keys"))
    made = ("create", "aws", "backups", *desk.fields())

    assert "--from-secret backups-keys" in desk.fails(1, *made, "--from-env", user="alice", **variables(key))

    assert desk.shown(*made, "--from-secret", "backups-keys", user="alice").startswith(
        "Credential backups is made."
    )
    assert "kubectl credential describe backups" in desk.fails(1, *made, "--no-secret", user="alice")


def test_manifests_are_such_as_kubectl_applies(desk: Desk) -> None:
    key = desk.space.new_key()
    made = ("create", "aws", "backups", "--from-env", *desk.fields(), "--dry-run=client")

    printed = desk.shown(*made, "--output", "yaml", user="vera", **variables(key))
    desk.space.cluster.kubectl("apply", "--filename=-", input=printed)

    assert base64.b64encode(key[1].encode()).decode() in printed
    desk.space.becomes(Ready="True Available")


def test_a_credential_is_opened_in_the_users_editor(desk: Desk) -> None:
    desk.publish()
    editor = "sed -i s/eu-west-1/eu-north-1/"

    assert "edited" in desk.shown("edit", "backups", user="alice", KUBE_EDITOR=editor)
    assert desk.space.get("credential", "backups")["spec"]["aws"]["region"] == "eu-north-1"


def test_the_pods_of_a_service_account_pull_with_a_credential(desk: Desk) -> None:
    targets = [{"name": "pull", "format": "docker-registry"}]
    desk.space.apply(desk.space.credential(aws=None, registry={"host": "ghcr.io"}, targets=targets))
    desk.space.kubectl("create", "serviceaccount", "builder")
    change = {"imagePullSecrets": [{"name": "another"}]}
    desk.space.patch("serviceaccount", "builder", change)
    attach = ("attach", "backups", "--serviceaccount", "builder")

    def pulls() -> list[str]:
        return [one["name"] for one in desk.space.get("serviceaccount", "builder")["imagePullSecrets"]]

    for _ in range(2):
        assert "pull images with Secret pull" in desk.shown(*attach, user="alice")
        assert sorted(pulls()) == ["another", "pull"]
    desk.shown(*attach, "--remove", user="alice")
    assert pulls() == ["another"]
    assert "may not patch serviceaccounts" in desk.fails(1, *attach, user="vera")


# Holding and releasing


def test_a_hold_keeps_a_credential_until_it_is_released(desk: Desk) -> None:
    desk.publish()

    name = desk.shown(
        "hold", "backups", "--reason", "r", "--for", "2h", "--output", "name", user="alice"
    ).strip()
    claim = name.rpartition("/")[2]

    assert desk.space.get("credentialreference", claim)["spec"]["leaseDurationSeconds"] == 7200
    desk.space.until(lambda: desk.json("refs", "backups")["count"] == 1, "it is counted")
    said = desk.fails(4, "delete", "backups", user="alice")
    assert "backups is needed and was not deleted" in said
    desk.shown("release", claim, user="alice")
    assert "There is no claim" in desk.fails(1, "release", claim, user="alice")
    desk.space.until(lambda: desk.json("refs", "backups")["count"] == 0, "it is free")
    gone = desk.shown("delete", "backups", "--output", "name", user="alice")
    assert gone == f"credential.{GROUP}/backups\n"
    assert desk.space.find("secret", "backups-env") is None
    assert desk.space.find("secret", "backups-keys") is not None


def test_a_hold_that_does_not_count_says_why_and_leaves_nothing(desk: Desk) -> None:
    desk.publish(acceptReferences=False)

    assert "It is not held (NotAccepting)" in desk.fails(1, "hold", "backups", "--reason", "r", user="alice")
    assert desk.space.all("credentialreferences") == []


def test_a_command_runs_while_the_credential_is_held(desk: Desk) -> None:
    desk.publish()
    script = "kubectl get credentialreferences --output=name | wc -l; exit 7"

    answer = desk.run(
        *("hold", "backups", "--reason", "r", "--", "sh", "-c", script), user="alice", **_inside(desk)
    )

    assert (answer.returncode, answer.stdout.strip()) == (7, "1"), answer.stderr
    assert desk.space.all("credentialreferences") == []


def _inside(desk: Desk) -> dict[str, str]:
    """Return a kubeconfig whose namespace is the desk's."""
    source = desk.space.cluster.kubeconfig
    file = source.with_name(f"{desk.space.name}.kubeconfig")
    content = json.loads(desk.space.cluster.kubectl("config", "view", "--raw", "--output=json").stdout)
    for context in content["contexts"]:
        context["context"]["namespace"] = desk.space.name
    file.touch(mode=0o600)
    file.write_text(json.dumps(content))
    return {"KUBECONFIG": str(file)}


def test_a_holder_that_is_ended_softly_releases(desk: Desk) -> None:
    desk.publish()
    words = desk.command(
        "hold", "backups", "--reason", "r", "--", "sh", "-c", "echo on; exec sleep 60", user="alice"
    )
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=desk.environment()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        assert len(desk.space.all("credentialreferences")) == 1
        process.send_signal(signal.SIGTERM)
        status = process.wait(SECONDS)

    assert status == 128 + signal.SIGTERM
    assert desk.space.all("credentialreferences") == []


def test_references_that_nobody_releases_are_cleared_away(desk: Desk) -> None:
    desk.publish()
    needed(desk)

    shown = desk.shown("delete-refs", "backups", "--yes", user="alice")

    assert f"{desk.space.name}/nightly is deleted." in shown
    assert desk.space.all("credentialreferences") == []
    assert ("Warning", "ReferencesDeleted") in desk.space.events()
    told = desk.shown("describe", "backups", user="alice")
    assert (
        f"alice deleted CredentialReferences that needed this Credential: {desk.space.name}/nightly" in told
    )
    answer = desk.run("delete-refs", "archive", "--yes", user="alice")
    assert "There is no Credential archive" in answer.stderr


def test_a_deletion_waits_for_those_who_need_the_credential(desk: Desk) -> None:
    desk.publish()
    needed(desk)
    assert desk.fails(5, "delete", "backups", "--wait", "--timeout", "1s", user="alice")
    assert "deletionTimestamp" not in desk.space.get("credential", "backups")["metadata"]
    words = desk.command("delete", "backups", "--wait", user="alice")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=desk.environment()) as process:
        desk.space.kubectl("delete", "credentialreference", "nightly")
        printed, _ = process.communicate(timeout=SECONDS)

    assert process.returncode == 0
    assert printed.startswith("backups is deleted.")


@pytest.mark.needs_policies("validation")
def test_only_an_admin_deletes_what_is_needed(desk: Desk) -> None:
    desk.publish()
    needed(desk)
    forced = ("delete", "backups", "--force", "--reason", "the team is gone")

    assert "say --yes" in desk.fails(2, *forced, user="adam")
    assert "needs the verb force-delete" in desk.fails(1, *forced, "--yes", user="alice")
    assert "backups is deleted" in desk.shown(*forced, "--yes", user="adam")
