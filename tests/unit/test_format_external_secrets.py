"""Keys of SecretStores, by the names in External Secrets' documentation."""

from __future__ import annotations

import json

import pytest

from credential_operator import errors
from unit.material import CLIENT_SECRET, ID, PEM, SECRET, SERVICE_ACCOUNT, decoded, fields
from unit.reading import CLIENT, ORACLE, render


def test_a_store_finds_each_value_under_the_documented_key() -> None:
    assert decoded(render("aws", "external-secrets", fields("aws", sessionToken="token=="))) == {
        "access-key": ID,
        "secret-access-key": SECRET,
        "session-token": "token==",
    }
    assert decoded(render("azure", "external-secrets", fields("azure"))) == {
        "ClientID": CLIENT,
        "ClientSecret": CLIENT_SECRET,
    }
    assert decoded(render("oracle", "external-secrets", fields("oracle"))) == {
        "privateKey": PEM,
        "fingerprint": ORACLE["fingerprint"],
    }
    google = render("google", "external-secrets", fields("google"))
    assert google.keys() == {"secret-access-credentials"}
    assert json.loads(google["secret-access-credentials"]) == json.loads(SERVICE_ACCOUNT)


@pytest.mark.parametrize(("type_name", "field"), [("azure", "clientCertificate"), ("oracle", "passphrase")])
def test_what_a_store_is_not_told_is_refused(type_name: str, field: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match=f"{field} has no place"):
        render(type_name, "external-secrets", {**fields(type_name), field: "canary"})
