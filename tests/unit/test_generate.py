"""What is generated is in the repository, fresh, and readable."""

import re
from pathlib import Path

import pytest
import yaml

from credential_operator import formats, generate, providers
from credential_operator.api import credential, kinds, schema
from credential_operator.providers import contract

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return generate.files()


def test_every_generated_file_in_the_repository_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_all_files_are_written_once_and_then_fresh(tmp_path: Path, files: dict[str, str]) -> None:
    assert generate.main(["--root", str(tmp_path)]) == 0
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(files)
    assert generate.stale(tmp_path) == {}


def test_a_stale_file_is_named_and_not_written_when_only_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate.main(["--root", str(tmp_path)])
    changed = tmp_path / "crds" / "credentials.yaml"
    changed.write_text("old")

    assert generate.main(["--check", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "crds/credentials.yaml is stale: run `make generate`\n"
    assert changed.read_text() == "old"


def test_what_is_not_generated_any_more_is_removed_and_what_people_wrote_stays(
    tmp_path: Path, files: dict[str, str]
) -> None:
    generate.main(["--root", str(tmp_path)])
    leftover, own = (tmp_path / "deploy" / "examples" / name for name in ("aardvark.yaml", "own.yaml"))
    leftover.write_text(files["deploy/examples/aws.yaml"])
    own.write_text("# by hand")

    assert generate.main(["--root", str(tmp_path)]) == 0
    assert not leftover.exists()
    assert own.exists()


def test_both_kinds_are_printed_for_what_is_installed() -> None:
    credential, reference = generate.crds()
    spec = credential["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert providers.find().keys() <= spec.keys()
    assert spec["targets"]["items"]["properties"]["format"]["enum"] == [*formats.find()]
    assert reference["metadata"]["name"] == "credentialreferences.credential-operator.io"


def test_a_manifest_reads_back_as_it_was() -> None:
    document = {
        "words": ["y", "n", "yes", "on", "1e3", "0o7", "null", "~", "a: b", "# no", "", "ä"],
        "text": "a\nb\n",
    }
    assert yaml.safe_load(generate.manifest([document])) == document


def test_words_that_go_takes_for_booleans_are_quoted() -> None:
    assert generate.manifest([{"a": ["y", "N"]}]) == "a:\n  - 'y'\n  - 'N'\n"


def test_lines_stay_lines_and_nothing_is_an_alias() -> None:
    part = {"b": "one\ntwo"}
    assert (
        generate.manifest([{"a": part, "c": part}])
        == "a:\n  b: |-\n    one\n    two\nc:\n  b: |-\n    one\n    two\n"
    )


def test_every_credential_type_has_an_example_of_its_own(files: dict[str, str]) -> None:
    for name in providers.find():
        file = re.sub("(?=[A-Z])", "-", name).lower()
        secret, credential = yaml.safe_load_all(files[f"deploy/examples/{file}.yaml"])
        assert name in credential["spec"]
        assert credential["spec"]["secretRef"]["name"] == secret["metadata"]["name"]


def test_every_type_that_can_do_without_a_stored_key_has_an_example_of_that(files: dict[str, str]) -> None:
    keyless = [each for each in providers.find().values() if isinstance(each, contract.Keyless)]
    assert keyless
    for provider in keyless:
        name = f"{re.sub('(?=[A-Z])', '-', provider.name).lower()}-workload-identity"
        account, role, binding, stored = yaml.safe_load_all(files[f"deploy/examples/{name}.yaml"])
        kind, config, rest = credential.split(stored["spec"])
        spec = credential.Spec.model_validate(rest)
        identity = provider.workload_identity.model_validate(stored["spec"]["workloadIdentity"])
        assert kind == provider.name
        assert providers.find()[kind].config.model_validate(config)
        assert spec.secret_ref is None
        assert all(target.issue for target in spec.targets)
        assert identity.service_account_name == account["metadata"]["name"]
        (rule,) = role["rules"]
        assert (rule["resources"], rule["verbs"]) == (["serviceaccounts/token"], ["create"])
        assert rule["resourceNames"] == [account["metadata"]["name"]]
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert binding["subjects"] == [
            {
                "kind": "ServiceAccount",
                "name": "credential-operator",
                "namespace": "credential-operator",
            }
        ]


def test_the_keys_of_examples_are_no_keys(files: dict[str, str]) -> None:
    for name, text in files.items():
        if name.startswith("deploy/examples"):
            secrets = [document for document in yaml.safe_load_all(text) if document["kind"] == "Secret"]
            for value in (value for secret in secrets for value in secret["stringData"].values()):
                assert "example" in value.lower(), name


def test_the_page_of_a_kind_describes_every_field(files: dict[str, str]) -> None:
    for crd, plural in zip(generate.crds(), (kinds.CREDENTIAL.plural, kinds.REFERENCE.plural), strict=True):
        # A credential type has a page of its own.
        page = "".join(
            text for name, text in files.items() if name == f"crds/{plural}.md" or "/types/" in name
        )
        root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for path, field in schema.fields(root, plural):
            if not path.endswith(("[]", "*", plural, ".spec", ".status")) and ".conditions[]." not in path:
                name = path.rpartition(".")[2]
                assert f"| `{name}`" in page or f"| [`{name}`](types/" in page, path
                assert field["description"].split("\n")[0] in page, path


def test_the_page_says_where_key_material_is_read_from(files: dict[str, str]) -> None:
    page = files["crds/types/aws.md"]
    assert "| `accessKeyID` (required) | `accessKeyID` or `AWS_ACCESS_KEY_ID` |" in page
    assert "other layouts: `aws-credentials-file`, `env`, `ini`, `velero`" in page


def test_every_type_has_a_page_with_its_examples_its_cost_and_what_it_can_do(files: dict[str, str]) -> None:
    for provider in providers.find().values():
        name = re.sub("(?=[A-Z])", "-", provider.name).lower()
        page = files[f"crds/types/{name}.md"]
        assert files[f"deploy/examples/{name}.yaml"].split("\n", 1)[1].strip() in page
        assert provider.cost in page
        for attribute, word in (
            *(("grants", "`validation.permissions`:"), ("reach", "`discoverReach`:")),
            *(("history", "`status.key`:"), ("workload_identity", "`workloadIdentity`:")),
        ):
            assert (word in page) == hasattr(provider, attribute), (name, word)
    assert "| `PortworxBucket` |" in files["crds/types/s3.md"]
