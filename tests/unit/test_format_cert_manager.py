"""Keys of DNS01 solvers, by the names in cert-manager's documentation."""

from __future__ import annotations

import json

import pytest

from credential_operator import errors
from unit.material import CLIENT_SECRET, ID, SECRET, SERVICE_ACCOUNT, fields
from unit.reading import render


def test_a_solver_finds_each_value_to_the_byte_under_the_documented_key() -> None:
    assert render("aws", "cert-manager", fields("aws")) == {
        "access-key-id": ID.encode(),
        "secret-access-key": SECRET.encode(),
    }
    assert render("azure", "cert-manager", fields("azure")) == {"client-secret": CLIENT_SECRET.encode()}
    google = render("google", "cert-manager", fields("google"))
    assert google.keys() == {"key.json"}
    assert json.loads(google["key.json"]) == json.loads(SERVICE_ACCOUNT)


@pytest.mark.parametrize(("type_name", "field"), [("aws", "sessionToken"), ("azure", "clientCertificate")])
def test_what_a_solver_is_not_told_is_refused(type_name: str, field: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match=f"{field} has no place"):
        render(type_name, "cert-manager", {**fields(type_name), field: "canary"})
