"""A file of variables of one's own, as shells, systemd (EnvironmentFile), Compose and libraries for .env read it."""

import re
from collections.abc import Mapping
from typing import ClassVar

from credential_operator import errors
from credential_operator.formats import _document, _lines, contract, fields

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Format(_document.Format):
    """A line for each variable."""

    name: ClassVar[str] = "env-file"
    title: ClassVar[str] = (
        "A file of variables of your own under the key `.env`, a line NAME=value each: `keys` gives the names and "
        "their fields."
    )
    options = _document.Options

    def render(self, material: contract.Material, options: _document.Options) -> Mapping[str, bytes]:
        """Gives the file."""
        chosen = fields.chosen(material, options)
        if wrong := sorted(name for name in chosen if not VARIABLE.fullmatch(name)):
            raise errors.InvalidSpec(
                f"keys names {', '.join(wrong)}, and a variable is letters, digits and _, and does not begin with "
                "a digit."
            )
        return {options.key or ".env": _lines.render(chosen)}


FORMAT = Format()
