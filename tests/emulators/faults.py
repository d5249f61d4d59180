"""The faults a test can ask of an emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Faults:
    """Trouble for every request, or for one action, for ever or `count` times.

    Delay, skew and drip add up and let the request pass on; of the others the one asked for first wins,
    until its count is used up.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def throttle(
        self, *, count: int | None = None, action: str | None = None, retry_after: int | None = None
    ) -> None:
        """Answers Throttling (400), from S3 SlowDown (503); `retry_after` in seconds."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._add("throttle", action, count, headers=headers)

    def error(
        self,
        *,
        status: int = 503,
        code: str = "",
        message: str = "",
        count: int | None = None,
        action: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answers an error in the service's own format; code and message default to the status's."""
        options = {"status": status, "code": code, "message": message, "headers": dict(headers or {})}
        self._add("error", action, count, **options)

    def delay(self, seconds: float, *, count: int | None = None, action: str | None = None) -> None:
        """Waits before it goes on; longer than the client's timeout is a server that hangs."""
        self._add("delay", action, count, seconds=seconds)

    def drip(self, seconds: float, *, count: int | None = None, action: str | None = None) -> None:
        """Sends the answer byte by byte with a pause after each: no read ever times out."""
        self._add("drip", action, count, seconds=seconds)

    def cut(self, *, middle: bool = False, count: int | None = None, action: str | None = None) -> None:
        """Tears the connection before the answer, or in the middle of its body."""
        self._add("cut", action, count, where="middle" if middle else "before")

    def skew(self, seconds: float, *, count: int | None = None, action: str | None = None) -> None:
        """Lets the server's clock run ahead, negative behind: Date, signatures and sessions follow it."""
        self._add("skew", action, count, seconds=seconds)

    def answer(
        self,
        body: str,
        *,
        status: int = 200,
        content_type: str = "text/xml",
        headers: Mapping[str, str] | None = None,
        count: int | None = None,
        action: str | None = None,
    ) -> None:
        """Answers whatever is given; a `Date` among the headers replaces the true one."""
        options = {
            "body": body,
            "status": status,
            "content_type": content_type,
            "headers": dict(headers or {}),
        }
        self._add("answer", action, count, **options)

    def html(self, *, status: int = 200, count: int | None = None, action: str | None = None) -> None:
        """Answers a web page, as a captive portal or a login proxy does."""
        page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>"
        self.answer(page, status=status, content_type="text/html", count=count, action=action)

    def empty(self, *, status: int = 200, count: int | None = None, action: str | None = None) -> None:
        """Answers with no body at all."""
        self.answer("", status=status, count=count, action=action)

    @property
    def left(self) -> int:
        """How many requests are still to meet the faults that are for so many."""
        return int(self._call("faults_left"))

    def clear(self) -> None:
        """Ends every fault."""
        self._call("clear_faults")

    def _add(self, effect: str, action: str | None, count: int | None, **options: Any) -> None:
        self._call("add_fault", effect=effect, action=action, count=count, options=options)
