"""Key material for a new Credential: from prompts, variables and files, never from the command line.

Where it is read from a file, in a layout that the operator itself reads. What is wrong with it is said without it.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click
import yaml

from credential_operator import errors, formats
from credential_operator.api import installed
from credential_operator.cli.problems import Exit, Problem
from credential_operator.formats import _lines
from credential_operator.formats import contract as layouts
from credential_operator.providers import contract

Provider = contract.Provider[Any, Any]

FILE = "file"
"""What stands for the file's name where a layout reads it as an entry of a Secret."""
FIELDS, VARIABLES = "fields", "env-file"
"""Layouts of files beside those of Secrets: fields by their names in JSON or YAML, and lines NAME=value."""
KEY_FILE = re.compile(r"^\s*key_file\s*=\s*(.+?)\s*$", re.MULTILINE)
"""Where Oracle's configuration names the file of the private key."""
STANDARD_INPUT = "-"
LARGEST = 1 << 20
"""Bytes that a Secret can hold."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Secret fields, and what was said of public ones beside them."""

    fields: Mapping[str, bytes] = dataclasses.field(repr=False)
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)


def from_environment(provider: Provider, environment: Mapping[str, str], spec: Mapping[str, str]) -> Material:
    """Reads the provider's usual variables; raises Problem where there are none."""
    data = {name: value.encode() for name, value in environment.items() if value}
    layout = formats.sources()["env"]
    found = layout.read(data, layout.source_options(), _asked(provider, spec))
    if not found.values:
        names = [name for field in secret_fields(provider) for name in provider.variables.get(field, ())[:1]]
        raise Problem(f"No variable holds a key for {provider.name}: set {', '.join(names)}.", Exit.USAGE)
    return Material(fields=found.values, facts=found.facts)


def from_fields(provider: Provider, files: Iterable[tuple[str, str]]) -> Material:
    """Reads a file for each field."""
    found, known = {}, secret_fields(provider)
    for field, path in files:
        if known and field not in known:
            raise Problem(f"{provider.name} has no field {field}; it has {', '.join(known)}.", Exit.USAGE)
        content = _read(path)
        found[field] = content if _is_document(provider, field) else content.rstrip(b"\r\n")
    return Material(fields=found)


def from_file(
    provider: Provider, path: str, spec: Mapping[str, str], layout: str | None, profile: str | None
) -> Material:
    """Reads a file in a layout, or in the first in which it holds all that is needed; raises Problem."""
    content, known = _read(path), layouts_of(provider)
    if layout is not None:
        if layout not in known:
            raise Problem(f"{provider.name} is read from {', '.join(known)}; not from {layout}.", Exit.USAGE)
        try:
            return _reading(provider, content, path, layout, profile, spec)
        except errors.CredentialError as error:
            raise Problem(_of_a_file(error.message, path), Exit.USAGE) from None
    for each in known:
        try:
            found = _reading(provider, content, path, each, profile, spec)
        except errors.CredentialError:
            continue
        if _needed(provider) <= found.fields.keys() and found.fields:
            return found
    raise Problem(
        f"{path} is in no layout that holds a key for {provider.name} ({', '.join(known)}). Say which it is with "
        "--format, and you hear what is wrong with it.",
        Exit.USAGE,
    )


def _of_a_file(message: str, path: str) -> str:
    """Says what is wrong with a file in the words of the command line, and not of a Secret."""
    for words in (
        "name one of them in spec.secretRef.options.profile",
        "name the right one in spec.secretRef.options.section",
    ):
        message = message.replace(words, "name one of them with --profile")
    return message.replace(f"Secret key {FILE}", path)


def layouts_of(provider: Provider) -> list[str]:
    """Names the layouts of files that a type can be read from."""
    served = installed.sources_of(provider, formats.sources().values())
    return [FIELDS, *(name for name in served if name != "env"), VARIABLES]


def asked_for(provider: Provider) -> Material:
    """Asks for every field, without an echo; for the files of those that have several lines."""
    fields = {field.alias or name: field for name, field in provider.keys.model_fields.items()}
    if not fields:
        raise Problem(
            f"Say what the key is: --from-file FIELD=FILE, for as many as {provider.name} has.", Exit.USAGE
        )
    found = {}
    for name, field in fields.items():
        needed = field.is_required()
        value = (
            _asked_file(name, needed=needed)
            if _is_document(provider, name)
            else _asked_line(name, needed=needed)
        )
        if value:
            found[name] = value
    return Material(fields=found)


def _asked_line(name: str, *, needed: bool) -> bytes:
    text = name if needed else f"{name} (Enter for none)"
    default = None if needed else ""
    value: str = click.prompt(text, hide_input=True, default=default, show_default=False, err=True)
    return value.encode()


def _asked_file(name: str, *, needed: bool) -> bytes:
    text = f"File of the {name}" if needed else f"File of the {name} (Enter for none)"
    path: str = click.prompt(text, default=None if needed else "", show_default=False, err=True)
    return _read(path) if path else b""


def complete(provider: Provider, found: Material) -> None:
    """Raises Problem where a field is missing, with the ways to give it."""
    missing = [name for name in secret_fields(provider) if name in _needed(provider) - found.fields.keys()]
    if missing:
        name = missing[0]
        variables = [one for one in provider.variables.get(name, ()) if one.isidentifier()]
        ways = [f"--from-file {name}=FILE", *([f"{variables[0]} with --from-env"] if variables else [])]
        raise Problem(f"{name} is missing: give it by {' or '.join(ways)}.", Exit.USAGE)


def check(
    provider: Provider, config: contract.Config, found: Material, places: Mapping[str, str] | None = None
) -> None:
    """Finds without a call what cannot be right, as the operator does; raises Problem without values.

    `places` are the keys of the source Secret under which fields stand that have not their own names there.
    """
    try:
        keys = contract.load(provider, found.fields, places or {})
        provider.inspect(config, keys)
    except errors.CredentialError as error:
        raise Problem(error.message, Exit.USAGE) from None


def secret_fields(provider: Provider) -> list[str]:
    """Names the fields of the source Secret, in the order in which people know them."""
    return [field.alias or name for name, field in provider.keys.model_fields.items()]


def _needed(provider: Provider) -> set[str]:
    return {field.alias or name for name, field in provider.keys.model_fields.items() if field.is_required()}


def _is_document(provider: Provider, name: str) -> bool:
    """Tells whether a field has several lines, or is kept as it is because nothing is known of it."""
    for own, field in provider.keys.model_fields.items():
        if (field.alias or own) == name:
            return contract.Document in (field.annotation, *get_args(field.annotation))
    return True


def _asked(provider: Provider, spec: Mapping[str, str]) -> layouts.Asked:
    return layouts.Asked(secret=frozenset(secret_fields(provider)), variables=provider.variables, spec=spec)


def _read(path: str) -> bytes:
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read(LARGEST)
        with Path(path).expanduser().open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}.", Exit.USAGE) from None


def _reading(
    provider: Provider, content: bytes, path: str, layout: str, profile: str | None, spec: Mapping[str, str]
) -> Material:
    """Reads a file in one layout; raises a CredentialError that shows no value."""
    asked = _asked(provider, spec)
    if layout == FIELDS:
        found = _by_name(provider, _document(content, path))
    elif layout == VARIABLES:
        source = formats.sources()["env"]
        lines = _lines.read(_text(content, path), path)
        data = {name: value.encode() for name, value in lines.items()}
        found = source.read(data, source.source_options(), asked)
    else:
        source = formats.sources()[layout]
        chosen = {"key": FILE, **_profiled(source, profile)}
        data = {FILE: content, **dict(_beside(content, path))}
        found = source.read(data, source.source_options.model_validate(chosen), asked)
    return Material(fields=found.values, facts=found.facts)


def _profiled(source: layouts.Source[Any], profile: str | None) -> dict[str, str]:
    """Gives the option that says which part of the file is meant."""
    if profile is None:
        return {}
    known = source.source_options.model_fields
    part = next((name for name in ("profile", "section") if name in known), None)
    if part is None:
        raise errors.InvalidSpec(f"The layout {source.name} has no profiles: leave --profile out.")
    return {part: profile}


def _beside(content: bytes, path: str) -> Iterator[tuple[str, bytes]]:
    """Gives the file that a configuration names for its private key, by the last part of its path."""
    named = KEY_FILE.search(content.decode(errors="replace"))
    if named and path != STANDARD_INPUT:
        file = Path(path).expanduser().parent / Path(named[1]).expanduser()
        yield re.split(r"[/\\]", named[1])[-1], _read(str(file))


def _document(content: bytes, path: str) -> dict[str, str]:
    """Reads a document of texts; JSON is YAML, and YAML forgives the comma after a last entry."""
    try:
        found = yaml.load(content, yaml.BaseLoader)  # noqa: S506  it makes texts, lists and maps only
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise errors.InvalidKeyMaterial(f"{path} is not a JSON or YAML document of fields and their texts.")
    return found


def _by_name(provider: Provider, entries: Mapping[str, str]) -> layouts.Found:
    """Takes fields by their own names; what is no field of the type is an error, since it may be a mistyped one."""
    secret = entries.keys() if installed.takes_any(provider) else secret_fields(provider)
    public = {*provider.config.model_json_schema(by_alias=True).get("properties", {}), *provider.variables}
    if unknown := sorted(entries.keys() - secret - public):
        raise errors.InvalidKeyMaterial(f"{provider.name} has no field {json.dumps(unknown[0])}.")
    return layouts.Found(
        values={name: value.encode() for name, value in entries.items() if name in secret},
        facts={name: value for name, value in entries.items() if name not in secret},
        places={},
    )


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise errors.InvalidKeyMaterial(f"{path} is not text in UTF-8.") from None
