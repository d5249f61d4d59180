"""Pharmer's credentials, by the names in its code, every value a text."""

from __future__ import annotations

import json

import pytest

from credential_operator import errors
from unit.material import ACCOUNT_KEY, CLIENT_SECRET, ID, SECRET, SERVICE_ACCOUNT, fields
from unit.reading import ACCOUNT, CLIENT, OTHER, TENANT, render


def read(type_name: str) -> dict[str, str]:
    data = render(type_name, "pharmer", fields(type_name))
    assert data.keys() == {"credential.json"}
    found: dict[str, str] = json.loads(data["credential.json"])
    assert all(isinstance(value, str) for value in found.values())
    return found


def test_each_cloud_has_its_names() -> None:
    assert read("aws") == {"accessKeyID": ID, "secretAccessKey": SECRET}
    assert read("azure") == {
        "tenantID": TENANT,
        "subscriptionID": OTHER,
        "clientID": CLIENT,
        "clientSecret": CLIENT_SECRET,
    }
    assert read("azureStorage") == {"account": "backups", "key": ACCOUNT_KEY}
    google = read("google")
    assert google["projectID"] == ACCOUNT["project_id"]
    assert json.loads(google["serviceAccount"]) == json.loads(SERVICE_ACCOUNT)


@pytest.mark.parametrize(("type_name", "field"), [("aws", "sessionToken"), ("azure", "clientCertificate")])
def test_what_pharmer_is_not_told_is_refused(type_name: str, field: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match=f"{field} has no place"):
        render(type_name, "pharmer", {**fields(type_name), field: "canary"})
