"""external-dns's configuration for Azure, read as YAML, as external-dns does (provider/azure/config.go)."""

from __future__ import annotations

import pytest
import yaml

from unit.material import CHINA, CLIENT_SECRET, GOVERNMENT, fields
from unit.reading import CLIENT, OTHER, TENANT, render


@pytest.mark.parametrize(
    ("spec", "cloud"),
    [({}, "AzurePublicCloud"), (CHINA, "AzureChinaCloud"), (GOVERNMENT, "AzureUSGovernmentCloud")],
)
def test_it_is_told_the_application_and_its_cloud(spec: dict[str, str], cloud: str) -> None:
    data = render("azure", "external-dns", fields("azure", spec), resourceGroup="dns")
    assert data.keys() == {"azure.json"}
    assert yaml.safe_load(data["azure.json"]) == {
        "cloud": cloud,
        "tenantId": TENANT,
        "subscriptionId": OTHER,
        "resourceGroup": "dns",
        "aadClientId": CLIENT,
        "aadClientSecret": CLIENT_SECRET,
    }


def test_the_resource_group_may_stand_in_its_flags() -> None:
    assert b"resourceGroup" not in render("azure", "external-dns", fields("azure"))["azure.json"]


@pytest.mark.parametrize("group", ["", "a b", "a.", 'a"b', "a" * 91])
def test_a_resource_group_that_there_cannot_be_is_refused(group: str) -> None:
    with pytest.raises(ValueError, match="resourceGroup"):
        render("azure", "external-dns", fields("azure"), resourceGroup=group)
