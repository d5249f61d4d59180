"""Chromium without a screen, which opens what is written for people, and says what went wrong in it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Literal

from playwright import sync_api

from controlplane import tools

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROGRAM = {"chromium": "chromium"}


@dataclasses.dataclass(frozen=True)
class Window:
    """A page as somebody sees it; `wrong` has errors, and `asked` the addresses that it asked for."""

    page: sync_api.Page
    wrong: list[str]
    asked: list[str]


@contextlib.contextmanager
def browser() -> Iterator[sync_api.Browser]:
    """Start Chromium with a profile of its own, and end it."""
    tools.install(PROGRAM)
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=tools.installed("chromium"), args=[*FLAGS])
        try:
            yield started
        finally:
            started.close()


@contextlib.contextmanager
def window(
    opened: sync_api.Browser,
    file: pathlib.Path,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    script: bool = True,
    seconds: float = 60.0,
) -> Iterator[Window]:
    """Open a file in a window of its own."""
    context = opened.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=script,
        offline=True,
    )
    context.set_default_timeout(seconds * 1000)
    page = context.new_page()
    seen = Window(page, [], [])
    page.on("console", lambda message: seen.wrong.append(message.text))
    page.on("pageerror", lambda error: seen.wrong.append(str(error)))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(file.as_uri())
    try:
        yield seen
    finally:
        context.close()
