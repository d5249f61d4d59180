"""Azure: an application of Entra ID (a service principal) and its client secret or certificate."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import (
    _azure,
    _azure_issue,
    _azure_rotate,
    _certificate,
    _graph,
    _permissions,
    _resource_manager,
    _sign_in,
    contract,
    issue,
    network,
    rotate,
)

TENANT = rf"^({_azure.GUID}|[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+)$"


class Config(contract.Config):
    """What is public about an application's secret or certificate."""

    tenant_id: Annotated[
        str,
        pydantic.Field(alias="tenantID", max_length=253),
        values.Matching(
            TENANT,
            "a tenant: its ID, such as 8d3e1c9a-0000-4000-8000-000000000000, or a domain of it",
        ),
    ]
    """The tenant that the application signs in to: its ID, or one of its domains."""
    client_id: Annotated[
        str,
        pydantic.Field(alias="clientID", max_length=36),
        values.Matching(
            rf"^{_azure.GUID}$", "an application (client) ID, such as 5c6f2b7e-0000-4000-8000-000000000000"
        ),
    ]
    """The application (client) ID."""
    subscription_id: Annotated[
        str | None,
        pydantic.Field(alias="subscriptionID", max_length=36),
        values.Matching(
            rf"^{_azure.GUID}$", "a subscription's ID, such as 1f0a7c55-0000-4000-8000-000000000000"
        ),
    ] = None
    """The subscription that consumers work in, and that validation.permissions are looked up in. With resource
    management, the application must have a role there."""
    resource: _azure.Resource = "management"
    """What the application signs in for. With graph, validation.permissions are the application's permissions
    on Microsoft Graph; subscriptions are seen with management only."""
    storage_account: _azure.StorageAccount | None = None
    """The storage account that consumers work with. With resource storage, the application signs in for it
    alone."""
    cloud: _azure.CloudName = "AzurePublic"
    """The cloud that the tenant is in."""
    authority: _azure.URL | None = None
    """Where the application signs in, in place of the cloud's own address: for private clouds."""
    endpoint: _azure.URL | None = None
    """The resource, in place of the cloud's own address: it is signed in for, and asked. For private clouds."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the servers' certificates are checked against, in place
    of the public ones."""


class Keys(contract.Keys):
    """A client secret, or a certificate."""

    client_secret: contract.Line | None = pydantic.Field(None, alias="clientSecret")
    """The secret's Value, not its ID."""
    client_certificate: contract.Document | None = pydantic.Field(None, alias="clientCertificate")
    """In place of a secret: a certificate and its private key (PEM), one after the other."""

    def certificate(self) -> _certificate.Certificate | None:
        """Reads the certificate, where there is one."""
        text = _text(self.client_certificate)
        return _certificate.load(text) if text else None


Shown = Keys | _sign_in.Federated
"""What an application signs in with: stored keys, or a ServiceAccount's token."""


def _text(value: pydantic.SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


VARIABLES: Mapping[str, tuple[str, ...]] = {
    "clientSecret": ("AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET"),
    "clientID": ("AZURE_CLIENT_ID", "ARM_CLIENT_ID"),
    "tenantID": ("AZURE_TENANT_ID", "ARM_TENANT_ID"),
    "subscriptionID": ("AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"),
    "authority": ("AZURE_AUTHORITY_HOST",),
    "storageAccount": ("AZURE_STORAGE_ACCOUNT",),
    # No variables: tools want the certificate in a file, and have names of their own for the clouds.
    "clientCertificate": (),
    "cloud": (),
    "resource": (),
    "endpoint": (),
    "caBundle": (),
}


class Tokens(_azure_issue.Service):
    """How the application signs in for what is handed over."""

    def endpoint(self, config: Config, options: issue.Options) -> str:
        """Names the endpoint that the application signs in at, or a registry, whose trouble is its own."""
        own = f"https://{options.registry}" if isinstance(options, issue.Registry) else _authority(config)
        return str(network.parse(own))

    def application(self, config: Config, keys: Shown, context: contract.Context) -> _sign_in.Application:
        """Gives the application, with the time that begins now."""
        return _application(config, keys, context)

    def resource(self, config: Config) -> str:
        """Gives the URL of what is signed in for."""
        return _resource(config)

    def fields(self, config: Config) -> Mapping[str, str]:
        """Gives what formats draw from, without the key."""
        return _public(config)

    def cloud(self, config: Config) -> _azure.Cloud:
        """Gives the cloud that the tenant is in."""
        return _azure.CLOUDS[config.cloud]


class AccessToken(Tokens, _azure_issue.AccessToken):
    """A token of the application for its resource."""

    variables: ClassVar[Mapping[str, tuple[str, ...]]] = _azure_issue.variables(VARIABLES)


class RegistryPassword(Tokens, _azure_issue.RegistryPassword):
    """What a registry gives for a token of the application."""


class Rotation(_azure_rotate.Rotation):
    """The secrets of the application."""

    def graph(self, config: Config) -> str:
        """Gives the URL of Microsoft Graph; raises Misconfigured where only a private cloud could tell it."""
        return _graph_url(config)

    def secret(self, keys: Shown) -> str:
        """Gives the stored secret; empty where none is stored."""
        return "" if isinstance(keys, _sign_in.Federated) else _text(keys.client_secret)

    def application(self, config: Config, keys: Shown, context: contract.Context) -> _sign_in.Application:
        """Gives the application, with the time that begins now."""
        return _application(config, keys, context)

    def disable(self, config: Config, keys: Shown, key_id: str, context: contract.Context) -> None:
        """Does nothing: a secret can only be deleted."""


class Provider:
    """Signs in with the secret or the certificate, and asks which subscriptions the application sees."""

    name: ClassVar[str] = "azure"
    title: ClassVar[str] = "An Azure application (service principal) and its client secret or certificate."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One sign-in, which the tenant's sign-in log records, and for Resource Manager one list of "
        "subscriptions. Once a day another sign-in and a call to Graph, for the key's history."
    )
    config = Config
    keys = Keys
    workload_identity = contract.WorkloadIdentity
    issues: ClassVar[tuple[issue.Kind[Any], ...]] = (AccessToken(), RegistryPassword())
    rotation: ClassVar[rotate.Rotation] = Rotation()
    permission_sets: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = VARIABLES
    example: ClassVar[Mapping[str, Any]] = {
        "tenantID": "8d3e1c9a-0000-4000-8000-000000000000",
        "clientID": "5c6f2b7e-0000-4000-8000-000000000000",
        "subscriptionID": "1f0a7c55-0000-4000-8000-000000000000",
    }

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that the application signs in at."""
        return str(network.parse(_authority(config)))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        _check_urls(config)
        if (keys.client_secret is None) == (keys.client_certificate is None):
            spellings = " or ".join(("clientSecret", *self.variables["clientSecret"]))
            raise errors.InvalidKeyMaterial(
                f"One of clientSecret and clientCertificate is needed, and not both: write a client secret "
                f"under the Secret key {spellings}, or a certificate under clientCertificate."
            )
        if _text(keys.client_secret).lower() in {config.client_id.lower(), config.tenant_id.lower()}:
            raise errors.InvalidKeyMaterial(
                "clientSecret is the application's or the tenant's ID: write the Value of one of the "
                "application's client secrets."
            )
        keys.certificate()

    def audience(self, config: Config, identity: contract.WorkloadIdentity) -> str:
        """Names whom a ServiceAccount's token is made for: the cloud's exchange of tokens, unless it is said."""
        return identity.audience or _azure.CLOUDS[config.cloud].exchange

    def exchange(
        self, config: Config, identity: contract.WorkloadIdentity, token: str, _: contract.Context
    ) -> _sign_in.Federated:
        """Gives what the application signs in with in place of a key: the token, for every resource anew."""
        _check_urls(config)
        return _sign_in.federated(token, self.audience(config, identity))

    def validate(self, config: Config, keys: Shown, context: contract.Context) -> contract.Validation:
        """Signs in, which needs no role, and forgets the token after one more question."""
        application = _application(config, keys, context)
        token = application.sign_in(_resource(config))
        certificate = application.key if isinstance(application.key, _certificate.Certificate) else None
        managed = config.resource == "management"
        return contract.Validation(
            identity=contract.Identity(principal=config.client_id, account=config.tenant_id),
            key_id=certificate.thumbprint if certificate else None,
            expires_at=certificate.ends if certificate else None,
            warnings=_seen(config, _manager(config, application, token)) if managed else (),
        )

    def history(self, config: Config, keys: Shown, context: contract.Context) -> contract.History | None:
        """Asks Microsoft Graph about the secret or the certificate; needs Application.Read.All."""
        application = _application(config, keys, context)
        if isinstance(application.key, _sign_in.Federated):
            return None
        return _graph.life(application, application.key, _graph_url(config))

    def grants(
        self, config: Config, keys: Shown, permissions: tuple[str, ...], context: contract.Context
    ) -> contract.Grants:
        """Asks what the application's roles allow in the subscription, or reads its permissions on Graph."""
        application = _application(config, keys, context)
        if config.resource == "graph":
            _graph.require_permissions(permissions)
            return _graph.grants(application.sign_in(_resource(config)), permissions)
        if config.resource != "management":
            why = f"Azure tells of no permissions with resource {config.resource}, only with management and graph."
            return contract.Grants(unknown=permissions, why=why)
        _permissions.require_operations(permissions)
        if not config.subscription_id:
            return contract.Grants(unknown=permissions, why=_permissions.UNSET)
        manager = _manager(config, application, application.sign_in(_resource(config)))
        return _permissions.grants(manager, config.client_id, config.subscription_id, permissions)

    def reach(self, config: Config, keys: Shown, context: contract.Context) -> contract.Reach:
        """Counts the subscriptions that the application has a role in."""
        if config.resource != "management":
            raise errors.Misconfigured("Subscriptions are seen with resource management only.")
        # Loads the SDK (0.1 s of CPU, 7 MiB): only whoever asks for this pays for it.
        from credential_operator.providers import _subscriptions  # noqa: PLC0415

        application = _application(config, keys, context)
        return _subscriptions.reach(_manager(config, application, application.sign_in(_resource(config))))

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        shown = {
            "clientSecret": _text(keys.client_secret),
            "clientCertificate": _text(keys.client_certificate),
        }
        return {**{name: value for name, value in shown.items() if value}, **_public(config)}


def _public(config: Config) -> dict[str, str]:
    """Gives what formats draw from besides the key; the authority where SDKs would look for it elsewhere."""
    elsewhere = config.authority or config.cloud != "AzurePublic"
    fields = {
        "clientID": config.client_id,
        "tenantID": config.tenant_id,
        "subscriptionID": config.subscription_id,
        "authority": _authority(config) if elsewhere else None,
        "storageAccount": config.storage_account,
        "cloud": config.cloud,
        "resource": config.resource,
        "endpoint": config.endpoint,
        "caBundle": config.ca_bundle,
    }
    return {name: value for name, value in fields.items() if value}


def _authority(config: Config) -> str:
    return (config.authority or _azure.CLOUDS[config.cloud].authority).rstrip("/")


def _resource(config: Config) -> str:
    """Gives the URL of what is signed in for."""
    cloud = _azure.CLOUDS[config.cloud]
    if config.endpoint:
        return config.endpoint.rstrip("/")
    if config.resource == "storage" and config.storage_account:
        return f"https://{config.storage_account}.blob.{cloud.storage}"
    return cloud.resources[config.resource]


def _graph_url(config: Config) -> str:
    """Gives the URL of Microsoft Graph; raises Misconfigured where only a private cloud could tell it."""
    cloud = _azure.CLOUDS[config.cloud]
    if config.resource == "graph":
        return _resource(config)
    if _authority(config) != cloud.authority:
        raise errors.Misconfigured("A private cloud's Microsoft Graph is known with resource graph only.")
    return cloud.resources["graph"]


def _check_urls(config: Config) -> None:
    """Refuses addresses that cannot be right; raises Misconfigured."""
    network.parse(_authority(config))
    network.parse(_resource(config))


def _application(config: Config, keys: Shown, context: contract.Context) -> _sign_in.Application:
    """Gives the application, with the time that begins now; raises Expired for a certificate that has."""
    key = keys if isinstance(keys, _sign_in.Federated) else keys.certificate() or _text(keys.client_secret)
    if isinstance(key, _certificate.Certificate) and key.ends <= context.now():
        raise errors.Expired("The life of clientCertificate is over: make a new one.", certain=True)
    return _sign_in.Application(
        session=context.session,
        authority=_authority(config),
        tenant=config.tenant_id,
        client=config.client_id,
        key=key,
        ca_bundle=config.ca_bundle,
        now=context.now(),
        end=context.end(),
    )


def _manager(config: Config, application: _sign_in.Application, token: str) -> _resource_manager.Manager:
    return _resource_manager.Manager(
        session=application.session,
        url=_resource(config),
        token=token,
        ca_bundle=config.ca_bundle,
        end=application.end,
    )


def _seen(config: Config, manager: _resource_manager.Manager) -> tuple[contract.Warned, ...]:
    """Makes sure that the application sees its subscription; warns of one that sees none at all."""
    if config.subscription_id:
        if not manager.sees(config.subscription_id):
            raise errors.PermissionDenied(
                f"Application {config.client_id} signs in and does not see subscription "
                f"{config.subscription_id}: give it a role there, such as Reader (Access control of the "
                "subscription), or correct subscriptionID or tenantID."
            )
        return ()
    if manager.sees_any():
        return ()
    return (
        contract.Warned(
            reason="NoSubscriptions",
            message=f"Application {config.client_id} signs in and sees no subscription: give it a role, such "
            "as Reader, in the subscriptions that it is for.",
        ),
    )


PROVIDER = Provider()
