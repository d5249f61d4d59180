"""Manifests that are checked: what is found without a call, and what is made of what the provider says."""

from pathlib import Path
from typing import Any

import pytest

from cli.manifest import API_VERSION, KEY_ID, ROLE, WRONG, Json, credential, secret
from credential_operator import errors
from credential_operator.cli import asking, files, judgements, prechecking, trial
from credential_operator.cli.files import Manifest
from credential_operator.cli.judgements import Judgement, Outcome, Subject
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.prechecking import Asked, Trials
from credential_operator.cli.problems import Exit, Problem
from credential_operator.providers import contract

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


def judged(*documents: Json, **asked: bool) -> Judgement:
    """Return what is said of the first of these manifests without a call."""
    manifests = [Manifest("FILE", document) for document in documents]
    wanted = Asked(**{"offline": True, "no_secret": False, "from_cluster": False, "server": False, **asked})
    said = Trials(Kubectl(), manifests, wanted).judge(manifests[0])
    assert isinstance(said, Judgement)
    assert WRONG not in repr(said)
    return said


def test_every_example_of_the_project_is_right() -> None:
    for manifest in files.manifests([str(EXAMPLES)]):
        if manifest.kind == "Credential":
            said = judged(manifest.document, no_secret=True)
            assert said.outcome is Outcome.VALID, said


@pytest.mark.parametrize(
    ("spec", "reason", "told"),
    [
        ({"aws": None}, "Misconfigured", "spec must have exactly one credential type"),
        (
            {"aws": {"regoin": "eu-west-1"}},
            "Misconfigured",
            "spec.aws.regoin: there is no such field (did you mean region?).",
        ),
        (
            {"aws": {"assumeRole": {"roleArn": "arn:aws:iam::1:role/r"}}},
            "Misconfigured",
            "spec.aws.assumeRole.roleArn: there is no such field (did you mean roleARN?)",
        ),
        (
            {"targets": [{"name": "a", "format": "env", "formt": "env"}]},
            "Misconfigured",
            "formt: there is no such field (did you mean format?)",
        ),
        ({"targts": []}, "Misconfigured", "field of every Credential (did you mean targets?)"),
        ({"aws": None, "cloud": {}}, "Misconfigured", "spec.cloud is neither a credential type nor"),
        ({"validation": {"interval": "1s"}}, "Misconfigured", "spec.validation.interval: must be a duration"),
        ({"secretRef": None}, "Misconfigured", "either secretRef"),
        (
            {"aws": None, "basic": {}, "secretRef": None, "workloadIdentity": {"serviceAccountName": "a"}},
            "Misconfigured",
            "basic needs a stored key",
        ),
        (
            {"secretRef": None, "workloadIdentity": {"serviceAccountName": "A"}},
            "Misconfigured",
            "spec.workloadIdentity",
        ),
        (
            {"targets": [{"name": "a", "format": "google-key-file"}]},
            "Misconfigured",
            "spec.targets[0].format google-key-file cannot serve aws: write one of",
        ),
        (
            {"targets": [{"name": "a", "format": "velero", "options": {"x": "y"}}]},
            "Misconfigured",
            "spec.targets[0].options.x",
        ),
        (
            {"targets": [{"name": "a", "format": "env", "issue": {"kind": "Nope"}}]},
            "Misconfigured",
            "spec.targets[0].issue.kind is none of aws: write SessionToken",
        ),
        (
            {
                "targets": [
                    {"name": "a", "format": "env", "issue": {"kind": "SessionToken", "duration": "1s"}}
                ]
            },
            "Misconfigured",
            "spec.targets[0].issue.duration: must be a duration",
        ),
        (
            {"aws": None, "opaque": {}, "targets": [{"name": "a", "format": "env", "issue": {"kind": "X"}}]},
            "Misconfigured",
            "leave issue out",
        ),
        (
            {
                "allowedNamespaces": {"all": True},
                "distribute": {"target": {"name": "a", "format": "cert-manager", "options": {"x": "y"}}},
            },
            "Misconfigured",
            "spec.distribute.target.options.x",
        ),
        ({"secretRef": {"name": "elsewhere"}}, "SourceNotFound", "Secret elsewhere is not in the files"),
        ({"secretRef": {"name": "backups-keys", "format": "velero"}}, "InvalidKeyMaterial", "cloud"),
    ],
)
def test_what_the_operator_would_refuse_is_told_with_what_to_write(
    spec: Json, reason: str, told: str
) -> None:
    said = judged(credential(**spec), secret())

    assert (said.outcome, said.reason) == (Outcome.INVALID, reason)
    assert told in said.message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"data": {"secretAccessKey": f"{WRONG}!"}, "stringData": None},
            "secretAccessKey under data is not base64",
        ),
        ({"data": {"secretAccessKey": 7}, "stringData": None}, "secretAccessKey under data is not base64"),
        ({"stringData": {"accessKeyID": 7}}, "accessKeyID under stringData is no text: put it in quotes"),
        ({"stringData": {"accessKeyID": KEY_ID}}, "secretAccessKey is missing"),
        ({"stringData": {"accessKeyID": "nope", "secretAccessKey": WRONG}}, "accessKeyID"),
        ({"stringData": {"accessKeyID": KEY_ID, "secretAccessKey": f"{WRONG}\n"}}, "ends with a newline"),
    ],
)
def test_key_material_that_cannot_be_right_is_told_without_it(change: Json, told: str) -> None:
    said = judged(credential(), secret() | change)

    assert said.reason == "InvalidKeyMaterial"
    assert told in said.message


def test_a_manifest_that_is_hardly_one_is_told_as_such() -> None:
    nameless = judged(credential() | {"metadata": {"name": "Not A Name"}})
    assert "metadata.name: must be the name of a Credential" in nameless.message
    assert "must be fields and their values" in judged(credential() | {"spec": ["aws"]}).message
    assert "must be fields and their values" in judged(credential() | {"metadata": "backups"}).message


def test_a_short_lived_key_is_laid_out_when_it_is_made() -> None:
    issued = {"name": "a", "format": "env", "issue": {"kind": "SessionToken"}}
    copied = {"name": "b", "format": "velero"}

    assert judged(credential(targets=[issued, copied]), secret()).outcome is Outcome.VALID


def test_what_only_an_installation_knows_is_not_asked_about() -> None:
    said = judged(credential(aws={"assumeRole": {"roleARN": ROLE}}), secret(), offline=False)

    assert "derived by the operator" in said.message


def test_a_judgement_is_a_line_and_a_document() -> None:
    said = judged(credential(), secret())

    assert said.document() == {
        "file": "FILE",
        "name": "backups",
        "type": "aws",
        "outcome": "Valid",
        "reason": "NotAsked",
        "message": said.message,
    }
    (row,) = judgements.table([said]).rows
    assert [cell.text for cell in row][:4] == ["FILE", "backups", "aws", "Valid"]


def test_a_target_that_the_key_cannot_fill_is_found() -> None:
    targets = [
        {"name": "a", "format": "env"},
        {"name": "b", "format": "fields", "keys": {"token": "sessionToken"}},
    ]

    assert "sessionToken" in judged(credential(targets=targets), secret()).message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("kind: Secret\n", f"There is no Credential ({API_VERSION}) in FILE."),
        ("apiVersion: v1beta1\nkind: Credential\n", "There is no Credential"),
        ("a: b\n c: d: [", "FILE is not YAML or JSON in line 2."),
        (f"- {WRONG}", "FILE holds something that is no Kubernetes object."),
        ("\xff", "FILE is not text in UTF-8."),
        (None, "FILE cannot be read: No such file or directory."),
    ],
)
def test_a_file_that_holds_no_manifest_is_wrong_usage(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "file.yaml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))

    with pytest.raises(Problem) as refused:
        prechecking.credentials([str(file)], files.manifests([str(file)]))

    assert refused.value.status is Exit.USAGE
    assert told.replace("FILE", str(file)) in refused.value.message
    assert WRONG not in refused.value.message


def test_what_the_provider_is_to_be_asked_through_must_be_there() -> None:
    with pytest.raises(Problem, match="--allow-endpoint: 'not a host' is no host"):
        asking.session(allow=["not a host"], ca_bundle=None)
    with pytest.raises(Problem, match="/nowhere/at/all cannot be read"):
        asking.session(allow=[], ca_bundle="/nowhere/at/all")


def test_a_date_is_a_text_as_in_kubernetes() -> None:
    assert files.documents("FILE", "expiresAt: 2027-01-31T00:00:00Z") == [
        {"expiresAt": "2027-01-31T00:00:00Z"}
    ]


# Decisions

SUBJECT = Subject(file="f", namespace="", name="a")


def _spec(policy: str) -> Any:
    document = credential(validation={"policy": policy})
    return trial.read(document, "", trial.catalogue()).spec


def test_what_nobody_can_check_is_valid_unless_the_policy_requires_it() -> None:
    nobody = contract.Validation(unasked="Nobody can be asked.")

    assert judgements.answered(SUBJECT, _spec("WhenCheckable"), nobody).reason == "NotCheckable"
    held = judgements.answered(SUBJECT, _spec("Required"), nobody)
    assert (held.outcome, held.reason) == (Outcome.INVALID, "HeldBack")


def test_warnings_of_the_provider_are_told() -> None:
    warned = contract.Validation(warnings=(contract.Warned(reason="Old", message="It is old."),))

    said = judgements.answered(SUBJECT, _spec("Required"), warned)

    assert said.message == "The provider accepted the key. It is old."


@pytest.mark.parametrize(
    ("outcomes", "status"), [(("Valid",), 0), (("Valid", "Unknown"), 5), (("Unknown", "Invalid"), 3), ((), 0)]
)
def test_one_that_is_not_valid_counts_more_than_one_of_which_nobody_could_say(
    outcomes: tuple[str, ...], status: int
) -> None:
    assert judgements.status(Judgement(SUBJECT, Outcome(one), "", "") for one in outcomes) == status


def test_what_passes_by_itself_is_not_the_manifests_fault() -> None:
    assert judgements.refused(SUBJECT, errors.RateLimited("later")).outcome is Outcome.UNKNOWN
    assert judgements.refused(SUBJECT, errors.Rejected("no")).outcome is Outcome.INVALID


def test_the_proxy_of_the_environment_is_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:1")
    known = trial.catalogue()
    seen = trial.read(credential(), "", known)
    assert seen.spec.secret_ref is not None
    keys = trial.load(seen, seen.spec.secret_ref, trial.data(secret()), known)

    with asking.session(allow=[], ca_bundle=None) as through:
        (answer,) = asking.ask([(seen, keys)], through)

    assert isinstance(answer, errors.ProviderUnreachable)
    assert "proxy" in answer.message


def test_the_proxy_of_the_environment_is_gone_around_as_others_do() -> None:
    assert asking.without_proxy("localhost, .example.com,10.0.0.0/8,*.corp, ?") == [
        *("localhost", "*.localhost", "example.com", "*.example.com", "10.0.0.0/8", "corp", "*.corp"),
    ]
    assert asking.without_proxy("*") == ["*"]
    assert asking.without_proxy("") == []
