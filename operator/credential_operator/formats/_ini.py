"""The shared credentials file of AWS tools (docs.aws.amazon.com/sdkref/latest/guide/file-format.html)."""

from collections.abc import Mapping
from typing import Annotated

import pydantic

from credential_operator.api import values
from credential_operator.formats import _text, contract

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


class Options(contract.Options):
    """The profile."""

    profile: Annotated[
        str,
        pydantic.Field(max_length=64),
        values.Matching(
            r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "a profile's name: letters, digits, '.', '_' and '-'"
        ),
    ] = "default"
    """The profile's name in the file."""


def render(material: contract.Material, profile: str, settings: Mapping[str, str]) -> bytes:
    """Writes a profile that holds the key, or that assumes the role with a second profile that does.

    `settings` are further lines of the profile: name in the file -> field.
    """
    if "roleARN" not in material.fields:
        return _section(material, profile, {**KEY, **settings}).encode()
    source = f"{profile}-source"
    role = _section(material, profile, {**ROLE, **settings}, [f"source_profile = {source}"])
    return f"{role}\n{_section(material, source, KEY)}".encode()


def _section(
    material: contract.Material, name: str, lines: Mapping[str, str], fixed: list[str] | None = None
) -> str:
    written = [
        f"{line} = {_text.bare(field, material.fields[field])}"
        for line, field in lines.items()
        if field in material.fields
    ]
    return "\n".join([f"[{name}]", *(fixed or []), *written, ""])
