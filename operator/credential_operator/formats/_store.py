"""Buckets and containers: which, and where they are, in the ways that consumers write it."""

import urllib.parse
from typing import Annotated

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.formats import _keys, _text, contract
from credential_operator.providers import _azure, _bucket, _partitions


class Options(contract.Options):
    """Which bucket."""

    bucket: Annotated[
        str | None,
        pydantic.Field(max_length=222),
        values.Matching(
            r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "the name of a bucket, or of a container of a storage account"
        ),
    ] = None
    """The bucket, or the container of a storage account. Where it is left out: the bucket of the Credential."""


class PlaceOptions(Options):
    """Which bucket, and where in it."""

    prefix: Annotated[
        str | None,
        pydantic.Field(max_length=253),
        values.Matching(
            r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", "a path in the bucket without / at its ends, such as a/b"
        ),
    ] = None
    """Where in the bucket: what the names of all objects begin with."""


def bucket(fields: _keys.Values, options: Options) -> str:
    """Names the bucket; raises InvalidSpec where nobody does."""
    found = options.bucket or fields.get("bucket")
    if not found:
        raise errors.InvalidSpec("options.bucket is missing: name the bucket, or the container.")
    return _text.line("bucket", found)


def url(fields: _keys.Values) -> str:
    """Gives the URL of the store: AWS's own of the region where the Credential names no other."""
    region = _text.line("region", fields["region"])
    if "endpoint" in fields:
        return _text.line("endpoint", fields["endpoint"])
    scheme = "http" if fields["disableSSL"] == "true" else "https"
    return f"{scheme}://s3.{region}.{_partitions.of(region).suffix}"


def host(fields: _keys.Values) -> str:
    """Gives the store's host, with its port where that is not the usual one."""
    return urllib.parse.urlsplit(url(fields)).netloc


def is_amazon(fields: _keys.Values) -> bool:
    """Tells whether the store is AWS's own."""
    return _partitions.is_amazon(urllib.parse.urlsplit(url(fields)).hostname or "")


def in_path(fields: _keys.Values) -> bool:
    """Tells whether the bucket stands in the path of URLs; where none is named, whether every bucket does."""
    name = urllib.parse.urlsplit(url(fields)).hostname or ""
    bucket = _text.line("bucket", fields.get("bucket", "any"))
    return _bucket.in_path(bucket, name, forced=fields["forcePathStyle"] == "true")


def domain(fields: _keys.Values) -> str:
    """Gives what follows a storage account's name in its host, such as blob.core.windows.net.

    Raises InvalidSpec for an endpoint that is not in such a host.
    """
    account = _text.line("accountName", fields["accountName"])
    usual = f"https://{account}.blob.{_azure.CLOUDS[_text.line('cloud', fields['cloud'])].storage}"
    parts = urllib.parse.urlsplit(_text.line("endpoint", fields.get("endpoint", usual)))
    name, _, rest = parts.netloc.partition(".")
    if name != account or not rest or parts.path.strip("/"):
        raise errors.InvalidSpec(
            f"endpoint has to be https://{account}. and a domain for this format, which is told the domain alone: "
            "choose another format."
        )
    return rest
