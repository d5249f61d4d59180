"""S3: a bucket, or all buckets of a key, on AWS or on a store that speaks its protocol."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import (
    _aws_issue,
    _aws_permissions,
    _bucket,
    _iam,
    _issued,
    _partitions,
    _sigv4,
    _sts,
    contract,
    issue,
    network,
)

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
    """The certificates (PEM) of the authorities that the store's certificate is checked against, and those of
    STS and IAM, in place of the public ones."""
    sts_endpoint: _sts.Endpoint | None = None
    """The security token service (STS), for sessions of a workload identity and to learn whose the key is: in
    place of AWS's own of the region, and for another store that has one."""
    iam_endpoint: _iam.Endpoint | None = None
    """IAM, to ask for permissions and the key's history: in place of AWS's own, and for another store that has
    one."""


class Keys(_sigv4.Keys):
    """An access key, and what consumers encrypt with."""

    encryption_key: contract.Line | None = pydantic.Field(None, alias="encryptionKey")
    """What consumers encrypt with before they store anything, such as the password of a restic repository.
    It is published as it is: the store does not know it."""


VARIABLES: Mapping[str, tuple[str, ...]] = {
    "accessKeyID": ("AWS_ACCESS_KEY_ID",),
    "secretAccessKey": ("AWS_SECRET_ACCESS_KEY",),
    "sessionToken": ("AWS_SESSION_TOKEN",),
    "encryptionKey": ("RESTIC_PASSWORD",),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint": ("AWS_ENDPOINT_URL_S3",),
    "bucket": (),
    "storageClass": (),
    "disableSSL": (),
    "forcePathStyle": (),
    "caBundle": (),
}


class Sessions(_aws_issue.Service):
    """How STS is asked for a session, and what is published of one."""

    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **{name: names for name, names in VARIABLES.items() if name != "encryptionKey"},
        **_issued.EXPIRES,
    }

    def sts(self, config: Config) -> str:
        """Names STS."""
        return _required_sts(config, "spec.targets[].issue")

    def caller(self, config: Config, key: _sigv4.Key, context: contract.Context) -> _sigv4.Caller:
        """Gives what signs the calls."""
        return _caller(config, key, context, context.end(), service="sts")

    def fields(self, config: Config, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        return PROVIDER.fields(config, keys)

    def fit(self, config: Config, role_arn: str | None) -> None:
        """Finds a role that cannot be meant; stores other than AWS's may have none."""
        if _is_amazon(config):
            _aws_issue.require_role(role_arn, _partition(config).name)


class SessionToken(Sessions, _aws_issue.SessionToken):
    """A session of the key's own user."""


class AssumeRole(Sessions, _aws_issue.AssumeRole):
    """A session of a role."""


class Provider:
    """Asks the store for one line of a list."""

    name: ClassVar[str] = "s3"
    title: ClassVar[str] = "An access key for a bucket on AWS S3 or a store that is compatible with it."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One list of one object (of the buckets where none is named), which the store bills as one request. "
        "On AWS, once a day two calls to IAM, for the key's history."
    )
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = VARIABLES
    example: ClassVar[Mapping[str, Any]] = {"region": "eu-west-1", "bucket": "backups"}
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "s3-compatible": {
            "endpoint": "https://minio.example.com:9000",
            "bucket": "backups",
            "forcePathStyle": True,
        }
    }

    permission_sets: ClassVar[Mapping[str, tuple[str, ...]]] = _aws_permissions.BUCKETS
    workload_identity = _sts.WorkloadIdentity
    issues: ClassVar[tuple[issue.Kind[Any], ...]] = (SessionToken(), AssumeRole())

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that a check calls."""
        return str(_base(config))

    def inspect(self, config: Config, keys: _sigv4.Keys) -> None:
        """Finds without a call what cannot be right."""
        _sigv4.inspect(keys.key(), amazon=_is_amazon(config))
        _inspect(config)

    def validate(self, config: Config, keys: _sigv4.Keys, context: contract.Context) -> contract.Validation:
        """Asks for one object of the bucket, or for one bucket; not HEAD, whose refusals give no reason."""
        caller = _caller(config, keys.key(), context, context.end())
        answer = caller.call("GET", _url(config))
        if answer.response.status != OK or answer.root not in LISTS:
            raise _refusal(caller, config, answer)
        account = _sigv4.account_of(caller.key.id) if _is_amazon(config) else None
        principal = keys.role_arn if isinstance(keys, _sts.SessionKeys) else caller.key.id
        return contract.Validation(
            identity=contract.Identity(principal=principal, account=account), key_id=keys.public_id
        )

    def history(
        self, config: Config, keys: _sigv4.Keys, context: contract.Context
    ) -> contract.History | None:
        """Asks IAM, where the store is AWS's or has one."""
        iam = _iam_of(config, keys.key(), context, context.end())
        return _iam.history(iam) if iam else None

    def grants(
        self, config: Config, keys: _sigv4.Keys, permissions: tuple[str, ...], context: contract.Context
    ) -> contract.Grants:
        """Asks IAM about the key's user or role, where the store is AWS's or has an IAM."""
        key, end = keys.key(), context.end()
        iam, sts = _iam_of(config, key, context, end), _sts_url(config)
        if iam is None or sts is None:
            return contract.Grants(
                unknown=permissions,
                why="the store is not AWS's: set s3.iamEndpoint and s3.stsEndpoint if it has these services.",
            )

        def principal() -> str:
            if isinstance(keys, _sts.SessionKeys):
                return keys.role_arn
            return _sts.principal(_caller(config, key, context, end, service="sts"), sts)[0]

        return _iam.grants(
            iam,
            principal,
            permissions,
            context={
                "aws:SecureTransport": ("boolean", str(not config.disable_ssl).lower()),
                "aws:RequestedRegion": ("string", config.region),
            },
            resource=lambda permission: _bucket.resource(
                config.bucket, permission, partition=_partition(config).name
            ),
        )

    def audience(self, config: Config, identity: _sts.WorkloadIdentity) -> str:  # noqa: ARG002
        """Names whom the token is to be made for."""
        return _sts.audience(identity)

    def exchange(
        self, config: Config, identity: _sts.WorkloadIdentity, token: str, context: contract.Context
    ) -> _sts.SessionKeys:
        """Opens a session of the ServiceAccount's role, which consumers on AWS call using IAM."""
        _inspect(config)
        partition, url = _partition(config).name, _required_sts(config, "spec.workloadIdentity")
        if _is_amazon(config) and _sts.partition_of(identity) != partition:
            raise errors.Misconfigured(
                f"workloadIdentity.roleARN is in partition {_sts.partition_of(identity)}, "
                f"and region {config.region} in {partition}."
            )
        client = _sts.Bearer(
            token=token,
            session=context.session,
            region=config.region,
            now=context.now,
            end=context.end(),
            ca_bundle=config.ca_bundle,
            plain=config.disable_ssl,
        )
        return _sts.exchange(client, url, identity, context.lasting)

    def fields(self, config: Config, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        key, base = keys.key(), _base(config)
        fields = {
            "accessKeyID": key.id,
            "secretAccessKey": key.secret,
            "sessionToken": key.token,
            "encryptionKey": _encryption_key(keys),
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


def _encryption_key(keys: _sigv4.Keys) -> str | None:
    found = keys.encryption_key if isinstance(keys, Keys) else None
    return found.get_secret_value() if found else None


def _caller(
    config: Config,
    key: _sigv4.Key,
    context: contract.Context,
    end: float,
    *,
    service: str = "s3",
    region: str | None = None,
) -> _sigv4.Caller:
    return _sigv4.Caller(
        session=context.session,
        key=key,
        service=service,
        region=region or config.region,
        now=context.now,
        end=end,
        ca_bundle=config.ca_bundle,
        plain=config.disable_ssl,
    )


def _is_amazon(config: Config) -> bool:
    return _partitions.is_amazon(_base(config).host)


def _partition(config: Config) -> _partitions.Partition:
    """Gives the partition of the region; aws for one of another store's own."""
    return _partitions.find(config.region) or _partitions.named("aws")


def _sts_url(config: Config) -> str | None:
    """Names STS; None where nobody says where it is."""
    own = f"https://sts.{config.region}.{_partition(config).suffix}" if _is_amazon(config) else None
    url = config.sts_endpoint or own
    return url and _sigv4.rooted(url)


def _required_sts(config: Config, what: str) -> str:
    url = _sts_url(config)
    if url is None:
        raise errors.Misconfigured(
            f"{what} needs a security token service, and the store is not AWS's: set s3.stsEndpoint."
        )
    return url


def _iam_of(config: Config, key: _sigv4.Key, context: contract.Context, end: float) -> _iam.IAM | None:
    """Gives IAM; None where nobody says where it is."""
    service = _partition(config).iam
    url = config.iam_endpoint or (service.url if _is_amazon(config) else None)
    if url is None:
        return None
    caller = _caller(config, key, context, end, service="iam", region=service.region)
    return _iam.IAM(caller=caller, url=_sigv4.rooted(url))


def _inspect(config: Config) -> None:
    base = _base(config)
    if config.disable_ssl and (config.endpoint or "").startswith("https://"):
        raise errors.Misconfigured("endpoint begins with https:// and disableSSL is true: decide on one.")
    if not config.disable_ssl and (config.endpoint or "").startswith("http://"):
        raise errors.Misconfigured("endpoint begins with http://: write https://, or set disableSSL to true.")
    if config.bucket and base.host.startswith(f"{config.bucket}."):
        raise errors.Misconfigured("endpoint begins with the bucket's name: write it without.")


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
    if _bucket.in_path(config.bucket, base.host, forced=config.force_path_style):
        return f"{base.scheme}://{base}/{config.bucket}{query}"
    return f"{base.scheme}://{config.bucket}.{base}/{query}"


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
