"""What other systems know of credentials, taken over: each as its own documentation shows it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from credential_operator.cli import importing, proposals
from credential_operator.cli.importers.contract import Entry
from credential_operator.cli.problems import Exit, Problem
from credential_operator.cli.proposals import Proposal

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"
TENANT, CLIENT = "96fabb56-8782-4f37-b6f2-ae41118a6b43", "f752ce48-618a-44f8-b5ef-47b5ab9b25b2"
SUBSCRIPTION = "d7759627-d2df-4caa-8f02-6fa88b694b4f"
ROLE = "arn:aws:iam::012345678901:role/OrganizationAccountAccessRole"
OCID = f"ocid1.{{}}.oc1..{'a' * 60}".format

Json = dict[str, Any]


def entries(content: object, system: str | None = None) -> list[Entry]:
    """Return what a file holds."""
    text = content if isinstance(content, str) else json.dumps(content)
    found = importing.entries("FILE", text, system)
    assert SECRET not in repr(found)
    return found


def proposed(content: object, **given: str) -> list[Proposal]:
    """Return what is made of a file."""
    found = proposals.proposals(entries(content), namespace=None, with_secret=True, given=given)
    assert not any(SECRET in sentence for one in found for sentence in one.said)
    return found


def spec(one: Proposal) -> Json:
    """Return the spec that is proposed."""
    assert one.new is not None, one.said
    return dict(one.new.credential["spec"])


def said(one: Proposal) -> str:
    """Return all that is said of it."""
    return " ".join(one.said)


# Pharmer

PHARMER = """
apiVersion: v1beta1
kind: Credential
metadata:
  creationTimestamp: "2019-04-04T09:33:32Z"
  name: {name}
spec:
  data:
{data}
  provider: {provider}
"""


def pharmer(provider: str, **data: str) -> str:
    """Return what `pharmer get credentials -o yaml` prints."""
    lines = "\n".join(f"    {name}: {json.dumps(value)}" for name, value in data.items())
    return PHARMER.format(name=provider.lower(), data=lines, provider=provider)


def test_a_pharmer_user_prints_a_credential_and_gets_it_here() -> None:
    (one,) = entries(pharmer("aws", accessKeyID=KEY_ID, secretAccessKey=SECRET))

    assert (one.name, one.type, one.left) == ("aws", "aws", [])
    assert one.fields == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}


@pytest.mark.parametrize(
    ("provider", "data", "type_", "config", "fields"),
    [
        (
            "Azure",
            {"tenantID": TENANT, "clientID": CLIENT, "subscriptionID": SUBSCRIPTION, "clientSecret": SECRET},
            "azure",
            {"tenantID": TENANT, "clientID": CLIENT, "subscriptionID": SUBSCRIPTION},
            {"clientSecret": SECRET},
        ),
        (
            "GoogleCloud",
            {"projectID": "example-project", "serviceAccount": SECRET},
            "google",
            {"projectID": "example-project"},
            {"serviceAccountJSON": SECRET},
        ),
        (
            "AzureStorage",
            {"account": "a", "key": SECRET},
            "azureStorage",
            {"accountName": "a"},
            {"accountKey": SECRET},
        ),
        ("DigitalOcean", {"token": SECRET}, "apiKey", {"preset": "DigitalOcean"}, {"key": SECRET}),
        ("Packet", {"apiKey": SECRET, "projectID": "p"}, "opaque", {}, {"apiKey": SECRET, "projectID": "p"}),
    ],
)
def test_pharmers_providers_become_types(
    provider: str, data: Mapping[str, str], type_: str, config: Json, fields: Json
) -> None:
    (one,) = entries(pharmer(provider, **data))

    assert (one.type, one.config, one.fields) == (type_, config, fields)
    assert bool(one.left) == (type_ == "opaque")


def test_pharmers_list_is_read_and_what_it_masks_is_told() -> None:
    items = [
        {"kind": "Credential", "metadata": {"name": "a"}, "spec": {"provider": "aws", "data": data}}
        for data in ({"accessKeyID": KEY_ID, "secretAccessKey": "*****"}, {"accessKeyID": "<key-id>"})
    ]

    first, second = proposed({"kind": "List", "items": [*items, "x"]})

    assert first.new is not None
    assert first.new.secret is None
    assert "secretAccessKey: not in the file" in said(first)
    assert "--from-file=accessKeyID=FILE --from-file=secretAccessKey=FILE" in said(second)
    assert second.new is not None
    assert second.new.credential["metadata"]["name"] == "a-2"


# Cloudesire

PANEL = f"""
An example configuration would be:

* Identifier: `my-azure-credential`
* Identity: `{CLIENT}`
* Credential: `{SECRET}`
* Endpoint: `https://management.azure.com/subscriptions/{SUBSCRIPTION}`
* OAuth endpoint: `https://login.microsoftonline.com/{TENANT}/oauth2/token`
"""


def test_a_cloudesire_customer_pastes_the_fields_of_the_panel() -> None:
    (one,) = proposed(PANEL)

    assert spec(one) == {
        "azure": {"tenantID": TENANT, "clientID": CLIENT, "subscriptionID": SUBSCRIPTION},
        "secretRef": {"name": "my-azure-credential-keys"},
    }
    assert one.new is not None
    assert [document["kind"] for document in one.new.documents] == ["Secret", "Credential"]
    assert one.said == []


def test_cloudesires_aws_account_is_worked_in_by_its_role() -> None:
    fields = {"identifier": "Customer 7", "access_key": KEY_ID, "secretKey": SECRET, "Resource name": ROLE}

    (one,) = proposed([fields])

    assert spec(one)["aws"] == {"assumeRole": {"roleARN": ROLE}}
    assert spec(one)["displayName"] == "Customer 7"
    assert said(one) == "It is named customer-7 here."


def test_what_is_wrong_with_a_panel_is_told() -> None:
    fields = {
        "Identifier": "a",
        "Identity": CLIENT,
        "Credential": SECRET,
        "OAuth endpoint": "https://example.com/x",
    }

    (one,) = proposed(fields)

    assert one.new is None
    assert "spec.azure.tenantID: it is needed" in said(one)
    assert "not one of Azure's" in said(one)
    with pytest.raises(Problem):
        entries({"Identifier": "a", "Colour": "blue"})
    with pytest.raises(Problem):
        entries("Colour: blue\nIdentity: me\n- [", "cloudesire")


@pytest.mark.parametrize(
    ("host", "cloud"),
    [("login.microsoftonline.us", "AzureUSGovernment"), ("login.partner.microsoftonline.cn", "AzureChina")],
)
def test_the_cloud_of_a_tenant_is_known_by_where_it_signs_in(host: str, cloud: str) -> None:
    (one,) = entries(PANEL.replace("login.microsoftonline.com", host))

    assert one.config["cloud"] == cloud


# Portworx

COMMAND = f"""
pxctl credentials create \\
  --provider s3 \\
  --s3-access-key {SECRET}
  --s3-secret-key {KEY_ID} \\
  --s3-region us-east-1 \\
  --s3-endpoint s3.amazonaws.com \\
  --s3-storage-class STANDARD \\
  backups
"""


def test_a_portworx_user_pastes_the_command_as_the_documentation_has_it() -> None:
    (one,) = proposed(COMMAND)

    assert spec(one) == {
        "s3": {"region": "us-east-1", "storageClass": "STANDARD"},
        "secretRef": {"name": "backups-keys"},
    }
    (entry,) = entries(COMMAND)
    assert entry.fields == {"accessKeyID": KEY_ID, "secretAccessKey": SECRET}
    assert "were exchanged" in said(one)


def test_a_store_that_is_not_amazons_keeps_its_endpoint() -> None:
    words = f"--s3-access-key={KEY_ID} --s3-secret-key={SECRET} --s3-endpoint minio:9000,other:9000"
    (one,) = entries(f"/opt/pwx/bin/pxctl cred c --provider s3 {words} --s3-disable-ssl --enc {SECRET} minio")

    assert one.config == {"endpoint": "minio:9000", "disableSSL": True, "forcePathStyle": True}
    assert one.fields["encryptionKey"] == SECRET
    assert "other:9000 is left out" in one.left[0]
    (other,) = entries(f"pxctl cred create --provider s3 {words} --disable-path-style minio")
    assert "forcePathStyle" not in other.config


TABLE = """S3 Credentials
UUID\t\t\t\t\t\tREGION\t\t\tENDPOINT\t\t\tACCESS KEY\t\t\tSSL ENABLED\tENCRYPTION
ffffffff-ffff-ffff-1111-ffffffffffff\t\tus-east-1\t\ts3.amazonaws.com\t\tAAAAAAAAAAAAAAAAAAAA\t\tfalse\t\ttrue

Azure Credentials
UUID\t\t\t\t\t\tACCOUNT NAME\t\tENCRYPTION
ffffffff-ffff-ffff-ffff-ffffffffffff\t\tportworxtest\t\tfalse
"""


def test_a_list_shows_no_secrets_and_it_is_told_how_to_add_them() -> None:
    bucket, account = proposed(TABLE)

    assert spec(bucket)["s3"] == {"region": "us-east-1", "disableSSL": True}
    assert "secretAccessKey: not in the file" in said(bucket)
    assert "does not show with what" in said(bucket)
    assert spec(account)["azureStorage"] == {"accountName": "portworxtest"}
    assert "accountKey: not in the file" in said(account)


@pytest.mark.parametrize(
    "listed",
    [
        {"u-1": {"CredType": "s3", "CredName": "a", "CredRegion": "eu-west-1", "CredAccessKey": KEY_ID}},
        [{"uuid": "u-1", "name": "a", "type": "s3", "region": "eu-west-1", "access_key": KEY_ID}],
        [
            {
                "credential_id": "u-1",
                "name": "a",
                "aws_credential": {"region": "eu-west-1", "access_key": KEY_ID},
            }
        ],
        {"credentials": [{"id": "u-1", "name": "a", "region": "eu-west-1", "accessKey": KEY_ID, "acl": {}}]},
    ],
)
def test_a_list_in_json_is_read_in_the_names_of_every_version(listed: object) -> None:
    (one,) = entries(listed, "portworx")

    assert (one.name, one.type, one.config) == ("a", "s3", {"region": "eu-west-1"})
    assert one.fields == {"accessKeyID": KEY_ID}


def test_a_credential_without_a_name_has_that_of_its_uuid() -> None:
    (one,) = entries({"ffff-1": {"google_credential": {"project_id": "example-project"}}}, "portworx")

    assert (one.name, one.type, one.config) == ("ffff-1", "google", {"projectID": "example-project"})


def test_a_key_file_that_a_command_names_is_not_read() -> None:
    (one,) = entries(
        "pxctl credentials create --provider google --google-project-id example-project "
        "--google-json-key-file /keys/one.json mine"
    )

    assert one.left == ["The key file is not read: add /keys/one.json as serviceAccountJSON."]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--provider s3 --s3-region eu-west-1 --use-iam mine", "the role of the node (--use-iam)"),
        ("--provider azure --azure-account-name a --use-iam mine", "kubectl credential create azureStorage"),
        ("--provider s3 --use-workload-identity mine", "kubectl credential create s3"),
    ],
)
def test_what_has_no_key_is_told_with_what_to_do(words: str, told: str) -> None:
    (one,) = proposed(f"pxctl credentials create {words}")

    assert one.new is None
    assert told in said(one)


def test_what_a_type_has_no_field_for_is_told() -> None:
    (one,) = entries("pxctl cred create --provider s3 --s3-sse aws:kms --use-proxy mine")

    assert [sentence.partition(":")[0] for sentence in one.left] == ["sse", "useproxy"]


def test_tables_of_others_are_none_of_portworx() -> None:
    with pytest.raises(Problem) as refused:
        entries("S3 Credentials\nUUID\tREGION\nonly-one-cell\n\nUUID\tNAME\na\tb\n", "flexera")
    assert refused.value.status is Exit.USAGE
    with pytest.raises(Problem):
        entries("UUID\tREGION\na\tb\n")


# Flexera


def flexera(scheme: str, **fields: Any) -> Json:
    """Return a credential as the API has it."""
    return {"id": "mine", "name": "Mine", "description": "why", "scheme": scheme, **fields}


def valued(value: str) -> Json:
    """Return a value with its encoding."""
    return {"type": "plain", "data": value}


AZURE: Json = {
    "grant_type": "client_credentials",
    "token_url": f"https://login.windows.net/{TENANT}/oauth2/token",
    "client_credentials_params": {"client_id": CLIENT, "client_secret": valued(SECRET)},
}
GOOGLE: Json = {
    "grant_type": "jwt_bearer",
    "token_url": "https://accounts.google.com/oauth2/v4/token",
    "jwt_bearer_params": {
        "additional_claims.scope": "https://www.googleapis.com/auth/cloud-platform",
        "alg": "RS256",
        "aud": "",
        "max_minutes": "60",
        "iss.data": "backup@example-project.iam.gserviceaccount.com",
        "iss.type": "plain",
        "signing_key.data": SECRET,
        "signing_key.type": "plain",
    },
}
ORACLE = {
    "fingerprint": valued(":".join(["20"] * 16)),
    "password": valued(SECRET),
    "privateKey": valued(SECRET),
    "tenancyOcid": valued(OCID("tenancy")),
    "userOcid": valued(OCID("user")),
}


@pytest.mark.parametrize(
    ("document", "type_", "config", "fields"),
    [
        (
            flexera("aws", access_key_id=valued(KEY_ID), secret_access_key=valued(SECRET)),
            "aws",
            {},
            {"accessKeyID": KEY_ID, "secretAccessKey": SECRET},
        ),
        (
            flexera("aws_sts", role_arn=ROLE, external_id="42", role_session_name="flexera"),
            "aws",
            {"assumeRole": {"roleARN": ROLE, "externalID": "42", "sessionName": "flexera"}},
            {},
        ),
        (
            flexera("basic", username="me", password=valued(SECRET)),
            "basic",
            {},
            {"username": "me", "password": SECRET},
        ),
        (
            flexera("ntlm", username="EXAMPLE\\me", password=valued(SECRET)),
            "ntlm",
            {},
            {"username": "EXAMPLE\\me", "password": SECRET},
        ),
        (
            flexera("api_key", location="query", field="token", key=valued(SECRET)),
            "apiKey",
            {"location": "Query", "field": "token"},
            {"key": SECRET},
        ),
        (
            flexera("jwt", alg="ES256", iss="me", aud="you", max_minutes=90, signing_key=valued(SECRET)),
            "jwt",
            {"algorithm": "ES256", "issuer": "me", "audience": "you", "lifetime": "60m"},
            {"signingKey": SECRET},
        ),
        (
            flexera("oauth2", **AZURE),
            "azure",
            {"tenantID": TENANT, "clientID": CLIENT},
            {"clientSecret": SECRET},
        ),
        (
            flexera(
                "oauth2",
                grant_type="client_credentials",
                token_url="https://login.example.com/token",
                client_credentials_params={
                    "client_id": "me",
                    "client_secret": SECRET,
                    "additional_params": {"scope": "a b", "audience": "you", "resource": "r"},
                },
            ),
            "oauth2",
            {
                "tokenURL": "https://login.example.com/token",
                "scopes": ["a", "b"],
                "audience": "you",
                "additionalParams": {"resource": "r"},
            },
            {"clientID": "me", "clientSecret": SECRET},
        ),
        (
            flexera(
                "oauth2",
                grant_type="refresh_token",
                token_url="https://login.example.com/token",
                refresh_token_params={"client_id": "me", "refresh_token": valued(SECRET), "scopes": ["a"]},
            ),
            "oauth2",
            {"grant": "RefreshToken", "tokenURL": "https://login.example.com/token", "scopes": ["a"]},
            {"clientID": "me", "refreshToken": SECRET},
        ),
        (
            flexera("oauth2", **GOOGLE),
            "oauth2",
            {
                "grant": "JWTBearer",
                "tokenURL": "https://oauth2.googleapis.com/token",
                "issuer": "backup@example-project.iam.gserviceaccount.com",
                "algorithm": "RS256",
                "lifetime": "60m",
                "claims": {"scope": "https://www.googleapis.com/auth/cloud-platform"},
            },
            {"signingKey": SECRET},
        ),
        (
            flexera("oracle", **ORACLE, region="eu-frankfurt-1"),
            "oracle",
            {
                "fingerprint": ":".join(["20"] * 16),
                "tenancyOCID": OCID("tenancy"),
                "userOCID": OCID("user"),
                "region": "eu-frankfurt-1",
            },
            {"privateKey": SECRET, "passphrase": SECRET},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_flexeras_schemes_become_types(document: Json, type_: str, config: Json, fields: Json) -> None:
    (one,) = entries(document)

    assert (one.name, one.description) == ("mine", "why")
    assert (one.type, one.config, one.fields) == (type_, config, fields)
    unnamed = {name: value for name, value in document.items() if name != "scheme"}
    if type_ != "ntlm":
        assert [each.type for each in entries({"items": [unnamed]})] == [type_]


@pytest.mark.parametrize(
    ("resource", "config"),
    [
        ("https://management.azure.com", {"resource": "management"}),
        ("https://graph.microsoft.com", {"resource": "graph"}),
        ("https://api.loganalytics.io", {"resource": "loganalytics"}),
        ("https://myaccount.blob.core.windows.net", {"resource": "storage", "storageAccount": "myaccount"}),
        ("https://vault.example.com", {}),
    ],
)
def test_azure_rm_signs_in_for_the_resource_that_flexera_names(resource: str, config: Json) -> None:
    params = {**AZURE["client_credentials_params"], "additional_params": {"resource": resource}}
    tags = [{"key": "provider", "value": "azure_rm"}]

    (one,) = entries(flexera("oauth2", **{**AZURE, "client_credentials_params": params}, tags=tags))

    assert one.config == {"tenantID": TENANT, "clientID": CLIENT, **config}
    assert bool(one.left) == (not config)


@pytest.mark.parametrize(
    "told", [{"provider": "azure_ea"}, {"tags": [{"key": "provider", "value": "azure_ea"}]}]
)
def test_azure_ea_is_told_to_be_retired(told: Json) -> None:
    key = {"location": "header", "field": "Authorization", "type": "Bearer", "key": valued(SECRET)}

    (one,) = proposed([flexera("api_key", **key, **told)])

    assert spec(one)["azureEnterprise"] == {}
    assert "has retired these APIs" in said(one)


def test_what_flexera_does_not_keep_is_told_with_what_to_do() -> None:
    role, google = proposed([flexera("aws_sts", role_arn=ROLE), flexera("oauth2", **GOOGLE) | {"id": "gce"}])
    assert "assumed the role with its own account" in said(role)
    assert "accessKeyID, secretAccessKey: not in the file" in said(role)
    assert "create google NAME --from-file FILE" in said(google)

    (without,) = proposed(
        flexera("oracle", **{name: ORACLE[name] for name in ORACLE if "rivate" not in name})
    )
    assert without.new is None
    assert "give it with --set region=" in said(without)
    fields = {name: value for name, value in ORACLE.items() if name != "privateKey"}
    (one,) = proposed(flexera("oracle", **fields), region="eu-frankfurt-1", colour="blue")
    assert spec(one)["oracle"]["region"] == "eu-frankfurt-1"
    (other,) = proposed(flexera("oauth2", grant_type="password", token_url="https://login.example.com"))
    assert other.new is None
    assert "There is no grant password here" in said(other)


# Whatever it is


def test_a_key_that_cannot_be_right_is_not_taken_over() -> None:
    (one,) = proposed(pharmer("aws", accessKeyID="nope", secretAccessKey=SECRET))

    assert one.new is None
    assert "accessKeyID" in said(one)


def test_names_become_such_as_objects_have() -> None:
    names = ["Größe..A", "ü", "x" * 99]
    found = proposed([flexera("aws_sts", role_arn=ROLE) | {"id": name} for name in names])

    made = [one.new.credential["metadata"]["name"] for one in found if one.new]
    assert made == ["gr-e.a", "credential", "x" * 58]


def test_secrets_are_left_out_where_they_are_not_wanted() -> None:
    found = entries(COMMAND)

    (one,) = proposals.proposals(found, namespace="team-a", with_secret=False, given={})

    assert one.new is not None
    assert one.new.secret is None
    assert one.new.credential["metadata"] == {"name": "backups", "namespace": "team-a"}


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", '{"kind": "Secret", "name": "a"}', "[1, 2]", "kind: Credential"]
)
def test_other_files_are_known_to_be_such(text: str) -> None:
    with pytest.raises(Problem, match="holds no credential that is known here"):
        entries(text)
