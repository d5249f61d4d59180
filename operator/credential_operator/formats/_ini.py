"""INI files as Python's configparser reads them, and in that form the shared credentials file of AWS tools.

docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

import configparser
import re
from collections.abc import Mapping
from typing import Annotated

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.formats import _file, _text, contract

KEY = {
    "aws_access_key_id": "accessKeyID",
    "aws_secret_access_key": "secretAccessKey",
    "aws_session_token": "sessionToken",
}
ROLE = {
    "role_arn": "roleARN",
    "external_id": "externalID",
    "role_session_name": "sessionName",
    "duration_seconds": "durationSeconds",
}
NEEDED = frozenset({"accessKeyID", "secretAccessKey"})
NAMES: Mapping[str, tuple[str, ...]] = {
    "accessKeyID": ("aws_access_key_id",),
    "secretAccessKey": ("aws_secret_access_key",),
    "sessionToken": ("aws_security_token", "aws_session_token"),
}
"""What botocore takes a key from (botocore/credentials.py, SharedCredentialProvider)."""
FACTS: Mapping[str, tuple[str, ...]] = {
    "roleARN": ("role_arn",),
    "externalID": ("external_id",),
    "accountID": ("aws_account_id",),
    "region": ("region",),
}
MOST_LINES = 2000
"""More than files of people have; the parser's time grows with the square of the lines that are wrong."""
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

Profile = Annotated[
    str,
    pydantic.Field(max_length=64),
    values.Matching(NAME, "a profile's name: letters, digits, '.', '_' and '-'"),
]

TOP = "DEFAULT"
"""The section whose lines every other section has too."""

Section = Annotated[
    str,
    pydantic.Field(max_length=64),
    values.Matching(NAME, "a section's name: letters, digits, '.', '_' and '-'"),
]


class Options(contract.Options):
    """The profile."""

    profile: Profile = "default"
    """The profile's name in the file."""


class SourceOptions(_file.Options):
    """Where the file is, and the profile in it."""

    profile: Profile = "default"
    """The profile's name in the file."""


class SectionOptions(contract.Options):
    """The section."""

    section: Section = TOP
    """The section of the file."""


def render(material: contract.Material, profile: str, settings: Mapping[str, str]) -> bytes:
    """Writes a profile that holds the key, or that assumes the role with a second profile that does.

    `settings` are further lines of the profile: name in the file -> field.
    """
    if "roleARN" not in material.fields:
        return section(profile, _lines(material, {**KEY, **settings})).encode()
    source = f"{profile}-source"
    role = {"source_profile": ("options.profile", source), **_lines(material, {**ROLE, **settings})}
    return f"{section(profile, role)}\n{section(source, _lines(material, KEY))}".encode()


def key(material: contract.Material) -> bytes:
    """Writes the profile `default` with the key alone: the consumer is told elsewhere what else it needs."""
    return section("default", _lines(material, KEY)).encode()


def section(name: str, lines: Mapping[str, tuple[str, str | bytes]]) -> str:
    """Writes a section: name in the file -> field and value; raises InvalidKeyMaterial for what no line can hold."""
    written = [f"{line} = {_text.bare(field, value)}" for line, (field, value) in lines.items()]
    return "\n".join([f"[{name}]", *written, ""])


def _lines(material: contract.Material, lines: Mapping[str, str]) -> Mapping[str, tuple[str, str | bytes]]:
    return {
        line: (field, material.fields[field]) for line, field in lines.items() if field in material.fields
    }


def read(content: str, where: str, profile: str, asked: contract.Asked) -> contract.Found:
    """Reads a profile's key as botocore does, and that of the profile with which it assumes a role."""
    found = sections(content, where)
    settings = _profile(found, profile, where)
    names = {**NAMES, **FACTS}
    source = settings.get("source_profile")
    if source in {None, profile} or "aws_access_key_id" in settings:
        return _file.take(_file.encoded(settings), names, f"profile {profile} of {where}", asked)
    # What the other profile says of roles and regions is for its own users.
    key = _profile(found, str(source), where, named_by=profile)
    public = {name for spelt in FACTS.values() for name in spelt}
    entries = {
        **{name: value for name, value in key.items() if name not in public},
        **{name: value for name, value in settings.items() if name in public},
    }
    shown = source if nameable(str(source)) else "that it names"
    return _file.take(
        _file.encoded(entries), names, f"profile {profile} or its source_profile {shown} of {where}", asked
    )


def _profile(
    found: configparser.RawConfigParser, name: str, where: str, *, named_by: str = ""
) -> Mapping[str, str]:
    if found.has_section(name):
        return found[name]
    which = (
        f"profile {name}" if not named_by else f"profile of the name that source_profile of {named_by} gives"
    )
    raise errors.InvalidKeyMaterial(
        f"{where} has no {which}; it has {names_of(found)}: "
        "correct the file, or name one of them in spec.secretRef.options.profile."
    )


def names_of(found: configparser.RawConfigParser) -> str:
    """Lists the sections of a file, those whose names are such as people give."""
    return _file.listed([name for name in found.sections() if nameable(name)])


def nameable(name: str) -> bool:
    """Tells whether a section's name is such as people give, and can be shown."""
    return len(name) <= 64 and re.fullmatch(NAME, name) is not None  # noqa: PLR2004  as in Profile


class _Parser(configparser.RawConfigParser):
    """Python's parser, in whose own pattern for a line the white space takes the square of its length."""

    OPTCRE = re.compile(r"(?P<option>[^=:]*)(?P<vi>[=:])\s*(?P<value>.*)$")


def sections(content: str, where: str) -> configparser.RawConfigParser:
    """Reads the sections of a file; raises InvalidKeyMaterial that says which line is wrong, and not its text."""
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MOST_LINES:
        raise errors.InvalidKeyMaterial(
            f"{where} has more than {MOST_LINES} lines: write only what belongs to this key."
        )
    parser = _Parser()
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        fault = f"has text before its first section (line {error.lineno})"
    except configparser.DuplicateSectionError as error:
        fault = f"has a section twice (line {error.lineno})"
    except configparser.DuplicateOptionError as error:
        fault = f"has a name twice in one section (line {error.lineno})"
    except configparser.ParsingError as error:
        fault = f"has a line that is not name = value (line {error.errors[0][0]})"
    else:
        return parser
    raise errors.InvalidKeyMaterial(f"{where} {fault}: correct the file.")
