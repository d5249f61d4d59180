"""AWS: the access key of an IAM user, or of a session, and the role that is assumed with it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import (
    _assume_role,
    _aws_issue,
    _aws_permissions,
    _aws_rotate,
    _ecr,
    _iam,
    _issued,
    _organizations,
    _partitions,
    _sigv4,
    _sts,
    contract,
    issue,
    network,
    rotate,
)


class Config(contract.Config):
    """What is public about an AWS key."""

    region: _partitions.Region | None = None
    """The region that consumers work in, and whose endpoint is asked. Where it is left out, consumers are
    told none, and the partition's main region is asked."""
    partition: _partitions.Name | None = None
    """The partition, where no region tells it; aws where that is left out too."""
    account_id: Annotated[
        str | None,
        pydantic.Field(alias="accountID", max_length=12),
        values.Matching(r"^[0-9]{12}$", "an AWS account number: 12 digits"),
    ] = None
    """The account that the key works in, the role's where one is assumed; a key of another one is refused."""
    assume_role: _assume_role.AssumeRole | None = None
    """The role that is assumed with the key. Targets hold the key; those in the shared file's format also say
    to assume the role."""
    endpoint: _sts.Endpoint | None = None
    """The security token service (STS) to ask in place of the region's own, such as a VPC endpoint."""
    iam_endpoint: _iam.Endpoint | None = None
    """IAM, to ask in place of the partition's own for permissions and the key's history. Where `endpoint` is
    written and this is not, IAM is not asked."""
    organizations_endpoint: _organizations.Endpoint | None = None
    """Organizations, to ask in place of the partition's own for the accounts that the key sees. Where
    `endpoint` is written and this is not, it is not asked."""


VARIABLES: Mapping[str, tuple[str, ...]] = {
    "accessKeyID": ("AWS_ACCESS_KEY_ID",),
    "secretAccessKey": ("AWS_SECRET_ACCESS_KEY",),
    "sessionToken": ("AWS_SESSION_TOKEN",),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint": ("AWS_ENDPOINT_URL_STS",),
    "accountID": (),
    # No variables: SDKs read AWS_ROLE_ARN with a web identity token only.
    "roleARN": (),
    "externalID": (),
    "sessionName": (),
    "durationSeconds": (),
}


class Sessions(_aws_issue.Service):
    """How STS is asked for a session, and what is published of one."""

    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {**VARIABLES, **_issued.EXPIRES}

    def sts(self, config: Config) -> str:
        """Names STS."""
        return _url(config)

    def caller(self, config: Config, key: _sigv4.Key, context: contract.Context) -> _sigv4.Caller:
        """Gives what signs the calls."""
        return _caller(config, key, context, context.end())

    def fields(self, config: Config, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        return PROVIDER.fields(config, keys)

    def role(self, config: Config) -> _assume_role.AssumeRole | None:
        """Gives the role that the Credential itself assumes."""
        return config.assume_role

    def fit(self, config: Config, role_arn: str | None) -> None:
        """Finds a role that cannot be meant."""
        _aws_issue.require_role(role_arn, _partition(config).name)


class SessionToken(Sessions, _aws_issue.SessionToken):
    """A session of the key's own user."""


class AssumeRole(Sessions, _aws_issue.AssumeRole):
    """A session of a role."""


class RegistryPassword(_ecr.RegistryPassword):
    """What a registry's users log in with."""

    def endpoint(self, config: Config, options: issue.Registry) -> str:
        """Names the endpoint that is called; an STS of the config's own first, whose trouble is no other's."""
        usual = super().endpoint(config, options)
        return str(network.parse(_url(config))) if config.endpoint else usual

    def partition(self, config: Config) -> _partitions.Partition:
        """Gives the partition that the key is at home in."""
        return _partition(config)

    def working(
        self, config: Config, keys: _sigv4.Keys, context: contract.Context, *, service: str, region: str
    ) -> _sigv4.Caller:
        """Gives what signs the call: with the key, or as the role that is assumed with it."""
        end = context.end()
        key = _working_key(config, keys, context, end)
        return _caller(config, key, context, end, service=service, region=region)


class Rotation(_aws_rotate.Rotation):
    """The keys of the key's user, without the role that is assumed with it."""

    def iam(self, config: Config, key: _sigv4.Key, context: contract.Context, end: float) -> _iam.IAM:
        """Gives IAM as the key itself sees it."""
        return _iam_of(config, key, context, end, _own_iam(config))

    def principal(self, config: Config, key: _sigv4.Key, context: contract.Context, end: float) -> str:
        """Asks STS whose the key is, by ARN."""
        return _sts.principal(_caller(config, key, context, end), _url(config))[0]

    def endpoint(self, config: Config) -> str:
        """Names IAM."""
        return str(network.parse(_own_iam(config)))


class Provider:
    """Asks STS who the key is, or for a session of the role."""

    name: ClassVar[str] = "aws"
    title: ClassVar[str] = "An AWS access key, and the role that is assumed with it."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One call to STS: GetCallerIdentity; with a role AssumeRole twice, the second to see that it is "
        "refused without the external ID. CloudTrail records each. Once a day two calls to IAM, for the key's "
        "history."
    )
    config = Config
    keys = _sigv4.Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = VARIABLES
    example: ClassVar[Mapping[str, Any]] = {"region": "eu-west-1"}
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "aws-role": {
            "region": "eu-west-1",
            "assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/OrganizationAccountAccessRole"},
        }
    }

    permission_sets: ClassVar[Mapping[str, tuple[str, ...]]] = _aws_permissions.CLUSTERS
    workload_identity = _sts.WorkloadIdentity
    issues: ClassVar[tuple[issue.Kind[Any], ...]] = (SessionToken(), AssumeRole(), RegistryPassword())
    rotation: ClassVar[rotate.Rotation] = Rotation()

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that a check calls."""
        return str(network.parse(_url(config)))

    def inspect(self, config: Config, keys: _sigv4.Keys) -> None:
        """Finds without a call what cannot be right."""
        _sigv4.inspect(keys.key(), amazon=config.endpoint is None)
        _inspect(config, _sigv4.account_of(keys.key().id), _partition(config).name)

    def validate(self, config: Config, keys: _sigv4.Keys, context: contract.Context) -> contract.Validation:
        """Asks STS."""
        caller = _caller(config, keys.key(), context, context.end())
        if config.assume_role:
            role, derived = config.assume_role, context.external_id
            return _assume_role.validate(caller, _url(config), role, derived, keys.public_id)
        arn, account = _sts.principal(caller, _url(config))
        _same_account(config, account)
        return contract.Validation(
            identity=contract.Identity(principal=arn, account=account), key_id=keys.public_id
        )

    def history(
        self, config: Config, keys: _sigv4.Keys, context: contract.Context
    ) -> contract.History | None:
        """Asks IAM, with the key itself and not as the role that is assumed with it."""
        url = _iam_url(config)
        if url is None:
            return None
        return _iam.history(_iam_of(config, keys.key(), context, context.end(), url))

    def grants(
        self, config: Config, keys: _sigv4.Keys, permissions: tuple[str, ...], context: contract.Context
    ) -> contract.Grants:
        """Asks IAM about the key's user or role, or about the role that is assumed with it."""
        url, end = _iam_url(config), context.end()
        if url is None:
            return contract.Grants(unknown=permissions, why="set aws.iamEndpoint, as aws.endpoint is set.")
        key = _working_key(config, keys, context, end)

        def principal() -> str:
            if config.assume_role:
                return config.assume_role.role_arn
            if isinstance(keys, _sts.SessionKeys):
                return keys.role_arn
            return _sts.principal(_caller(config, key, context, end), _url(config))[0]

        region = {"aws:RequestedRegion": ("string", config.region)} if config.region else {}
        return _iam.grants(
            _iam_of(config, key, context, end, url),
            principal,
            permissions,
            context={"aws:SecureTransport": ("boolean", "true"), **region},
        )

    def reach(self, config: Config, keys: _sigv4.Keys, context: contract.Context) -> contract.Reach:
        """Asks Organizations for all accounts, as the role that is assumed with the key if there is one."""
        if config.endpoint and not config.organizations_endpoint:
            raise errors.Misconfigured("Set aws.organizationsEndpoint, as aws.endpoint is set.")
        end = context.end()
        key = _working_key(config, keys, context, end)
        service = _partition(config).organizations
        caller = _caller(config, key, context, end, service="organizations", region=service.region)
        return _organizations.reach(caller, _sigv4.rooted(config.organizations_endpoint or service.url))

    def audience(self, config: Config, identity: _sts.WorkloadIdentity) -> str:  # noqa: ARG002
        """Names whom the token is to be made for."""
        return _sts.audience(identity)

    def exchange(
        self, config: Config, identity: _sts.WorkloadIdentity, token: str, context: contract.Context
    ) -> _sts.SessionKeys:
        """Opens a session of the ServiceAccount's role."""
        _inspect(config, identity.role_arn.split(":")[4], _sts.partition_of(identity))
        if config.assume_role and config.assume_role.duration > _assume_role.LONGEST_CHAINED:
            raise errors.Misconfigured(
                "assumeRole.duration is more than 1h, and with workloadIdentity the role is assumed from a "
                "session, which AWS lets last 1h at most: write 1h, or less."
            )
        client = _sts.Bearer(
            token=token,
            session=context.session,
            region=config.region or _partition(config).region,
            now=context.now,
            end=context.end(),
        )
        return _sts.exchange(client, _url(config), identity, context.lasting)

    def fields(self, config: Config, keys: _sigv4.Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        key, role = keys.key(), config.assume_role
        fields = {
            "accessKeyID": key.id,
            "secretAccessKey": key.secret,
            "sessionToken": key.token,
            "region": config.region,
            "endpoint": config.endpoint,
            "accountID": config.account_id,
            "roleARN": role and role.role_arn,
            "externalID": role and role.external_id,
            "sessionName": role and role.session_name,
            "durationSeconds": role and str(int(role.duration.total_seconds())),
        }
        return {name: value for name, value in fields.items() if value}


def _partition(config: Config) -> _partitions.Partition:
    if config.region:
        return _partitions.of(config.region)
    return _partitions.named(config.partition or "aws")


def _url(config: Config) -> str:
    partition = _partition(config)
    return _sigv4.rooted(
        config.endpoint or f"https://sts.{config.region or partition.region}.{partition.suffix}"
    )


def _caller(
    config: Config,
    key: _sigv4.Key,
    context: contract.Context,
    end: float,
    *,
    service: str = "sts",
    region: str | None = None,
) -> _sigv4.Caller:
    return _sigv4.Caller(
        session=context.session,
        key=key,
        service=service,
        region=region or config.region or _partition(config).region,
        now=context.now,
        end=end,
    )


def _iam_url(config: Config) -> str | None:
    """Names IAM; None where nobody says where it is."""
    if config.endpoint and not config.iam_endpoint:
        return None
    return _sigv4.rooted(config.iam_endpoint or _partition(config).iam.url)


def _own_iam(config: Config) -> str:
    """Names IAM; raises Misconfigured where nobody says where it is."""
    url = _iam_url(config)
    if url is None:
        raise errors.Misconfigured(
            "Set aws.iamEndpoint, as aws.endpoint is set: rotation asks IAM for new keys."
        )
    return url


def _iam_of(config: Config, key: _sigv4.Key, context: contract.Context, end: float, url: str) -> _iam.IAM:
    region = _partition(config).iam.region
    return _iam.IAM(caller=_caller(config, key, context, end, service="iam", region=region), url=url)


def _inspect(config: Config, account: str | None, home: str) -> None:
    """Finds what cannot be right about the account and the partition that the key is at home in."""
    partition = _partition(config)
    if config.partition not in {None, partition.name}:
        raise errors.Misconfigured(f"region {config.region} is in partition {partition.name}.")
    if home != partition.name:
        raise errors.Misconfigured(
            f"workloadIdentity.roleARN is in partition {home}, and spec.aws says {partition.name}."
        )
    if config.assume_role and (role := _sts.ROLE_PARTS.fullmatch(config.assume_role.role_arn)):
        account = role["account"]
        if role["partition"] != partition.name:
            raise errors.Misconfigured(
                f"assumeRole.roleARN is in partition {role['partition']}, the key in {partition.name}."
            )
    _same_account(config, account)


def _same_account(config: Config, account: str | None) -> None:
    if config.account_id and account and account != config.account_id:
        raise errors.Misconfigured(
            f"accountID is {config.account_id}, and the key works in account {account}."
        )


def _working_key(config: Config, keys: _sigv4.Keys, context: contract.Context, end: float) -> _sigv4.Key:
    """Gives the key itself, or that of a session of the role that is assumed with it."""
    role = config.assume_role
    if role is None:
        return keys.key()
    external_id = role.external_id or context.external_id
    caller = _caller(config, keys.key(), context, end)
    answer = _assume_role.ask(caller, _url(config), role, seconds=_sts.SHORTEST, ExternalId=external_id)
    session = _sts.opened(answer, "AssumeRole")
    if session is None:
        raise _assume_role.refusal(caller, answer, role.role_arn, external_id)
    return session.key


PROVIDER = Provider()
