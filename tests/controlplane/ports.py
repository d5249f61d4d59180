"""Free ports on the loopback address."""

import random
import socket

ADDRESS = "127.0.0.1"
FIRST, LAST = 20_000, 32_000
"""Below what Linux and macOS give to outgoing connections, so that a killed server finds its port again."""


def free(count: int) -> list[int]:
    """Return different ports that nobody listens on at this moment."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randint(FIRST, LAST)
        if _is_free(port):
            found.add(port)
    return list(found)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True
