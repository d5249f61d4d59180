"""What docs/migrating.md shows, run: its commands print what they are shown to print, its manifests are accepted."""

import json
import pathlib
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest
import yaml

import pages
from cluster.crds import serve, serving
from cluster.desk import SECONDS, Answer, Desk, variables
from cluster.space import API_VERSION, Json, Space
from controlplane import ControlPlane, tools
from emulators.aws import AwsEmulator, allow

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migrating.md").read_text()
FILES = dict(re.findall(r"^`([\w.-]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
EXAMPLES = re.findall(r"^```\n\$ (kubectl credential [^\n]*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ROTATING = (ROOT / "docs" / "rotating.md").read_text()
NOT_SERVED = "external-secrets.io/v1beta1"
"""What older releases have, and those of today do not serve."""
STORES = ROOT / "tests" / "golden" / "consumers" / "external-secrets.yaml"


def manifests(page: str) -> list[list[Json]]:
    """Read the manifests of a page, block by block."""
    return [[*yaml.safe_load_all(text)] for text in pages.blocks(page, "yaml")]


SHOWN = manifests(PAGE)
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.split("\n## ")[1:]}
COMMANDS = {
    name: re.findall(
        r"`kubectl (credential [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    for name, text in SECTIONS.items()
}
"""What stands in tables and sentences, in its order."""
EXAMPLE_KEY = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
LEFT_OUT = {"portworx.sh": 2}
"""Files of which something cannot be taken over, and the status that says so."""


@pytest.fixture(scope="module")
def served() -> Iterator[ControlPlane]:
    with serving() as started:
        yield started


@pytest.fixture
def unwatched(served: ControlPlane, aws: AwsEmulator, files: pathlib.Path) -> Desk:
    """Where both kinds are served and no operator asks the providers of the examples."""
    return Desk(Space(served, aws, files.name))


@pytest.fixture
def files(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The files of the page, where commands are typed."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(desk: Desk, command: str) -> Answer:
    """Run a command as the page has it."""
    return subprocess.run(
        shlex.split(command),
        capture_output=True,
        text=True,
        env=desk.environment(),
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command.split()[4] for command, _ in EXAMPLES])
def test_a_file_becomes_what_the_page_shows(unwatched: Desk, command: str, shown: str) -> None:
    desk, status = unwatched, LEFT_OUT.get(command.split()[4], 0)
    answer = typed(desk, command)
    assert (answer.returncode, answer.stderr + answer.stdout) == (status, shown)
    desk.space.cluster.kubectl("apply", "--filename=-", input=answer.stdout)

    taken = f"taken-{command.split()[4].partition('.')[0]}"
    desk.space.cluster.kubectl("create", "namespace", taken)
    made = typed(desk, f"{command.replace(' --no-secret', '')} --apply --yes --namespace {taken}")
    assert made.returncode == status, made.stdout + made.stderr
    found = Space(desk.space.cluster, desk.space.aws, taken)
    printed = [one for one in yaml.safe_load_all(answer.stdout) if one["kind"] == "Credential"]
    assert {one["metadata"]["name"] for one in printed} == {
        one["metadata"]["name"] for one in found.all("credentials")
    }
    for further in COMMANDS["Cloudesire"] if taken == "taken-cloudesire" else ():
        told = typed(desk, f"kubectl {further} --namespace {taken}")
        assert told.returncode == 0, told.stderr


def test_every_file_of_the_page_is_used() -> None:
    used = {command.split()[4] for command, _ in EXAMPLES}
    assert {*FILES} - used == {"aws.json"}
    assert "--from-file aws.json" in " ".join(COMMANDS["Pharmer"])
    assert {name for name, commands in COMMANDS.items() if commands} == {"Cloudesire", "Pharmer", "Portworx"}


def test_the_manifests_that_come_after_are_accepted(unwatched: Desk) -> None:
    ours = [one for documents in SHOWN for one in documents if one["apiVersion"] == API_VERSION]
    assert [one["kind"] for one in ours] == ["Credential", "CredentialReference", "Credential"]

    desk = unwatched
    desk.space.cluster.kubectl("apply", "--filename=-", input="\n---\n".join(map(json.dumps, ours)))
    for one in ours:
        words = ("get", one["kind"].lower(), one["metadata"]["name"], "--output=json")
        stored = json.loads(desk.space.cluster.kubectl(*words).stdout)
        assert _said(one["spec"], stored["spec"]) == one["spec"]


def test_external_secrets_own_definitions_accept_what_is_its_own(served: ControlPlane) -> None:
    """What this page and the one on rotation show of it, and what the rule for its stores is tried on."""
    shown = [one for documents in [*SHOWN, *manifests(ROTATING)] for one in documents]
    foreign = [one for one in shown if "external-secrets.io/" in one["apiVersion"]]
    stores = [one for kind in yaml.safe_load(STORES.read_text())["kinds"] for one in kind["objects"]]
    foreign += [one for one in stores if one["apiVersion"] != NOT_SERVED]
    kinds = {(one["apiVersion"].partition("/")[0], f"{one['kind'].lower()}s") for one in foreign}
    assert {plural for _, plural in kinds} == {
        *("ecrauthorizationtokens", "externalsecrets", "pushsecrets", "secretstores", "clustersecretstores")
    }

    files = [tools.path("definitions") / f"{group}_{plural}.yaml" for group, plural in sorted(kinds)]
    serve(served, *(yaml.safe_load(file.read_text()) for file in files))
    for namespace in {one["metadata"].get("namespace", "default") for one in foreign} - {"default"}:
        served.kubectl("create", "namespace", namespace)
    for one in foreign:
        served.kubectl(
            *("create", "--dry-run=server", "--validate=strict", "--filename=-"), input=json.dumps(one)
        )


def _said(written: Json, stored: Json) -> Json:
    """Give what is stored without the defaults of fields that nobody wrote."""
    return {
        name: _said(value, stored[name])
        if isinstance(value, dict)
        else stored[name][: len(value)]
        if isinstance(value, list)
        else stored[name]
        for name, value in written.items()
    }


def test_a_user_of_pharmer_types_what_the_table_says(desk: Desk, files: pathlib.Path) -> None:
    key, again = desk.space.new_key(), desk.space.new_key()
    text = FILES["aws.json"]
    for example, own in zip(EXAMPLE_KEY, key, strict=True):
        assert example in text
        text = text.replace(example, own)
    (files / "aws.json").write_text(text)
    told = _typed_in_order(desk, COMMANDS["Pharmer"], desk.fields(), key, again)

    assert told["credential list"].split().count("eu-west-1") == 3
    assert f"principal: {desk.space.arn}" in told["credential get aws -o yaml"]
    assert "aws edited" in told["credential edit aws"]
    assert not any(secret in "".join(told.values()) for secret in (key[1], again[1]))
    assert desk.space.data("aws-keys") == desk.space.fields(again)
    assert [one["metadata"]["name"] for one in desk.space.all("credentials")] == ["by-env", "by-file"]


@pytest.mark.usefixtures("files")
def test_a_user_of_pxctl_types_what_the_table_says(desk: Desk) -> None:
    space = desk.space
    space.aws.create_bucket("snaps")
    space.aws.set_policies(space.arn, [allow("s3:*")])
    key = space.new_key()
    at = ("--endpoint", space.aws.url, "--force-path-style")
    told = _typed_in_order(desk, COMMANDS["Portworx"], at, key, key)

    assert space.get("credential", "by-env")["metadata"]["uid"] in told["credential list -o wide"]
    assert "snaps is valid" in told["credential validate snaps"]
    assert [one["metadata"]["name"] for one in space.all("credentials")] == ["by-env"]
    assert space.all("credentialreferences") == []


def _typed_in_order(
    desk: Desk, commands: list[str], at: tuple[str, ...], key: tuple[str, str], again: tuple[str, str]
) -> dict[str, str]:
    """Type the commands as alice, who has the keys at hand; returns what each printed."""
    told = {}
    for command in commands:
        words = shlex.split(command)[1:]
        if "delete-refs" in words:
            desk.space.apply(desk.space.reference("nightly", words[1]))
            desk.space.until(lambda: desk.json("refs", "snaps")["count"] == 1, "it is needed")
        if words[0] == "create" and "--from-" not in command:
            told[command] = _pasted(desk, [*words, *at, "--wait"], key)
            continue
        more = (*at, "--wait") if words[0] == "create" else ()
        environment = variables(again if words[0] == "rotate" else key)
        told[command] = desk.shown(
            *words, *more, user="alice", KUBE_EDITOR="sed -i s/eu-west-1/eu-north-1/", **environment
        )
    return told


def _pasted(desk: Desk, words: list[str], key: tuple[str, str]) -> str:
    fields = {"accessKeyID": key[0], "secretAccessKey": key[1], "sessionToken": ""}
    asked = desk.typed(*words, user="alice")
    for field, value in (fields | ({"encryptionKey": ""} if words[1] == "s3" else {})).items():
        if field == "encryptionKey":
            asked.expect(field)
        else:
            asked.expect_hidden(field)
        asked.type(f"{value}\n")
    assert asked.end() == 0, asked.seen
    return str(asked.seen)
