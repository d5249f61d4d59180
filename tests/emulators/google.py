"""Google: gives tokens for what service accounts sign, and tells through its APIs what these may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from emulators import service


class Call(NamedTuple):
    """A request that arrived: `error` is its answer's; status 0 where the connection was cut."""

    path: str
    status: int
    error: str


class Google(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own, whose token endpoint is /token.

    It verifies signature, issuer, audience, time and scopes of what it is sent. All APIs are on one host.
    A member is serviceAccount:… or principal://…, as in Google's policies.
    """

    kind: ClassVar[str] = "google"
    call = Call

    @property
    def token_url(self) -> str:
        """Where tokens are given."""
        return f"{self.url}/token"

    def create_account(self, email: str, *, project: str) -> None:
        """Makes a service account without keys."""
        self.child.call("create_account", email=email, project=project)

    def create_key(
        self,
        email: str,
        *,
        bits: int = 2048,
        created: str = "2026-01-02T03:04:05Z",
        expires: str = "9999-12-31T23:59:59Z",
    ) -> dict[str, str]:
        """Makes a key and gives its file; only the public half is kept."""
        made: dict[str, str] = self.child.call(
            "create_key", email=email, bits=bits, created=created, expires=expires
        )
        return made

    def delete_key(self, email: str, key_id: str) -> None:
        """Deletes a key."""
        self.child.call("delete_key", email=email, key_id=key_id)

    def grant_on(self, email: str, member: str, *permissions: str) -> None:
        """Lets a member do these things to a service account, and no others any more."""
        self.child.call("grant_on", email=email, member=member, permissions=permissions)

    def forbid_keys(self, email: str) -> None:
        """Has an organization's policy forbid that keys of a service account are made."""
        self.child.call("forbid_keys", email=email)

    def describe(self, email: str, text: str) -> None:
        """Writes the description of a service account."""
        self.child.call("describe", email=email, text=text)

    def description(self, email: str) -> str:
        """Reads the description of a service account."""
        return str(self.child.call("description", email=email))

    def delay_new_keys(self, seconds: float) -> None:
        """Leaves keys unknown to the token endpoint until they are this old, as Google does for minutes."""
        self.child.call("delay_new_keys", seconds=seconds)

    def list_new_keys_late(self, seconds: float) -> None:
        """Leaves keys out of lists until they are this old."""
        self.child.call("list_new_keys_late", seconds=seconds)

    def set_disabled(self, email: str, *, disabled: bool = True) -> None:
        """Switches a service account off, or on again."""
        self.child.call("set_disabled", email=email, disabled=disabled)

    def delete_account(self, email: str) -> None:
        """Deletes a service account with its keys."""
        self.child.call("delete_account", email=email)

    def create_project(self, project: str, *, name: str = "", state: str = "ACTIVE") -> None:
        """Makes a project in which nobody may do anything."""
        self.child.call("create_project", project=project, name=name or project, state=state)

    def grant(self, project: str, member: str, *permissions: str) -> None:
        """Lets a member do these things in a project, and no others any more."""
        self.child.call("grant", project=project, member=member, permissions=permissions)

    def switch_api(self, project: str, api: str, *, on: bool) -> None:
        """Switches an API, such as iam.googleapis.com, on or off for the accounts of a project."""
        self.child.call("switch_api", project=project, api=api, on=on)

    def let_impersonate(self, email: str, member: str) -> None:
        """Lets a member become a service account."""
        self.child.call("let_impersonate", email=email, member=member)

    def let_last(self, email: str) -> None:
        """Lets tokens of a service account last for up to twelve hours, as an organization's policy does."""
        self.child.call("let_last", email=email)

    def limit_tokens(self, seconds: int | None) -> None:
        """Says that new tokens are this short, whatever is asked for; None ends it."""
        self.child.call("set_life", seconds=seconds)

    def end_tokens(self) -> None:
        """Makes the lives of all tokens be over that were given so far."""
        self.child.call("end_tokens")

    def trust_issuer(
        self,
        issuer: str,
        jwks: Mapping[str, Any],
        *,
        provider: str,
        audiences: Sequence[str] = (),
        subjects: Sequence[str] = (),
    ) -> None:
        """Makes a provider of a workload identity pool that takes an issuer's tokens.

        They are for the provider unless it allows other audiences, and of these subjects if it has any.
        """
        self.child.call(
            "trust_issuer",
            issuer=issuer,
            jwks=jwks,
            provider=provider,
            audiences=list(audiences),
            subjects=list(subjects),
        )
