"""Google Cloud: the key file (JSON) of a service account."""

import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import (
    _google,
    _google_apis,
    _google_federation,
    _google_issue,
    _google_key,
    _google_rotate,
    _issued,
    _rsa,
    contract,
    issue,
    network,
    rotate,
)


class Config(contract.Config):
    """What is public about a service account's key."""

    scopes: Annotated[_google_issue.Scopes, pydantic.Field(min_length=1, max_length=32)] = (
        _google.CLOUD_PLATFORM,
    )
    """What a token is asked for that proves the key; the token itself is forgotten."""
    project_id: Annotated[
        str | None,
        pydantic.Field(alias="projectID", max_length=160),
        values.Matching(_google_key.PROJECT, "the id of a Google Cloud project, such as backups-123456"),
    ] = None
    """The project that the service account belongs to, and in which permissions are looked for; a key of another
    one is refused."""
    token_url: Annotated[
        str | None,
        pydantic.Field(alias="tokenURL", max_length=512),
        values.Matching(
            r"^https://[^/?#@\\ ]+(/[!-~]*)?$",
            "a URL that begins with https://, such as https://oauth2.googleapis.com/token",
        ),
    ] = None
    """The token endpoint to ask in place of https://oauth2.googleapis.com/token, such as a private one. What
    the key file itself says is never followed."""
    api_endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=512),
        values.Matching(
            r"^https://([{]api[}][.-])?[A-Za-z0-9.:\[\]-]+/?$",
            "a URL without path, such as https://{api}-backups.p.googleapis.com",
        ),
    ] = None
    """What stands for https://{api}.googleapis.com, such as an endpoint of Private Service Connect or of another
    universe, where Google is asked for permissions, projects, keys' ages and federated tokens. Each API's name,
    such as cloudresourcemanager, takes the place of {api}; without it one host stands for all of them."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the certificates of the token endpoint and the APIs are
    checked against, in place of the public ones."""


class Keys(contract.Keys):
    """The key file."""

    service_account_json: contract.Document = pydantic.Field(
        alias="serviceAccountJSON", examples=['{"type":"service_account","project_id":"example-project"}']
    )
    """The key file (JSON) as it was downloaded."""


class WorkloadIdentity(contract.WorkloadIdentity):
    """How a ServiceAccount is known to Google: through a provider of workload identity federation."""

    example: ClassVar[Mapping[str, Any]] = {
        "provider": "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters/"
        "providers/production",
        "impersonate": "backup@example-project.iam.gserviceaccount.com",
    }

    provider: Annotated[
        str,
        pydantic.Field(max_length=256),
        values.Matching(
            r"^//iam[.]googleapis[.]com/projects/[0-9]{1,19}/locations/global/"
            r"workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}$",
            "the full name of a provider: //iam.googleapis.com/projects/…/locations/global/"
            "workloadIdentityPools/…/providers/…, with the project's number",
        ),
    ]
    """Of Google, the provider of workload identity federation that trusts the cluster's tokens, and takes their
    subject (assertion.sub) for google.subject. Where audience is left out, tokens are made for https: and this
    name."""
    impersonate: Annotated[
        str | None,
        pydantic.Field(max_length=256),
        values.Matching(
            f"^{_google_key.EMAIL}$",
            "the email of a service account, such as backup@example-project.iam.gserviceaccount.com",
        ),
    ] = None
    """Of Google, the service account to become; without it, rights are granted to the ServiceAccount itself."""


Held = Keys | _google_federation.Federated
"""What stands for the service account: its key, or what a ServiceAccount's token was exchanged for."""


class Tokens(_google_issue.Service):
    """How tokens are asked for that are handed over."""

    def endpoint(self, config: Config, options: Any) -> str:
        """Names the token endpoint, or who makes tokens of other accounts; an address of the config's own first.

        Others would wait where its trouble was counted as Google's.
        """
        impersonated = isinstance(options, _google_issue.Impersonation)
        if config.token_url is None and (impersonated or config.api_endpoint):
            return _google_issue.instead_of(config.api_endpoint)
        return PROVIDER.endpoint(config)

    def scopes(self, config: Config) -> Sequence[str]:
        """Gives the scopes of the Credential."""
        return config.scopes

    def token(self, config: Config, keys: Held, context: contract.Context) -> _issued.Token:
        """Asks for a token of the account itself; a ServiceAccount's is exchanged anew, for these scopes alone."""
        end = context.end()
        if isinstance(keys, _google_federation.Federated):
            return _google_federation.again(keys, config.scopes, context, end=end, ca_bundle=config.ca_bundle)
        return _token(config, _account(keys), config.scopes, context, end)

    def apis(self, config: Config, keys: Held, context: contract.Context) -> _google_apis.Apis:
        """Gives the APIs as the account sees them."""
        return _apis(config, keys, context)

    def project(self, _config: Config, keys: Held) -> str | None:
        """Names the project of the account, where it is known."""
        return keys.account if isinstance(keys, _google_federation.Federated) else _account(keys).project


class AccessToken(Tokens, _google_issue.AccessToken):
    """A token of the account itself."""


class ImpersonatedAccessToken(Tokens, _google_issue.ImpersonatedAccessToken):
    """A token of another account."""


class RegistryPassword(Tokens, _google_issue.RegistryPassword):
    """A token of the account itself, as registries take it."""


class Rotation(_google_rotate.Rotation):
    """The keys of the key's account."""

    def account(self, config: Config, keys: Held) -> _google_key.Account:
        """Reads the stored key; raises Misconfigured where none is stored, or nobody says where its IAM is."""
        if isinstance(keys, _google_federation.Federated):
            raise errors.Misconfigured(
                "A workload identity has no key that could be rotated: take rotation off."
            )
        _universal(config, _document(keys))
        return _account(keys)

    def apis(self, config: Config, keys: Keys, context: contract.Context) -> _google_apis.Apis:
        """Gives the APIs as the account sees them."""
        return _apis(config, keys, context)

    def endpoint(self, config: Config) -> str:
        """Names IAM."""
        return str(network.parse(_google.api_url(config.api_endpoint, _google_apis.IDENTITY)))


class Provider:
    """Asks Google's token endpoint for a token of the service account, and forgets it."""

    name: ClassVar[str] = "google"
    title: ClassVar[str] = "A key of a Google Cloud service account."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One request for a token, which counts as a use of the key. Once a day one call to IAM, for the key's "
        "history."
    )
    config = Config
    keys = Keys
    workload_identity = WorkloadIdentity
    issues: ClassVar[tuple[issue.Kind[Any], ...]] = (
        AccessToken(),
        ImpersonatedAccessToken(),
        RegistryPassword(),
    )
    rotation: ClassVar[rotate.Rotation] = Rotation()
    permission_sets: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # key.json is no variable: it is what the file is called where it is a Secret's key.
        "serviceAccountJSON": ("GOOGLE_CREDENTIALS", "key.json"),
        "projectID": ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT"),
        "clientEmail": (),
        "privateKeyID": (),
    }
    example: ClassVar[Mapping[str, Any]] = {"projectID": "example-project"}

    def endpoint(self, config: Config) -> str:
        """Names the token endpoint."""
        return str(network.parse(_url(config)))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        _addressed(config)
        document = _document(keys)
        account = _google_key.account(document)
        if config.token_url is None:
            _google_key.of_google(document)
        _rsa.load(account.private_key, "serviceAccountJSON's private_key", fewest_bits=1024)
        _in_project(config, account.project, "the key")

    def validate(self, config: Config, keys: Held, context: contract.Context) -> contract.Validation:
        """Asks for a token: that has no effect, and needs no permission of the account.

        Where no key is stored, the exchange has proved all there is to prove.
        """
        end = context.end()
        if isinstance(keys, _google_federation.Federated):
            return contract.Validation(
                identity=contract.Identity(principal=keys.principal, account=keys.account)
            )
        account = _account(keys)
        _token(config, account, config.scopes, context, end)
        return contract.Validation(
            identity=contract.Identity(principal=account.email, account=account.project),
            key_id=account.key_id,
        )

    def history(self, config: Config, keys: Held, context: contract.Context) -> contract.History | None:
        """Asks since when the key is good and until when; that needs iam.serviceAccountKeys.get."""
        if isinstance(keys, _google_federation.Federated):
            return None
        account = _account(keys)
        return _apis(config, keys, context).history(account.project, account.email, account.key_id)

    def grants(
        self,
        config: Config,
        keys: Held,
        permissions: tuple[str, ...],
        context: contract.Context,
    ) -> contract.Grants:
        """Asks for permissions in the project of the service account, or in projectID; that needs no right."""
        project = keys.account if isinstance(keys, _google_federation.Federated) else _account(keys).project
        if project is None:
            raise errors.Misconfigured(
                "projectID is left out, and workloadIdentity.impersonate does not tell in which project to look "
                "for the permissions: set projectID."
            )
        return _apis(config, keys, context).grants(project, permissions)

    def reach(self, config: Config, keys: Held, context: contract.Context) -> contract.Reach:
        """Counts the projects in which it has resourcemanager.projects.get."""
        return _apis(config, keys, context).reach()

    def audience(self, config: Config, identity: WorkloadIdentity) -> str:  # noqa: ARG002  the contract's form
        """Names whom the token is to be made for: what a provider expects that was told no other audience."""
        return identity.audience or f"https:{identity.provider}"

    def exchange(
        self, config: Config, identity: WorkloadIdentity, token: str, context: contract.Context
    ) -> _google_federation.Federated:
        """Exchanges a ServiceAccount's token for one of Google's, and that for one of the impersonated account."""
        end = context.end()
        _addressed(config)
        project = _google.project_of(identity.impersonate or "")
        if project:
            _in_project(config, project, "workloadIdentity.impersonate")
        exchange = _google_federation.Exchange(
            provider=identity.provider,
            account=identity.impersonate,
            # The second is what permissions and projects are asked for with.
            scopes=tuple(dict.fromkeys((*config.scopes, _google.CLOUD_PLATFORM))),
            instead=config.api_endpoint,
            service_account=identity.service_account_name,
        )
        return _google_federation.exchanged(
            exchange,
            token,
            context,
            end=end,
            ca_bundle=config.ca_bundle,
            account=project or config.project_id,
        )

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:  # noqa: ARG002  the contract's form
        """Gives what formats draw from; the key file on one line, which says the same to every reader of JSON."""
        account = _account(keys)
        return {
            "serviceAccountJSON": account.text,
            "projectID": account.project,
            "clientEmail": account.email,
            "privateKeyID": account.key_id,
        }


def _url(config: Config) -> str:
    return config.token_url or _google.TOKEN_URL


def _addressed(config: Config) -> None:
    """Makes sure that what is asked has an address."""
    network.parse(_url(config))
    network.parse(_google.api_url(config.api_endpoint, _google_apis.MANAGER))


def _in_project(config: Config, project: str, what: str) -> None:
    if config.project_id not in {None, project}:
        raise errors.Misconfigured(
            f"projectID is {config.project_id}, and {what} is of a service account in {project}."
        )


def _token(
    config: Config, account: _google_key.Account, scopes: Sequence[str], context: contract.Context, end: float
) -> _issued.Token:
    """Asks for a token of the service account."""
    url = _url(config)
    assertion = _google.assertion(
        _rsa.load(account.private_key, "serviceAccountJSON's private_key", fewest_bits=1024),
        email=account.email,
        key_id=account.key_id,
        scopes=scopes,
        url=url,
        now=context.now(),
    )
    response = context.session.request(
        "POST",
        url,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urllib.parse.urlencode({"grant_type": _google.GRANT, "assertion": assertion}).encode(),
        timeout=network.left(end),
        ca_bundle=config.ca_bundle,
    )
    return _google.token_in(response, where=str(network.parse(url)), email=account.email, now=context.now())


def _apis(config: Config, keys: Held, context: contract.Context) -> _google_apis.Apis:
    """Gives the APIs as the key sees them, for the time of one call."""
    end = context.end()
    if isinstance(keys, _google_federation.Federated):
        token = keys.token
    else:
        document = _document(keys)
        _universal(config, document)
        # It needs this scope, whatever those of the config are.
        token = _token(config, _google_key.account(document), (_google.CLOUD_PLATFORM,), context, end).text
    return _google_apis.Apis(
        session=context.session,
        instead=config.api_endpoint,
        token=token,
        ca_bundle=config.ca_bundle,
        end=end,
    )


def _universal(config: Config, document: dict[str, Any]) -> None:
    """Keeps the token of another universe's key from Google's own APIs."""
    if config.api_endpoint is None and _google_key.elsewhere(document):
        raise errors.Misconfigured(
            "The key is of another universe than googleapis.com: set apiEndpoint to where its APIs are."
        )


def _document(keys: Keys) -> dict[str, Any]:
    return _google_key.document(keys.service_account_json.get_secret_value())


def _account(keys: Keys) -> _google_key.Account:
    return _google_key.account(_document(keys))


PROVIDER = Provider()
