"""An HTTP server that logs connections in by NTLM, binds logins to its certificate, and locks accounts."""

from __future__ import annotations

from typing import ClassVar

from emulators import service


class Ntlm(service.Service):
    """An HTTPS server on 127.0.0.1, in a process of its own: /open is for everybody, all else needs a login.

    A fault's `action` is a step of the handshake: anonymous, negotiate or authenticate. A user is locked after
    three wrong passwords in a row, for good.
    """

    kind: ClassVar[str] = "ntlm"

    def set_user(self, name: str, password: str, *, allowed: bool = True) -> None:
        r"""Makes a user (domain\user), or unlocks one; one who is not `allowed` gets 403."""
        self.child.call("set_user", name=name, password=password, allowed=allowed)

    def set_rules(
        self,
        *,
        offers: str = "NTLM",
        bound: bool = False,
        stamped: bool = True,
        keeps: bool = True,
    ) -> None:
        """Says how it logs in.

        `offers` is what WWW-Authenticate says (Kerberos: Negotiate without NTLM inside); `bound`: only logins that
        are bound to its certificate; `stamped`: it tells its time in challenges, else it looks at the client's;
        `keeps`: connections stay open.
        """
        self.child.call("set_rules", offers=offers, bound=bound, stamped=stamped, keeps=keeps)
