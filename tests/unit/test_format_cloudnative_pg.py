"""Keys of object stores, by the names in CloudNativePG's documentation."""

from __future__ import annotations

import json

from unit.material import ACCOUNT_KEY, AUTHORITY, ID, SECRET, SERVICE_ACCOUNT, decoded, fields
from unit.reading import render


def test_an_object_store_finds_each_value_under_the_documented_key() -> None:
    assert decoded(render("s3", "cloudnative-pg", fields("s3"))) == {
        "ACCESS_KEY_ID": ID,
        "ACCESS_SECRET_KEY": SECRET,
        "ACCESS_REGION": "garage",
    }
    assert decoded(render("azureStorage", "cloudnative-pg", fields("azureStorage"))) == {
        "AZURE_STORAGE_ACCOUNT": "backups",
        "AZURE_STORAGE_KEY": ACCOUNT_KEY,
    }
    google = render("google", "cloudnative-pg", fields("google"))
    assert google.keys() == {"gcsCredentials"}
    assert json.loads(google["gcsCredentials"]) == json.loads(SERVICE_ACCOUNT)


def test_a_session_and_a_stores_own_authority_have_keys_of_their_own() -> None:
    found = decoded(
        render("s3", "cloudnative-pg", fields("s3", {"caBundle": AUTHORITY}, sessionToken="token=="))
    )
    assert (found["ACCESS_SESSION_TOKEN"], found["ca.crt"]) == ("token==", AUTHORITY)
