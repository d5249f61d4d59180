"""Small servers on loopback, for what no emulator does: one that plays a script, and a proxy."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Script = Callable[[socket.socket], None]


class Server:
    """Accepts connections on 127.0.0.1 and plays a script on each, in a thread of its own."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        self.ended = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        # Closing alone leaves it open for as long as the other thread waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                threading.Thread(target=self._play, args=(connection,), daemon=True).start()

    def _play(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._script(connection)
        self.ended.release()


@contextlib.contextmanager
def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serves while the block runs."""
    server = Server(script, tls=tls)
    try:
        yield server
    finally:
        server.close()


def head(connection: socket.socket) -> str:
    """Reads the head of a request; empty when the client has gone."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return ""
        received += part
    return received.decode("latin-1")


def answering(answer: bytes) -> Script:
    """Answers every request of a connection with the same bytes."""

    def script(connection: socket.socket) -> None:
        while head(connection):
            connection.sendall(answer)

    return script


def text(body: str, *, status: int = 200, headers: str = "") -> bytes:
    """Words an answer."""
    return f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Proxy:
    """An HTTP proxy that notes what it is asked for and leads every way to one port."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port

    def __call__(self, connection: socket.socket) -> None:
        asked = head(connection)
        self.asked.append(asked)
        with socket.create_connection(("127.0.0.1", self._port)) as there:
            if asked.startswith("CONNECT "):
                connection.sendall(b"HTTP/1.1 200 Established\r\n\r\n")
            else:
                there.sendall(asked.encode("latin-1"))
            back = threading.Thread(target=_pump, args=(there, connection), daemon=True)
            back.start()
            _pump(connection, there)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
