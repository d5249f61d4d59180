"""Answers that are XML documents: what is read of them is their root and the texts that were asked for."""

from xml.parsers import expat

from credential_operator.providers import network


def read(response: network.Response, wanted: frozenset[str]) -> tuple[str, dict[str, str]]:
    """Reads the root of an XML document and the first text of each wanted element; no root: it is none.

    A document type declaration, which no provider sends and attackers do, makes it none.
    """
    reader = _Reader(wanted)
    try:
        reader.parser.Parse(response.body, not response.truncated)
    except (expat.ExpatError, ValueError):
        return "", {}
    return reader.root, reader.texts


class _Reader:
    def __init__(self, wanted: frozenset[str]) -> None:
        self.root = ""
        self.texts: dict[str, str] = {}
        self._wanted = wanted
        self._open: str | None = None
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, name: str, _: object) -> None:
        self.root = self.root or name
        self._open = name if name in self._wanted and name not in self.texts else None

    def _end(self, _: str) -> None:
        self._open = None

    def _text(self, text: str) -> None:
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + text

    def _refuse(self, *_: object) -> None:
        raise ValueError
