"""Entra ID and Resource Manager that refuse what Azure refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from emulators import service

YEAR = 365 * 24 * 3600.0


class Call(NamedTuple):
    """A request that arrived (token, subscriptions, subscription); status 0 where the connection was cut."""

    action: str
    status: int


class AzureEmulator(service.Service):
    """An Azure of one's own on 127.0.0.1, in a process of its own.

    Verified on every sign-in: tenant, application, its secret and that one's life or what its certificate
    signed, Conditional Access, scope. Tokens are signed (RS256); Resource Manager verifies signature,
    issuer, audience and time, then the roles. Its audience is the emulator's own URL.
    """

    kind: ClassVar[str] = "azure"
    call = Call

    def add_application(self, tenant: str, client: str, *, domain: str = "contoso.onmicrosoft.com") -> None:
        """Makes an application in a tenant, which is made where it is new."""
        self.child.call("add_application", tenant=tenant, client=client, domain=domain)

    def set_application(self, client: str, *, disabled: bool = False, blocked: bool = False) -> None:
        """Disables an application, or blocks it by Conditional Access; neither undoes both."""
        self.child.call("set_application", client=client, disabled=disabled, blocked=blocked)

    def add_secret(self, client: str, value: str, *, seconds: float = YEAR) -> None:
        """Makes a secret that lives for so many seconds; negative: its life is over."""
        self.child.call("add_secret", client=client, value=value, seconds=seconds)

    def add_certificate(self, client: str, pem: str) -> None:
        """Makes a certificate known that the application signs in with in place of a secret."""
        self.child.call("add_certificate", client=client, pem=pem)

    def add_subscription(
        self, subscription: str, tenant: str, *, readers: Sequence[str] = (), name: str = "Pay-As-You-Go"
    ) -> None:
        """Makes a subscription, in which these applications have a role."""
        self.child.call(
            "add_subscription", subscription=subscription, tenant=tenant, readers=list(readers), name=name
        )

    def set_pages(self, size: int = 100, *, link_host: str = "") -> None:
        """Sets how many subscriptions are on a page, and which host links to the next page name."""
        self.child.call("set_pages", size=size, link_host=link_host)
