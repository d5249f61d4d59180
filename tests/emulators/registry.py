"""A container registry and its token server, in the ways of several that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from emulators import service

Way = Literal["hub", "ghcr", "harbor", "basic"]


class Registry(service.Service):
    """A registry on 127.0.0.1 with TLS, in a process of its own; it really looks at passwords and tokens.

    hub     Docker Hub's way: everybody gets tokens, which say whom they are for and what they open.
    ghcr    GitHub's: tokens that say nothing; a wrong password is forbidden.
    harbor  Harbor's: who asks for a repository with a wrong password gets a token for nobody.
    basic   No tokens: the password is shown to the registry itself.
    """

    kind: ClassVar[str] = "registry"

    @property
    def host(self) -> str:
        """What images of it are called."""
        return f"127.0.0.1:{self.port}"

    @property
    def realm(self) -> str:
        """Where tokens are given."""
        return str(self.child.call("realm"))

    @property
    def tokens(self) -> list[str]:
        """The tokens given so far."""
        return list(self.child.call("tokens"))

    @property
    def key_set(self) -> dict[str, Any]:
        """The public key that verifies tokens, as a JWK set, for another registry that trusts them."""
        return dict(self.child.call("key_set"))

    def set_way(self, way: Way) -> None:
        """Serves in another way from now on; reset leaves it so."""
        self.child.call("set_way", way=way)

    def set_user(
        self,
        name: str,
        password: str,
        *,
        pulls: Sequence[str] = (),
        state: Literal["known", "expired", "barred"] = "known",
    ) -> None:
        """Makes a user who may pull from these repositories.

        One who is expired has a password that is over; one who is barred has one that is not for images.
        """
        self.child.call("set_user", name=name, password=password, pulls=list(pulls), state=state)

    def add_repository(self, name: str, *, public: bool = False) -> None:
        """Makes a repository; one that is public is for everybody."""
        self.child.call("add_repository", name=name, public=public)

    def open_entry(self) -> None:
        """Lets everybody in at /v2/ from now on, and asks at repositories that are not public."""
        self.child.call("open_entry")

    def set_realm(self, realm: str) -> None:
        """Names another token server, until it serves in another way or is reset."""
        self.child.call("set_realm", realm=realm)

    def trust_no_tokens(self) -> None:
        """Has the registry refuse the tokens of its own token server, until it is reset."""
        self.child.call("trust_no_tokens")

    def hide_subjects(self) -> None:
        """Has tokens not say whom they are for, as Gitea's, until it is reset."""
        self.child.call("hide_subjects")
