"""Answers that are XML documents: what is read of them is their root, and the texts that were asked for."""

from typing import Protocol
from xml.parsers import expat

from credential_operator.providers import network


def read(response: network.Response, wanted: frozenset[str]) -> tuple[str, dict[str, str]]:
    """Reads the root of an XML document and the first text of each wanted element; no root: it is none.

    A document type declaration, which no provider sends and attackers do, makes it none.
    """
    reader = _Reader(wanted)
    return (reader.root, reader.texts) if _parse(response, reader) else ("", {})


def members(response: network.Response, listed: str) -> list[dict[str, str]]:
    """Reads each `member` of a list: the first text of every element in it, by the element's name.

    The members of a list in it go by the name of that list. Empty where the document is none.
    """
    reader = _Members(listed)
    return reader.found if _parse(response, reader) else []


class _Handler(Protocol):
    """What is told of the elements of a document."""

    def start(self, name: str, _: object, /) -> None:
        """An element begins."""

    def end(self, _: str, /) -> None:
        """The element that began last ends."""

    def text(self, text: str, /) -> None:
        """The element that is open has a text."""


def _parse(response: network.Response, handler: _Handler) -> bool:
    """Tells whether an answer is a document, as far as it was read."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(response.body, not response.truncated)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _refuse(*_: object) -> None:
    raise ValueError


class _Reader:
    def __init__(self, wanted: frozenset[str]) -> None:
        self.root = ""
        self.texts: dict[str, str] = {}
        self._wanted = wanted
        self._open: str | None = None

    def start(self, name: str, _: object, /) -> None:
        self.root = self.root or name
        self._open = name if name in self._wanted and name not in self.texts else None

    def end(self, _: str, /) -> None:
        self._open = None

    def text(self, text: str) -> None:
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + text


class _Members:
    def __init__(self, listed: str) -> None:
        self.found: list[dict[str, str]] = []
        self._listed = listed
        self._path: list[str] = []
        self._inside = 0

    def start(self, name: str, _: object, /) -> None:
        self._path.append(name)
        if not self._inside and self._path[-2:] == [self._listed, "member"]:
            self.found.append({})
            self._inside = len(self._path)

    def end(self, _: str, /) -> None:
        if len(self._path) == self._inside:
            self._inside = 0
        self._path.pop()

    def text(self, text: str) -> None:
        if self._inside and text.strip():
            name = next(each for each in reversed(self._path) if each != "member")
            self.found[-1].setdefault(name, text)
