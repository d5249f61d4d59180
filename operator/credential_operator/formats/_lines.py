"""Files of variables, as the plugins of Velero read them (github.com/joho/godotenv): a line NAME=value each."""

import re
from collections.abc import Mapping

from credential_operator import errors
from credential_operator.formats import _text

PLAIN = re.compile(r"[A-Za-z0-9~._+/=:@%,-]+")
"""Values that every reader takes as they are."""
LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)")
QUOTED = re.compile(r"""(?:'([^'\\]*)'|"([^"\\$]*)")\s*(?:#.*)?""")
COMMENT = re.compile(r"(?<=\s)#")


def render(lines: Mapping[str, tuple[str, str | bytes]]) -> bytes:
    """Writes variables: name -> field and value; raises InvalidKeyMaterial for what cannot stand in a line."""
    written = [f"{name}={_value(field, value)}\n" for name, (field, value) in lines.items()]
    return "".join(written).encode()


def _value(field: str, value: str | bytes) -> str:
    text = _text.bare(field, value)
    if PLAIN.fullmatch(text):
        return text
    if "'" in text or "\\" in text:
        raise errors.InvalidKeyMaterial(
            f"{field} cannot stand in a file of variables: it holds a quote or a backslash."
        )
    return f"'{text}'"


def read(content: str, where: str) -> dict[str, str]:
    """Reads variables; raises InvalidKeyMaterial that says which line is wrong, and not its text."""
    found: dict[str, str] = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", content), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        parts = LINE.fullmatch(text)
        if parts is None:
            fault = "is not NAME=value"
        elif parts[1] in found:
            fault = "names a variable that was there before"
        elif (value := _read(parts[2])) is None:
            fault = (
                "holds quotes, a backslash or $, which not every reader takes alike: put the value between '"
            )
        else:
            found[parts[1]] = value
            continue
        raise errors.InvalidKeyMaterial(f"{where}: line {number} {fault}.")
    return found


def _read(text: str) -> str | None:
    """Gives the value that a text means; None where readers differ."""
    if text[:1] in {"'", '"'}:
        parts = QUOTED.fullmatch(text)
        return None if parts is None else parts[1] if parts[1] is not None else parts[2]
    value = COMMENT.split(text, maxsplit=1)[0].rstrip()
    return None if "$" in value or "\\" in value else value
