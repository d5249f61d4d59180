"""Secrets of Cluster API's identities, by the keys in the code of its providers."""

from __future__ import annotations

import json

import pytest

from credential_operator import errors
from unit.material import CLIENT_SECRET, ID, PEM, SECRET, SERVICE_ACCOUNT, decoded, fields
from unit.reading import ORACLE, render


def test_each_provider_finds_its_keys() -> None:
    assert decoded(render("aws", "cluster-api", fields("aws", sessionToken="token=="))) == {
        "AccessKeyID": ID,
        "SecretAccessKey": SECRET,
        "SessionToken": "token==",
    }
    assert decoded(render("azure", "cluster-api", fields("azure"))) == {"clientSecret": CLIENT_SECRET}
    google = render("google", "cluster-api", fields("google"))
    assert google.keys() == {"credentials"}
    assert json.loads(google["credentials"]) == json.loads(SERVICE_ACCOUNT)


def test_oracles_provider_is_told_to_use_the_key() -> None:
    assert decoded(render("oracle", "cluster-api", fields("oracle", passphrase="a word"))) == {
        "tenancy": ORACLE["tenancyOCID"],
        "user": ORACLE["userOCID"],
        "key": PEM,
        "fingerprint": ORACLE["fingerprint"],
        "passphrase": "a word",
        "region": ORACLE["region"],
        "useInstancePrincipal": "false",
    }


def test_a_certificate_is_refused() -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="clientCertificate has no place"):
        render("azure", "cluster-api", {**fields("azure"), "clientCertificate": "canary"})
