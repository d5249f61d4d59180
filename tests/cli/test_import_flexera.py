"""What Flexera's API takes and lists, taken over as its own documentation shows it, scheme by scheme."""

from typing import Any

import pytest

from cli.taken import CLIENT, KEY_ID, OCID, ROLE, SECRET, TENANT, Json, entries, proposed, said, spec


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


def test_names_become_such_as_objects_have() -> None:
    names = ["Größe..A", "ü", "x" * 99]
    found = proposed([flexera("aws_sts", role_arn=ROLE) | {"id": name} for name in names])

    made = [one.new.credential["metadata"]["name"] for one in found if one.new]
    assert made == ["gr-e.a", "credential", "x" * 58]
