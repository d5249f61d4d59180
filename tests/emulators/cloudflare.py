"""Cloudflare's API, as far as it verifies tokens."""

from __future__ import annotations

from typing import ClassVar

from emulators import service


class Cloudflare(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own: it tells a token's state to whoever shows it.

    A user's token is known to the user's address alone, an account's to that account's alone.
    """

    kind: ClassVar[str] = "cloudflare"

    def set_token(
        self,
        token: str,
        *,
        account: str = "",
        status: str = "active",
        expires_on: str | None = None,
        fenced: bool = False,
    ) -> str:
        """Makes a token, or changes it; gives its id. `fenced`: it may be used from other addresses only."""
        return str(
            self.child.call(
                "set_token",
                token=token,
                account=account,
                status=status,
                expires_on=expires_on,
                fenced=fenced,
            )
        )
