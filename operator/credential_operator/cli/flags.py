"""Flags for the public fields of a credential type, from its model: names, kinds of values and help. Pure."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from credential_operator.cli import options

Schema = Mapping[str, Any]

A_FILE = 4096
"""Texts that may be longer are read from a file."""
LONG = 60
"""Characters of choices that stand in the help's text, and not before it."""
KINDS: Mapping[str, click.ParamType[Any]] = {"integer": click.INT, "string": click.STRING}
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """A field that can be given as a flag: where it stands, and its schema."""

    path: tuple[str, ...]
    schema: Schema

    @property
    def name(self) -> str:
        """The flag: --assume-role-role-arn for assumeRole.roleARN; --no-… for what is on unless told otherwise."""
        off = "no-" if self.schema.get("default") is True else ""
        return f"--{off}" + "-".join(kebab(part) for part in self.path)

    @property
    def parameter(self) -> str:
        """The name of its value among those of the command."""
        return "field_" + "__".join(self.path)

    def option(self, section: str) -> click.Option:
        """Gives the option for the command line."""
        made = options.Option([self.name, self.parameter], help=self._help(), **self._value())
        made.section = section
        return made

    def _help(self) -> str:
        text = str(self.schema.get("description", "")).partition("\n\n")[0].replace("`", "")
        if len("".join(self.schema.get("enum", ()))) > LONG:
            text = f"{text} One of {', '.join(self.schema['enum'])}.".strip()
        default = self.schema.get("default")
        shown = str(default).lower() if isinstance(default, bool) else default
        return f"{text}  [default: {shown}]".strip() if default not in (None, "", []) else text

    def _value(self) -> dict[str, Any]:
        kind, many = self.schema["type"], self.schema["type"] in ("array", "object")
        if kind == "boolean":
            return {"is_flag": True, "flag_value": not self.schema.get("default"), "default": None}
        if "enum" in self.schema:
            long = len("".join(self.schema["enum"])) > LONG
            return {"type": click.Choice(self.schema["enum"]), "metavar": "WORD" if long else None}
        if self.schema.get("maxLength", 0) > A_FILE:
            return {"type": click.File("r", encoding="utf-8"), "metavar": "FILE"}
        shown = {"object": "NAME=VALUE", "integer": "NUMBER"}.get(kind, "TEXT")
        return {"type": KINDS.get(kind, click.STRING), "multiple": many, "metavar": shown}

    def read(self, given: Any) -> Any:
        """Gives the value of the field; None where the flag was not given."""
        if given is None or given == ():
            return None
        if self.schema["type"] == "object":
            return dict(self._pair(text) for text in given)
        if self.schema["type"] == "array":
            return list(given)
        return given.read() if hasattr(given, "read") else given

    def parse(self, text: str) -> Any:
        """Reads the value of the field from a text, as variables and files have it."""
        if self.schema["type"] == "array":
            return text.replace(",", " ").split()
        if self.schema["type"] == "boolean":
            return text.lower() == "true"
        return int(text) if self.schema["type"] == "integer" and text.isdecimal() else text

    def _pair(self, text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter("must be NAME=VALUE.", param_hint=self.name)
        return name, value


def kebab(name: str) -> str:
    """Writes a field as a flag: tenant-id for tenantID."""
    return WORDS.sub("-", name).lower()


def flags(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[Flag]:
    """Gives a flag for every field that one can give on a line; lists of objects are for manifests."""
    for name, node in schema.get("properties", {}).items():
        below = (*path, name)
        if node["type"] == "object" and "properties" in node:
            yield from flags(node, below)
        elif node["type"] == "array" and node["items"]["type"] != "string":
            continue
        elif node["type"] != "object" or "additionalProperties" in node:
            yield Flag(below, node)


def collected(known: Iterable[Flag], given: Mapping[str, Any]) -> dict[str, Any]:
    """Puts what was given into the form of the spec."""
    found: dict[str, Any] = {}
    for flag in known:
        value = flag.read(given.get(flag.parameter))
        if value is not None:
            put(found, flag.path, value)
    return found


def put(into: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets a field in its place."""
    *parts, last = path
    for part in parts:
        into = into.setdefault(part, {})
    into[last] = value


def named(known: Iterable[Flag], path: Iterable[str]) -> str:
    """Names the flag of a field, or the field where it has none."""
    wanted = tuple(path)
    return next((flag.name for flag in known if flag.path == wanted), ".".join(wanted))
