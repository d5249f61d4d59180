"""Access tokens of Google in place of a service account's key: its own, and those of accounts that it may be.

cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
cloud.google.com/artifact-registry/docs/docker/authentication#token
"""

import abc
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator.api import values
from credential_operator.providers import (
    _google,
    _google_apis,
    _google_key,
    _issued,
    _registry_password,
    contract,
    issue,
    network,
)

Scopes = tuple[
    Annotated[
        str,
        pydantic.Field(max_length=256),
        values.Matching(
            r"^[!#-\[\]-~]+$",
            "a scope without white space, such as https://www.googleapis.com/auth/cloud-platform",
        ),
    ],
    ...,
]
TOKEN: Mapping[str, tuple[str, ...]] = {
    "accessToken": ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"),
    "projectID": ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT"),
    **_issued.EXPIRES,
}
REGISTRY = re.compile(r"([a-z0-9-]+[.])?gcr[.]io|[a-z0-9-]+[.]pkg[.]dev")
USER = "oauth2accesstoken"


class Impersonation(issue.Lasting):
    """The account that the key's account becomes, and for what."""

    service_account: Annotated[
        str,
        pydantic.Field(max_length=256),
        values.Matching(
            f"^{_google_key.EMAIL}$",
            "the email of a service account, such as backup@example-project.iam.gserviceaccount.com",
        ),
    ]
    """Of Google, the email of the service account whose tokens are made; the key's account needs the role
    roles/iam.serviceAccountTokenCreator on it. They last 1h at most, unless the organization's policy allows that
    account more."""
    scopes: Annotated[Scopes, pydantic.Field(max_length=32)] = ()
    """Of Google, what the tokens are good for; where it is left out, the scopes of the Credential."""


class Service(abc.ABC):
    """How the type asks for tokens, and what is known of whose they are."""

    @abc.abstractmethod
    def endpoint(self, config: Any, options: Any) -> str:
        """Names the endpoint that is called."""

    @abc.abstractmethod
    def scopes(self, config: Any) -> Sequence[str]:
        """Gives the scopes of the Credential."""

    @abc.abstractmethod
    def token(self, config: Any, keys: Any, context: contract.Context) -> _issued.Token:
        """Asks for a token of the account itself, with these scopes alone."""

    @abc.abstractmethod
    def apis(self, config: Any, keys: Any, context: contract.Context) -> _google_apis.Apis:
        """Gives the APIs as the account sees them."""

    @abc.abstractmethod
    def project(self, config: Any, keys: Any) -> str | None:
        """Names the project of the account, where it is known."""


class AccessToken(Service):
    """A token of the account itself."""

    name: ClassVar[str] = "AccessToken"
    title: ClassVar[str] = "An access token of the service account itself, which is good for an hour."
    cost: ClassVar[str] = "One request for a token, which counts as a use of the key."
    options = issue.Options
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = TOKEN

    def issue(
        self,
        config: Any,
        keys: Any,
        options: issue.Options,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Asks for one; Google keeps no name of who has it."""
        token = self.token(config, keys, context)
        return _handed(token, self.project(config, keys), context, self.endpoint(config, options))


class ImpersonatedAccessToken(Service):
    """A token of another account."""

    name: ClassVar[str] = "ImpersonatedAccessToken"
    title: ClassVar[str] = "An access token of another service account, which the key's own may impersonate."
    cost: ClassVar[str] = (
        "A request for a token of the key's account, and one for that of the other: generateAccessToken, which "
        "the audit log records where data access is logged."
    )
    options = Impersonation
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = TOKEN

    def issue(
        self,
        config: Any,
        keys: Any,
        options: Impersonation,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Asks for one."""
        token = self.apis(config, keys, context).impersonate(
            options.service_account,
            options.scopes or self.scopes(config),
            int(options.duration.total_seconds()),
        )
        project = _google.project_of(options.service_account) or self.project(config, keys)
        return _handed(token, project, context, self.endpoint(config, options))


class RegistryPassword(Service):
    """A token of the account itself, as registries take it."""

    name: ClassVar[str] = _registry_password.NAME
    title: ClassVar[str] = "A password for Artifact Registry, which is good for an hour."
    cost: ClassVar[str] = AccessToken.cost
    options = issue.Registry
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = _registry_password.VARIABLES

    def issue(
        self,
        config: Any,
        keys: Any,
        options: issue.Registry,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Asks for one."""
        _registry_password.require_host(options, REGISTRY, "Google", "europe-docker.pkg.dev or gcr.io")
        token = self.token(config, keys, context)
        where = self.endpoint(config, options)
        return _registry_password.hand_over(options, USER, token, context, where)


def instead_of(instead: str | None) -> str:
    """Names where tokens of other accounts are made."""
    return str(network.parse(_google.api_url(instead, _google_apis.CREDENTIALS)))


def _handed(token: _issued.Token, project: str | None, context: contract.Context, where: str) -> issue.Issued:
    fields = {"accessToken": token.text, **({"projectID": project} if project else {})}
    return _issued.hand_over(fields, token.expires_at, context, where)
