"""Existing Secrets that cannot be read: what is wrong is named, and nothing of it shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest

from unit.reading import KEY_FILE, ORACLE, problem

AWS, DOCKER, OCI = "aws-credentials-file", "docker-registry", "ini"
GOOD = "[default]\naws_access_key_id = canary\naws_secret_access_key = canary\n"


def docker(entry: object, host: str = "ghcr.io") -> dict[str, str]:
    return {".dockerconfigjson": json.dumps({"auths": {host: entry}})}


def coded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


FILES: dict[str, tuple[str, str, Mapping[str, bytes | str], str]] = {
    "an empty Secret": ("aws", AWS, {}, "The Secret has no key credentials: write the file there"),
    "several keys, none the usual": (
        "aws",
        "velero",
        {"b": GOOD, "a": GOOD},
        "name its key in spec.secretRef.options.key; it has a, b.",
    ),
    "many keys": ("aws", "velero", {f"k{n}": GOOD for n in range(9)}, "it has k0, k1, k2, k3, k4, …."),
    "no text": ("aws", AWS, {"credentials": b"\xffcanary"}, "Secret key credentials is not text in UTF-8"),
    "nothing": ("google", "google-key-file", {"key.json": "\n"}, "Secret key key.json is empty"),
    "a mark": (
        "azure",
        "azure-sdk-auth",
        {"creds": "\ufeff{}"},
        "Secret key creds begins with a byte order mark",
    ),
    "no section": (
        "aws",
        AWS,
        {"credentials": "aws_secret_access_key = canary"},
        "text before its first section (line 1)",
    ),
    "a section twice": ("aws", AWS, {"credentials": GOOD + GOOD}, "has a section twice (line 4)"),
    "a name twice": (
        "aws",
        AWS,
        {"credentials": GOOD + "aws_access_key_id = canary"},
        "has a name twice in one section (line 4)",
    ),
    "no name": ("aws", AWS, {"credentials": GOOD + "canary"}, "a line that is not name = value (line 4)"),
    "another profile": (
        "aws",
        "velero",
        {"cloud": "[z]\n[a]\nregion = canary\n[canary \n]\n[a b]\n"},
        "Secret key cloud has a line that is not name = value",
    ),
    "no such profile": (
        "aws",
        "velero",
        {"cloud": "[z]\n[a]\nregion = canary\n[= canary]\n"},
        "has no profile default; it has a, z: correct the file, or name one of them in spec.secretRef.options.profile.",
    ),
    "no such source_profile": (
        "aws",
        AWS,
        {"credentials": "[default]\nsource_profile = canary\n"},
        "has no profile of the name that source_profile of default gives; it has default",
    ),
    "no key": (
        "aws",
        AWS,
        {"credentials": "[default]\naws_access_key_id = canary\ncredential_process = canary\n"},
        "secretAccessKey is missing: write it as aws_secret_access_key in profile default of Secret key credentials.",
    ),
    "an empty value": (
        "aws",
        AWS,
        {"credentials": "[default]\naws_access_key_id = canary\naws_secret_access_key =\n"},
        "secretAccessKey (aws_secret_access_key in profile default of Secret key credentials) is empty.",
    ),
    "a value of two lines": (
        "aws",
        AWS,
        {"credentials": GOOD + " canary\n"},
        "secretAccessKey (aws_secret_access_key in profile default of Secret key credentials) holds control",
    ),
    "a comma too many": (
        "google",
        "google-key-file",
        {"key.json": '{\n  "accessKeyID": "canary",\n  "secretAccessKey": "canary",\n}\n'},
        "is not JSON: there is a comma too many before the end of an object or a list (line ",
    ),
    "half a document": (
        "google",
        "velero",
        {"cloud": KEY_FILE[:40]},
        "Secret key cloud is not JSON (line 1)",
    ),
    "a number that is none": (
        "google",
        "velero",
        {"cloud": '{"a": NaN}'},
        "Secret key cloud is not JSON: write",
    ),
    "a deep document": ("google", "velero", {"cloud": "[" * 100_000}, "Secret key cloud is not JSON: write"),
    "a list": ("azure", "azure-sdk-auth", {"creds": '["canary"]'}, "is JSON, and not an object"),
    "null": ("azure", "azure-sdk-auth", {"creds": "null"}, "is JSON, and not an object"),
    "another kind of file": (
        "google",
        "google-key-file",
        {"a": '{"type": "canary"}'},
        "not a service account's key",
    ),
    "no secret": (
        "azure",
        "azure-sdk-auth",
        {"creds": '{"clientSecret": 5, "clientCertificate": "canary"}'},
        "clientSecret is missing: write it as clientSecret in Secret key creds.",
    ),
    "no variable": (
        "azure",
        "velero",
        {"cloud": "# canary\nAZURE_CLIENT_ID=\n"},
        "clientSecret is missing: write it as AZURE_CLIENT_SECRET in Secret key cloud.",
    ),
    "no line of a variable": ("azure", "velero", {"cloud": "a=1\ncanary"}, "line 2 is not NAME=value"),
    "a variable twice": (
        "azure",
        "velero",
        {"cloud": "a=1\na=canary"},
        "line 2 names a variable that was there",
    ),
    "a variable in a value": (
        "azure",
        "velero",
        {"cloud": "a=canary$X"},
        "line 1 holds quotes, a backslash or $",
    ),
    "an open quote": ("azureStorage", "velero", {"cloud": "a='canary"}, "line 1 holds quotes"),
    "no auths": ("registry", DOCKER, {".dockerconfigjson": '{"canary": {}}'}, "holds no auths"),
    "another registry": (
        "registry",
        DOCKER,
        docker({}, "https://index.docker.io/v1/"),
        "Secret key .dockerconfigjson has no entry of ghcr.io; it has index.docker.io.",
    ),
    "two entries": (
        "registry",
        DOCKER,
        {"a": json.dumps({"auths": {"ghcr.io": {"auth": coded("canary:a")}, "https://ghcr.io": {}}})},
        "Secret key a has several entries of ghcr.io, which differ",
    ),
    "a token": (
        "registry",
        DOCKER,
        docker({"auth": coded("canary:"), "identitytoken": "canary"}),
        "the entry of ghcr.io has an identitytoken, which is not supported",
    ),
    "no account": (
        "registry",
        DOCKER,
        docker({}),
        "username is missing: write it as username in the entry of ghcr.io in Secret key .dockerconfigjson.",
    ),
    "no pair": ("registry", DOCKER, docker({"auth": coded("canary")}), "has an auth that is not a user name"),
    "no base64": ("registry", DOCKER, docker({"auth": "canary!"}), "has an auth that is not a user name"),
    "auth and another password": (
        "registry",
        DOCKER,
        docker({"username": "me", "password": "canary", "auth": coded("me:canary2")}),
        "has an auth that differs from username and password",
    ),
    "no entry": ("registry", DOCKER, docker("canary"), "the entry of ghcr.io is not an object"),
    "no key beside": (
        "oracle",
        OCI,
        {"config": f"[DEFAULT]\nuser={ORACLE['userOCID']}\nkey_file=/canary.pem\n"},
        "privateKey is missing: write the file that key_file names under its own name, or under key.pem.",
    ),
    "no private key": (
        "oracle",
        OCI,
        {"config": "[DEFAULT]\npass_phrase=canary\n"},
        "privateKey is missing: write it as privatekey or oci_cli_key_content or tf_var_private_key or key_content",
    ),
    "several sections": ("basic", OCI, {"config": "[b]\n[a]\n"}, "has several sections; it has a, b: name"),
    "no sections": (
        "basic",
        OCI,
        {"config": "# canary\n"},
        "has no section; it has none: name the right one",
    ),
}


@pytest.mark.parametrize(("type_name", "layout", "data", "says"), FILES.values(), ids=FILES)
def test_what_cannot_be_read_is_named_without_its_values(
    type_name: str, layout: str, data: Mapping[str, bytes | str], says: str
) -> None:
    assert says in problem(type_name, layout, data)


def test_an_option_that_names_nothing_is_named() -> None:
    assert problem("aws", "velero", {"cloud": GOOD}, key="mine") == (
        "InvalidKeyMaterial: The Secret has no key mine, which spec.secretRef.options.key names; it has cloud."
    )
    assert "has no section b; it has a" in problem("basic", "ini", {"config": "[a]\n"}, section="b")


@pytest.mark.parametrize("type_name", ["azure", "azureStorage", "google"])
def test_a_profile_of_a_file_that_has_none_is_the_specs_fault(type_name: str) -> None:
    assert problem(type_name, "velero", {"cloud": "{}"}, profile="a") == (
        "Misconfigured: options.profile is for keys of AWS: this file has no profiles; remove it."
    )


@pytest.mark.parametrize(
    ("type_name", "data", "says"),
    [
        ("aws", {}, "accessKeyID is missing: write it as AWS_ACCESS_KEY_ID in the Secret"),
        (
            "aws",
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "canary\n"},
            "secretAccessKey (AWS_SECRET_ACCESS_KEY in the Secret) ends with a newline",
        ),
        ("basic", {"username": "canary"}, "username is missing: write it as USERNAME in the Secret."),
    ],
)
def test_a_variable_that_cannot_be_right_is_named(type_name: str, data: Mapping[str, str], says: str) -> None:
    assert says in problem(type_name, "env", data)


LONG = 1_000_000
SPACES = "a" + " " * LONG + "b"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("type_name", "layout", "content", "says"),
    [
        ("aws", AWS, f"[default]\n{SPACES}", "a line that is not name = value (line 2)"),
        ("aws", AWS, f"[default]\naws_access_key_id = {SPACES}", "secretAccessKey is missing"),
        ("aws", AWS, f"[{SPACES}", "text before its first section (line 1)"),
        ("aws", AWS, "[default]\n" + "a\n" * LONG, "has more than 2000 lines"),
        ("aws", AWS, "[default]\n" + "a\n" * 1999, "a line that is not name = value (line 2)"),
        ("azure", "velero", f"AZURE_CLIENT_SECRET{SPACES}", "line 1 is not NAME=value"),
        ("azure", "velero", f"export{' ' * LONG}!", "line 1 is not NAME=value"),
        ("azure", "velero", f"AZURE_CLIENT_ID={SPACES}", "clientSecret is missing"),
        ("azure", "velero", "AZURE_CLIENT_ID='" + "'" * LONG, "line 1 holds quotes"),
        ("azure", "azure-sdk-auth", '{"a":' * (LONG // 5), "is not JSON"),
        ("google", "google-key-file", "[" + "," * LONG, "is not JSON"),
        (
            "registry",
            DOCKER,
            json.dumps({"auths": {"/" * LONG: {}}}),
            "has no entry of ghcr.io; it has none.",
        ),
    ],
)
def test_what_is_large_is_refused_in_time_that_grows_with_its_size(
    type_name: str, layout: str, content: str, says: str
) -> None:
    assert says in problem(type_name, layout, {"file": content})
