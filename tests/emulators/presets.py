"""Providers of API keys, each under a path of its own, that look at how a key is sent and what it is."""

from __future__ import annotations

from typing import ClassVar

from emulators import service


class Providers(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own: /github, /slack and so on are providers.

    Each answers one call in the words of its public documentation, and 404 to every other.
    """

    kind: ClassVar[str] = "presets"

    def address(self, provider: str) -> str:
        """Where a provider is."""
        return f"{self.url}/{provider.lower()}"

    def add_key(self, provider: str, key: str, state: str = "good") -> None:
        """Makes a key of a provider; what other states than good there are, the provider says."""
        self.child.call("add_key", provider=provider.lower(), key=key, state=state)
