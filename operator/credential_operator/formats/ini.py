"""An INI file: of one's own, or one that was there before, such as the configuration of Oracle's CLI and SDKs.

docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm
"""

import configparser
import re
from collections.abc import Mapping
from typing import ClassVar

from credential_operator import errors
from credential_operator.formats import _document, _file, _ini, contract, fields

ORACLE: Mapping[str, tuple[str, ...]] = {
    "userOCID": ("user",),
    "tenancyOCID": ("tenancy",),
    "privateKey": ("key_content",),
    "passphrase": ("pass_phrase",),
}
KEY_FILE = "key.pem"


class Options(_document.Options, _ini.SectionOptions):
    """What stands in the file, in which section, and where the file is."""


class SourceOptions(_file.Options):
    """Where the file is, and the section in it."""

    section: _ini.Section | None = None
    """The section of the file. Where it is left out: DEFAULT, or the only one."""


class Format(_document.Format):
    """A section of lines; what is read are fields by their own names, by their usual variables, or by Oracle's."""

    name: ClassVar[str] = "ini"
    title: ClassVar[str] = (
        "An INI file of your own under the key `config`: `keys` gives the names of its lines and their fields."
    )
    options = Options
    source_title: ClassVar[str] = (
        "A section of an INI file under the key `config`: each field on a line of its own name or its usual "
        "environment variable, in letters of any case, or as Oracle's CLI calls it (user, tenancy, pass_phrase, "
        "key_content). The file that key_file names stands beside it under the last part of that path, or "
        "under `key.pem`."
    )
    source_options = SourceOptions

    def render(self, material: contract.Material, options: Options) -> Mapping[str, bytes]:
        """Gives the file."""
        chosen = fields.chosen(material, options)
        if len({name.lower() for name in chosen}) < len(chosen):
            raise errors.InvalidSpec(
                "keys has names that differ in upper and lower case alone: INI files have not."
            )
        return {options.key or "config": _ini.section(options.section, chosen).encode()}

    def read(
        self, data: Mapping[str, bytes], options: SourceOptions, asked: contract.Asked
    ) -> contract.Found:
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
        return _ini.TOP if parser.defaults() else sections[0]
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
