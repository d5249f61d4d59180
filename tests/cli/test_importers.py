"""What Pharmer and Cloudesire know of credentials, taken over as their own documentation shows it."""

import json
from collections.abc import Mapping

import pytest

from cli.taken import CLIENT, KEY_ID, ROLE, SECRET, SUBSCRIPTION, TENANT, Json, entries, proposed, said, spec
from credential_operator.cli.problems import Problem

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


# Whatever it is


def test_a_key_that_cannot_be_right_is_not_taken_over() -> None:
    (one,) = proposed(pharmer("aws", accessKeyID="nope", secretAccessKey=SECRET))

    assert one.new is None
    assert "accessKeyID" in said(one)


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", '{"kind": "Secret", "name": "a"}', "[1, 2]", "kind: Credential"]
)
def test_other_files_are_known_to_be_such(text: str) -> None:
    with pytest.raises(Problem, match="holds no credential that is known here"):
        entries(text)
