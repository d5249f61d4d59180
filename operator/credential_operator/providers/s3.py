"""S3: a bucket, or all buckets of a key, on AWS or on a store that speaks its protocol."""

import re
import time
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _partitions, _sigv4, contract, network
from credential_operator.providers import policy as policies

VIRTUAL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Buckets that can stand in a host name under one certificate."""

REFUSALS: _sigv4.Refusals = {
    **_sigv4.REFUSALS,
    "NoSuchBucket": (errors.Misconfigured, "the bucket does not exist"),
    "InvalidBucketName": (errors.Misconfigured, "the bucket's name is not accepted"),
    "IllegalLocationConstraintException": (errors.Misconfigured, "the region is not the bucket's"),
    "AuthorizationHeaderMalformed": (errors.Misconfigured, "the region is not the one that is served"),
    "PermanentRedirect": (errors.Misconfigured, "the bucket is in another region: set region to its own"),
    "MethodNotAllowed": (errors.Misconfigured, "the endpoint does not serve S3"),
}
MOVED = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"})
LISTS = frozenset({"ListBucketResult", "ListAllMyBucketsResult"})

StorageClass = Literal[
    "STANDARD",
    "STANDARD_IA",
    "STANDARD-IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "REDUCED_REDUNDANCY",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
    "EXPRESS_ONEZONE",
    "OUTPOSTS",
]


class Config(contract.Config):
    """What is public about a key for S3."""

    region: Annotated[
        str,
        pydantic.Field(max_length=63),
        values.Matching(r"^[A-Za-z0-9][A-Za-z0-9-]*$", "a region, such as eu-west-1"),
    ] = "us-east-1"
    """The region of the bucket; stores other than AWS often have one name for all."""
    endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=512),
        values.Matching(
            r"^(https?://)?[^/?#@]+/?$",
            "a host or a URL without path, such as https://minio.example.com:9000",
        ),
    ] = None
    """Where the store is; AWS's endpoint of the region where this is left out."""
    bucket: Annotated[
        str | None,
        pydantic.Field(min_length=3, max_length=63),
        values.Matching(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "a bucket's name"),
    ] = None
    """The bucket. The key must be able to list it; where this is left out, to list all buckets."""
    storage_class: StorageClass = "STANDARD"
    """The storage class that consumers ask for. STANDARD-IA is read as STANDARD_IA."""
    disable_ssl: Annotated[bool, pydantic.Field(alias="disableSSL")] = False
    """Whether the store is called without TLS: everybody on the way can read and change what is sent."""
    force_path_style: bool = False
    """Whether the bucket stands in the path of URLs, not in the host name. It does in any case where the
    endpoint is an address or a host name without a dot, or the bucket's name cannot stand in a host name."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the store's certificate is checked against, in place of
    the public ones."""


class Provider:
    """Asks the store for one line of a list."""

    name: ClassVar[str] = "s3"
    title: ClassVar[str] = "An access key for a bucket on AWS S3 or a store that is compatible with it."
    locks: ClassVar[bool] = False
    config = Config
    keys = _sigv4.Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "accessKeyID": ("AWS_ACCESS_KEY_ID",),
        "secretAccessKey": ("AWS_SECRET_ACCESS_KEY",),
        "sessionToken": ("AWS_SESSION_TOKEN",),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "endpoint": ("AWS_ENDPOINT_URL_S3",),
        "bucket": (),
        "storageClass": (),
        "disableSSL": (),
        "forcePathStyle": (),
        "caBundle": (),
    }
    example: ClassVar[Mapping[str, Any]] = {"region": "eu-west-1", "bucket": "backups"}
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "s3-compatible": {
            "endpoint": "https://minio.example.com:9000",
            "bucket": "backups",
            "forcePathStyle": True,
        }
    }

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that a check calls."""
        return str(_base(config))

    def inspect(self, config: Config, keys: _sigv4.Keys) -> None:
        """Finds without a call what cannot be right."""
        base = _base(config)
        _sigv4.inspect(keys.key(), amazon=_partitions.is_amazon(base.host))
        if config.disable_ssl and (config.endpoint or "").startswith("https://"):
            raise errors.Misconfigured("endpoint begins with https:// and disableSSL is true: decide on one.")
        if not config.disable_ssl and (config.endpoint or "").startswith("http://"):
            raise errors.Misconfigured(
                "endpoint begins with http://: write https://, or set disableSSL to true."
            )
        if config.bucket and base.host.startswith(f"{config.bucket}."):
            raise errors.Misconfigured("endpoint begins with the bucket's name: write it without.")

    def validate(self, config: Config, keys: _sigv4.Keys, context: contract.Context) -> contract.Validation:
        """Asks for one object of the bucket, or for one bucket; not HEAD, whose refusals give no reason."""
        caller = _sigv4.Caller(
            session=context.session,
            key=keys.key(),
            service="s3",
            region=config.region,
            now=context.now,
            end=time.monotonic() + context.timeout,
        )
        answer = caller.call("GET", _url(config), ca_bundle=config.ca_bundle, plain=config.disable_ssl)
        if answer.response.status != OK or answer.root not in LISTS:
            raise _refusal(caller, config, answer)
        amazon = _partitions.is_amazon(_base(config).host)
        account = _sigv4.account_of(caller.key.id) if amazon else None
        return contract.Validation(
            identity=contract.Identity(principal=caller.key.id, account=account), key_id=caller.key.id
        )

    def fields(self, config: Config, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        key, base = keys.key(), _base(config)
        fields = {
            "accessKeyID": key.id,
            "secretAccessKey": key.secret,
            "sessionToken": key.token,
            "region": config.region,
            "endpoint": base.url if config.endpoint else None,
            "bucket": config.bucket,
            "storageClass": config.storage_class.replace("-", "_"),
            "disableSSL": str(config.disable_ssl).lower(),
            "forcePathStyle": str(config.force_path_style).lower(),
            "caBundle": config.ca_bundle,
        }
        return {name: value for name, value in fields.items() if value}


OK = 200


def _base(config: Config) -> network.Endpoint:
    """Gives the store's endpoint; a host alone gets the scheme that disableSSL says."""
    written = config.endpoint or f"s3.{config.region}.{_partitions.of(config.region).suffix}"
    scheme = "http" if config.disable_ssl else "https"
    return network.parse(written if "://" in written else f"{scheme}://{written}")


def _url(config: Config) -> str:
    base = _base(config)
    if config.bucket is None:
        return f"{base.scheme}://{base}/?max-buckets=1"
    query = "?list-type=2&max-keys=1"
    if _in_path(config, base):
        return f"{base.scheme}://{base}/{config.bucket}{query}"
    return f"{base.scheme}://{config.bucket}.{base}/{query}"


def _in_path(config: Config, base: network.Endpoint) -> bool:
    nameless = policies.literal(base.host) is not None or "." not in base.host
    return config.force_path_style or nameless or not VIRTUAL.fullmatch(config.bucket or "")


def _refusal(caller: _sigv4.Caller, config: Config, answer: _sigv4.Answer) -> errors.CredentialError:
    """Says which region, and what to permit, where the store tells."""
    region = answer.texts.get("Region") or answer.response.headers.get("x-amz-bucket-region", "")
    if re.fullmatch(r"[a-z0-9-]{1,63}", region) and region != config.region:
        moved = answer.response.status in {301, 307} and not answer.code
        if answer.code in MOVED or moved:
            return errors.Misconfigured(
                f"The region is {region}, not {config.region}: set region to {region}."
            )
    if answer.code in {"AccessDenied", "AccessDeniedException"}:
        what = (
            f"list bucket {config.bucket} (s3:ListBucket)"
            if config.bucket
            else "list all buckets (s3:ListAllMyBuckets): name the one bucket that it is for, or permit that"
        )
        return errors.PermissionDenied(
            f"{answer.where} did not permit {caller.key} to {what} ({answer.code})."
        )
    return caller.refusal(answer, REFUSALS)


PROVIDER = Provider()
