"""A JSON document of one's own: an object with a text for each field that the target names."""

from collections.abc import Mapping
from typing import ClassVar

import orjson

from credential_operator.formats import _document, _text, contract, fields


class Format(_document.Format):
    """An object of texts."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = (
        "A JSON object of your own under the key `credentials.json`: `keys` gives its names and their fields."
    )
    options = _document.Options

    def render(self, material: contract.Material, options: _document.Options) -> Mapping[str, bytes]:
        """Gives the document."""
        chosen = fields.chosen(material, options)
        document = {name: _text.text(*value) for name, value in chosen.items()}
        return {options.key or "credentials.json": orjson.dumps(document)}


FORMAT = Format()
