"""Access tokens of an application of Entra ID in place of its key, and what Azure's registries give for them.

learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
learn.microsoft.com/azure/container-registry/container-registry-authentication
azure.github.io/acr/AAD-OAuth.html
"""

import abc
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, ClassVar

from credential_operator import errors
from credential_operator.providers import (
    _azure,
    _issued,
    _json,
    _registry_password,
    _sign_in,
    _signing,
    contract,
    issue,
    network,
)

KEYS = frozenset({"clientSecret", "clientCertificate"})
USER = "00000000-0000-0000-0000-000000000000"
OK = 200
REFUSED: Mapping[int, str] = {
    401: "gives the application no password: give it a role there, such as AcrPull",
    403: "does not let the operator in: look at the registry's firewall, and at the application's roles",
}
CODES = frozenset({"UNAUTHORIZED", "DENIED"})


def variables(own: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Gives the fields of a token: those of the type without the key.

    The application has no variable: with it and without a key, SDKs look for keys of other kinds. None of them
    reads a token from a variable; its own is one that no tool takes for something else.
    """
    kept = {name: () if name == "clientID" else names for name, names in own.items() if name not in KEYS}
    return {"accessToken": ("AZURE_ACCESS_TOKEN",), **kept, **_issued.EXPIRES}


class Service(abc.ABC):
    """How the application signs in."""

    @abc.abstractmethod
    def endpoint(self, config: Any, options: Any) -> str:
        """Names the endpoint that is called."""

    @abc.abstractmethod
    def application(self, config: Any, keys: Any, context: contract.Context) -> _sign_in.Application:
        """Gives the application, with the time that begins now."""

    @abc.abstractmethod
    def resource(self, config: Any) -> str:
        """Gives the URL of what is signed in for."""

    @abc.abstractmethod
    def fields(self, config: Any) -> Mapping[str, str]:
        """Gives what formats draw from, without the key."""

    @abc.abstractmethod
    def cloud(self, config: Any) -> _azure.Cloud:
        """Gives the cloud that the tenant is in."""


class AccessToken(Service):
    """A token of the application for its resource."""

    name: ClassVar[str] = "AccessToken"
    title: ClassVar[str] = (
        "An access token of the application for its resource, which is good for an hour or a little more."
    )
    cost: ClassVar[str] = "One sign-in, which the tenant's sign-in log records."
    options = issue.Options
    variables: ClassVar[Mapping[str, tuple[str, ...]]]

    def issue(
        self,
        config: Any,
        keys: Any,
        options: issue.Options,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Signs in; Entra ID keeps no name of who has the token."""
        token = self.application(config, keys, context).token(self.resource(config))
        fields = {"accessToken": token.text, **self.fields(config)}
        return _issued.hand_over(fields, token.expires_at, context, self.endpoint(config, options))


class RegistryPassword(Service):
    """What a registry gives for a token of the application."""

    name: ClassVar[str] = _registry_password.NAME
    title: ClassVar[str] = "A password for an Azure Container Registry, which is good for three hours."
    cost: ClassVar[str] = (
        "One sign-in, which the tenant's sign-in log records, and one call to the registry, which does not count "
        "as a pull."
    )
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
        """Signs in for registries, and shows the token to this one."""
        cloud = self.cloud(config)
        form = re.compile(rf"[a-z0-9][a-z0-9-]{{3,62}}[.]{re.escape(cloud.registry)}")
        _registry_password.require_host(options, form, "the Azure cloud", f"backups.{cloud.registry}")
        application = self.application(config, keys, context)
        token = application.sign_in(cloud.registry_audience)
        password = _exchanged(application, options.registry, token)
        return _registry_password.hand_over(options, USER, password, context, options.registry)


def _exchanged(application: _sign_in.Application, host: str, token: str) -> _issued.Token:
    """Gives what the registry gives for a token; when that ends, it says of itself."""
    form = {
        "grant_type": "access_token",
        "service": host,
        "tenant": application.tenant,
        "access_token": token,
    }
    try:
        answer = application.session.request(
            "POST",
            f"https://{host}/oauth2/exchange",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urllib.parse.urlencode(form).encode(),
            timeout=network.left(application.end),
            ca_bundle=application.ca_bundle,
        )
    except network.NameNotFound:
        answer = None
    if answer is None:
        raise errors.Misconfigured(f"issue.registry is {host}, and there is no such registry.")
    password = _json.read(answer).get("refresh_token")
    ends = _signing.end_of(password) if isinstance(password, str) else None
    if answer.status == OK and isinstance(password, str) and ends is not None:
        return _issued.Token(text=password, expires_at=ends)
    raise _refusal(answer, host)


def _refusal(answer: network.Response, host: str) -> errors.CredentialError:
    if answer.too_many:
        return answer.throttled(host)
    listed = _json.read(answer).get("errors")
    codes = (
        {str(one.get("code")) for one in listed if isinstance(one, dict)} if isinstance(listed, list) else ()
    )
    known = CODES.intersection(codes)
    if known and answer.status in REFUSED:
        return errors.PermissionDenied(f"{host} {REFUSED[answer.status]} ({', '.join(sorted(known))}).")
    return answer.unusable(host)
