"""Variables of Terraform, by the names in the documentation of its providers."""

from __future__ import annotations

import json

import pytest
from google.oauth2 import service_account

from credential_operator import errors
from unit.material import ACCOUNT_KEY, CHINA, CLIENT_SECRET, GOVERNMENT, PEM, SERVICE_ACCOUNT, decoded, fields
from unit.reading import ACCOUNT, CLIENT, ORACLE, OTHER, TENANT, render


@pytest.mark.parametrize("type_name", ["aws", "s3"])
def test_providers_and_state_on_aws_read_what_its_sdks_read(type_name: str) -> None:
    found = fields(type_name, sessionToken="token==")
    assert render(type_name, "terraform", found) == render(type_name, "env", found)


@pytest.mark.parametrize(
    ("spec", "environment"), [({}, "public"), (CHINA, "china"), (GOVERNMENT, "usgovernment")]
)
def test_the_provider_for_azure_is_told_its_cloud(spec: dict[str, str], environment: str) -> None:
    assert decoded(render("azure", "terraform", fields("azure", spec))) == {
        "ARM_CLIENT_ID": CLIENT,
        "ARM_CLIENT_SECRET": CLIENT_SECRET,
        "ARM_TENANT_ID": TENANT,
        "ARM_SUBSCRIPTION_ID": OTHER,
        "ARM_ENVIRONMENT": environment,
    }
    assert decoded(render("azureStorage", "terraform", fields("azureStorage", spec))) == {
        "ARM_ACCESS_KEY": ACCOUNT_KEY,
        "ARM_ENVIRONMENT": environment,
    }


def test_a_certificate_has_no_variable() -> None:
    found = {**fields("azure"), "clientCertificate": "canary"}
    with pytest.raises(errors.InvalidKeyMaterial, match="clientCertificate has no place") as raised:
        render("azure", "terraform", found)
    assert "canary" not in repr(raised.value)


def test_googles_library_reads_the_variable() -> None:
    data = decoded(render("google", "terraform", fields("google")))
    assert data.keys() == {"GOOGLE_CREDENTIALS", "GOOGLE_PROJECT"}
    assert data["GOOGLE_PROJECT"] == ACCOUNT["project_id"]
    document = json.loads(data["GOOGLE_CREDENTIALS"])
    assert document == json.loads(SERVICE_ACCOUNT)
    found = service_account.Credentials.from_service_account_info(document)
    assert found.service_account_email == ACCOUNT["client_email"]


def test_oracles_provider_reads_variables_of_terraforms_own() -> None:
    found = decoded(render("oracle", "terraform", fields("oracle", passphrase="a word")))
    assert found == {
        "TF_VAR_tenancy_ocid": ORACLE["tenancyOCID"],
        "TF_VAR_user_ocid": ORACLE["userOCID"],
        "TF_VAR_fingerprint": ORACLE["fingerprint"],
        "TF_VAR_private_key": PEM,
        "TF_VAR_private_key_password": "a word",
        "TF_VAR_region": ORACLE["region"],
    }
