"""Crossplane's credentials, read as its providers do."""

from __future__ import annotations

import json
from pathlib import Path

import botocore.configloader
import pytest

from credential_operator import errors
from unit.material import CLIENT_SECRET, ID, PEM, SECRET, SERVICE_ACCOUNT, fields
from unit.reading import CLIENT, ORACLE, OTHER, TENANT, render

ROLE = {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/backup"}}


@pytest.mark.parametrize("spec", [{}, ROLE], ids=["a key", "a key and a role"])
def test_the_provider_for_aws_reads_the_key_alone_in_the_default_profile(
    tmp_path: Path, spec: dict[str, object]
) -> None:
    file = tmp_path / "creds"
    file.write_bytes(render("aws", "crossplane", fields("aws", spec, sessionToken="token=="))["creds"])
    assert botocore.configloader.raw_config_parse(str(file)) == {
        "default": {
            "aws_access_key_id": ID,
            "aws_secret_access_key": SECRET,
            "aws_session_token": "token==",
        }
    }


def test_the_provider_for_azure_reads_a_map_of_texts() -> None:
    assert json.loads(render("azure", "crossplane", fields("azure"))["creds"]) == {
        "clientId": CLIENT,
        "clientSecret": CLIENT_SECRET,
        "tenantId": TENANT,
        "subscriptionId": OTHER,
    }


def test_the_provider_for_oracle_reads_a_map_of_texts() -> None:
    assert json.loads(render("oracle", "crossplane", fields("oracle"))["creds"]) == {
        "tenancy_ocid": ORACLE["tenancyOCID"],
        "user_ocid": ORACLE["userOCID"],
        "private_key": PEM,
        "fingerprint": ORACLE["fingerprint"],
        "region": ORACLE["region"],
    }


def test_the_provider_for_google_reads_the_key_file() -> None:
    assert json.loads(render("google", "crossplane", fields("google"))["creds"]) == json.loads(
        SERVICE_ACCOUNT
    )


@pytest.mark.parametrize(("type_name", "field"), [("azure", "clientCertificate"), ("oracle", "passphrase")])
def test_what_a_provider_is_not_told_is_refused(type_name: str, field: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match=f"{field} has no place") as raised:
        render(type_name, "crossplane", {**fields(type_name), field: "canary"})
    assert "canary" not in repr(raised.value)
