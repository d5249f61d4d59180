"""What of an AWS key is known without asking AWS."""

from __future__ import annotations

import typing
from typing import Any

import botocore.session
import pytest

from credential_operator import errors, providers
from credential_operator.providers import _partitions, contract
from providers import suite

GOOD = {"accessKeyID": "AKIAQ3EGABCDEFGHIJK2", "secretAccessKey": "s" * 40}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"accessKeyID": "s" * 40, "secretAccessKey": GOOD["accessKeyID"]}, "swapped"),
        ({**GOOD, "accessKeyID": "AROAQ3EGABCDEFGHIJK2"}, "AKIA"),
        ({**GOOD, "accessKeyID": "ASIAQ3EGABCDEFGHIJK2"}, "needs its sessionToken"),
        ({**GOOD, "sessionToken": "token"}, "remove"),
        ({**GOOD, "secretAccessKey": "with space"}, "secretAccessKey"),
        ({**GOOD, "secretAccessKey": "sécret"}, "secretAccessKey"),
        ({**GOOD, "secretAccessKey": "secret\n"}, "newline"),
        ({**GOOD, "accessKeyID": " AKIAQ3EGABCDEFGHIJK2"}, "white space"),
        ({**GOOD, "accessKeyID": ""}, "empty"),
    ],
)
def test_what_cannot_be_right_is_named_without_a_call(fields: dict[str, str], says: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match=says) as raised:
        _inspect(fields, {})
    assert not [value for value in fields.values() if value and value in suite.everything(raised.value)]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"region": "eu-west-1", "partition": "aws-cn"}, "partition aws"),
        ({"region": "mars-north-1"}, "mars-north-1"),
        ({"accountID": "123456789012"}, "account"),
    ],
)
def test_a_spec_that_cannot_be_right_is_named_without_a_call(config: dict[str, str], says: str) -> None:
    with pytest.raises(errors.Misconfigured, match=says):
        _inspect(GOOD, config)


def _inspect(fields: dict[str, str], config: dict[str, Any]) -> None:
    provider = providers.find()["aws"]
    keys = contract.load(provider, {name: text.encode() for name, text in fields.items()}, {})
    provider.inspect(provider.config.model_validate(config), keys)


def test_an_endpoint_of_ones_own_may_have_keys_of_its_own() -> None:
    _inspect({"accessKeyID": "test", "secretAccessKey": "test"}, {"endpoint": "https://sts.example"})


def test_ids_from_before_accounts_were_in_them_prove_no_account() -> None:
    _inspect({**GOOD, "accessKeyID": "AKIAIOSFODNN7EXAMPLE"}, {"accountID": "123456789012"})


@pytest.mark.parametrize(
    ("config", "endpoint"),
    [
        ({}, "sts.us-east-1.amazonaws.com:443"),
        ({"region": "eu-west-1"}, "sts.eu-west-1.amazonaws.com:443"),
        ({"partition": "aws-us-gov"}, "sts.us-gov-west-1.amazonaws.com:443"),
        ({"region": "cn-north-1"}, "sts.cn-north-1.amazonaws.com.cn:443"),
        ({"region": "us-iso-east-1"}, "sts.us-iso-east-1.c2s.ic.gov:443"),
        (
            {"endpoint": "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com/"},
            "vpce-1.sts.eu-west-1.vpce.amazonaws.com:443",
        ),
    ],
)
def test_the_region_and_the_partition_choose_the_endpoint(config: dict[str, str], endpoint: str) -> None:
    provider = providers.find()["aws"]
    assert provider.endpoint(provider.config.model_validate(config)) == endpoint


@pytest.mark.parametrize("partition", typing.get_args(_partitions.Name))
def test_each_partition_has_its_iam_and_its_organizations_where_botocore_has_them(partition: str) -> None:
    found = _partitions.named(partition)
    session = botocore.session.Session()
    for name in ("iam", "organizations"):
        client = session.create_client(
            name, region_name=found.region, aws_access_key_id="none", aws_secret_access_key="none"
        )
        service = getattr(found, name)
        assert service.url == f"{client.meta.endpoint_url}/"
        assert service.region == client._request_signer.region_name
