"""An INI file that was there before: one section of it, such as the configuration of Oracle's CLI and SDKs.

docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm
"""

import configparser
import re
from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.formats import _file, _ini, contract

TOP = "DEFAULT"
"""The section whose lines every other section has too."""
ORACLE: Mapping[str, tuple[str, ...]] = {
    "userOCID": ("user",),
    "tenancyOCID": ("tenancy",),
    "privateKey": ("key_content",),
    "passphrase": ("pass_phrase",),
}
KEY_FILE = "key.pem"


class Options(_file.Options):
    """Where the file is, and the section in it."""

    section: Annotated[
        str | None,
        pydantic.Field(max_length=64),
        values.Matching(_ini.NAME, "a section's name: letters, digits, '.', '_' and '-'"),
    ] = None
    """The section of the file. Where it is left out: DEFAULT, or the only one."""


class Format:
    """Fields under their own names, their usual environment variables, or Oracle's names for them."""

    name: ClassVar[str] = "ini"
    source_title: ClassVar[str] = (
        "A section of an INI file under the key `config`: each field on a line of its own name or its usual "
        "environment variable, in letters of any case, or as Oracle's CLI calls it (user, tenancy, pass_phrase, "
        "key_content). The file that key_file names stands beside it under the last part of that path, or "
        "under `key.pem`."
    )
    source_options = Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is anything to read."""
        return bool(fields)

    def read(self, data: Mapping[str, bytes], options: Options, asked: contract.Asked) -> contract.Found:
        """Reads the section."""
        where, content = _file.text(data, options.key, ["config"])
        parser = _ini.sections(content, where)
        section = _section(parser, options.section, where)
        entries = _file.encoded(dict(parser[section]))
        names = {
            field: [name.lower() for name in (field, *spelt, *ORACLE.get(field, ()))]
            for field, spelt in asked.variables.items()
        }
        shown = f"section {section}" if _ini.nameable(section) else "the one section"
        found = _file.take(entries, names, f"{shown} of {where}", asked)
        if "privateKey" in asked.secret and "key_file" in entries and "privateKey" not in found.values:
            return _with_key_file(found, entries["key_file"].decode(), data)
        return found


def _section(parser: configparser.RawConfigParser, wanted: str | None, where: str) -> str:
    """Finds the section: the one that is named, DEFAULT, or the only one."""
    sections = parser.sections()
    if wanted is None and (parser.defaults() or len(sections) == 1):
        return TOP if parser.defaults() else sections[0]
    if wanted is not None and wanted in parser:
        return wanted
    which = f"no section {wanted}" if wanted else f"{'several sections' if sections else 'no section'}"
    raise errors.InvalidKeyMaterial(
        f"{where} has {which}; it has {_ini.names_of(parser)}: name the right one in spec.secretRef.options.section."
    )


def _with_key_file(found: contract.Found, path: str, data: Mapping[str, bytes]) -> contract.Found:
    """Adds the private key that stands in a file of its own."""
    name = re.split(r"[/\\]", path)[-1]
    key = next((key for key in (name, KEY_FILE) if key in data), None)
    if key is None:
        raise errors.InvalidKeyMaterial(
            f"privateKey is missing: write the file that key_file names under its own name, or under {KEY_FILE}."
        )
    return contract.Found(
        values={**found.values, "privateKey": data[key]},
        facts=found.facts,
        places={**found.places, "privateKey": f"Secret key {key}"},
    )


FORMAT = Format()
