"""Entra ID and Resource Manager that refuse what Azure refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from emulators import service

YEAR = 365 * 24 * 3600.0


class Call(NamedTuple):
    """A request that arrived; status 0 where the connection was cut.

    Actions: token, subscriptions, subscription, permissions, operations, application, updateApplication,
    addPassword, removePassword; of container registries the path.
    """

    action: str
    status: int


class AzureEmulator(service.Service):
    """An Azure of one's own on 127.0.0.1, in a process of its own.

    Verified on every sign-in: tenant, application, its secret and that one's life or what its certificate
    or a trusted issuer signed, Conditional Access, scope. Tokens are signed (RS256); Resource Manager and
    Microsoft Graph verify signature, issuer, audience and time, then the roles. Their audience is the
    emulator's own URL, or the name that a proxy led here.
    """

    kind: ClassVar[str] = "azure"
    call = Call

    def add_application(self, tenant: str, client: str, *, domain: str = "contoso.onmicrosoft.com") -> None:
        """Makes an application in a tenant, which is made where it is new."""
        self.child.call("add_application", tenant=tenant, client=client, domain=domain)

    def set_application(self, client: str, *, disabled: bool = False, blocked: bool = False) -> None:
        """Disables an application, or blocks it by Conditional Access; neither undoes both."""
        self.child.call("set_application", client=client, disabled=disabled, blocked=blocked)

    def add_secret(
        self,
        client: str,
        value: str,
        *,
        seconds: float = YEAR,
        age: float = 0.0,
        name: str | None = "made by hand",
    ) -> str:
        """Makes a secret that is so many seconds old and lives for so many more; gives its ID.

        Negative: its life is over.
        """
        made = self.child.call("add_secret", client=client, value=value, seconds=seconds, age=age, name=name)
        return str(made)

    def let_own(self, client: str, owner: str) -> None:
        """Makes an application the owner of one, which may be itself."""
        self.child.call("own", client=client, owner=owner)

    def limit_secrets(self, client: str, *, most: int = 1200, longest: float | None = YEAR * 10) -> None:
        """Sets how many secrets an application may have, and how many seconds one may live; None: not at all."""
        self.child.call("limit_secrets", client=client, most=most, longest=longest)

    def serve_graph(self, url: str) -> None:
        """Makes the tenant know the Graph of another cloud, which a proxy leads here."""
        self.child.call("serve_graph", url=url)

    def set_tags(self, client: str, *tags: str) -> None:
        """Tags an application."""
        self.child.call("set_tags", client=client, tags=list(tags))

    def tags(self, client: str) -> list[str]:
        """Reads the tags of an application."""
        return list(self.child.call("tags", client=client))

    def delay_new_keys(self, seconds: float) -> None:
        """Leaves secrets unknown at sign-ins until they are this old, as Entra ID does for minutes."""
        self.child.call("delay_new_keys", seconds=seconds)

    def list_new_keys_late(self, seconds: float) -> None:
        """Leaves secrets out of what Graph shows until they are this old."""
        self.child.call("list_new_keys_late", seconds=seconds)

    def add_certificate(self, client: str, pem: str) -> None:
        """Makes a certificate known that the application signs in with in place of a secret."""
        self.child.call("add_certificate", client=client, pem=pem)

    def add_federated_credential(
        self, client: str, issuer: str, subject: str, *, audience: str = "api://AzureADTokenExchange"
    ) -> None:
        """Lets an issuer's tokens for a subject stand in for a key of an application."""
        self.child.call(
            "add_federated_credential", client=client, issuer=issuer, subject=subject, audience=audience
        )

    def trust_issuer(self, issuer: str, jwks: Mapping[str, Any]) -> None:
        """Makes the keys known that an issuer publishes."""
        self.child.call("trust_issuer", issuer=issuer, jwks=dict(jwks))

    def set_graph_roles(self, client: str, *roles: str) -> None:
        """Gives an application permissions on Microsoft Graph, in place of those it had."""
        self.child.call("set_graph_roles", client=client, roles=list(roles))

    def add_subscription(
        self,
        subscription: str,
        tenant: str,
        *,
        readers: Sequence[str] = (),
        name: str = "Pay-As-You-Go",
        state: str = "Enabled",
    ) -> None:
        """Makes a subscription, in which these applications have the role Reader and nobody has another."""
        self.child.call(
            "add_subscription",
            subscription=subscription,
            tenant=tenant,
            readers=list(readers),
            name=name,
            state=state,
        )

    def assign_role(
        self,
        client: str,
        subscription: str,
        *,
        actions: Sequence[str] = (),
        not_actions: Sequence[str] = (),
        data_actions: Sequence[str] = (),
        not_data_actions: Sequence[str] = (),
    ) -> None:
        """Gives an application one more role in a subscription."""
        role = {
            "actions": list(actions),
            "notActions": list(not_actions),
            "dataActions": list(data_actions),
            "notDataActions": list(not_data_actions),
        }
        self.child.call("assign_role", client=client, subscription=subscription, role=role)

    def let_pull(self, client: str, registry: str) -> None:
        """Gives an application a role in a container registry, whose host a proxy leads here."""
        self.child.call("let_pull", client=client, registry=registry)

    def limit_tokens(self, seconds: int) -> None:
        """Makes new tokens good for so many seconds, until it is reset."""
        self.child.call("set_life", seconds=seconds)

    def limit_passwords(self, seconds: int) -> None:
        """Makes what registries give for tokens good for so many seconds, until it is reset."""
        self.child.call("set_password_life", seconds=seconds)

    def set_pages(self, size: int = 100, *, link_host: str = "") -> None:
        """Sets how many things are on a page of a list, and which host links to the next page name."""
        self.child.call("set_pages", size=size, link_host=link_host)
