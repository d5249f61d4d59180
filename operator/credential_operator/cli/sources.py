"""Where key material comes from, as the command line says it: for `create` and `rotate`."""

import os
from collections.abc import Mapping
from typing import Any

import click

from credential_operator.cli import material, options
from credential_operator.cli.material import Material, Provider
from credential_operator.cli.problems import Exit, Problem


class OfMaterial(options.Option):
    """An option about key material."""

    section = "Key material"


OPTIONS = (
    click.option("--from-env", is_flag=True, help="Read the provider's usual variables.", cls=OfMaterial),
    click.option(
        "--from-file",
        multiple=True,
        metavar="[FIELD=]FILE",
        help="Read a file of the provider's or of fields, - for standard input; or one field from a file.",
        cls=OfMaterial,
    ),
    click.option(
        "--format",
        "layout",
        metavar="LAYOUT",
        help="The layout of the file, or of the Secret.",
        cls=OfMaterial,
    ),
    click.option("--profile", metavar="NAME", help="The profile or section in the file.", cls=OfMaterial),
)
"""The options, in the order of the help."""


def named(given: Mapping[str, Any]) -> int:
    """Counts the places that are named; fields from files are one."""
    files = [text for text in given["from_file"] if "=" not in text]
    fields = len(files) < len(given["from_file"])
    return int(given["from_env"]) + len(files) + int(fields)


def read(provider: Provider, config: Mapping[str, Any], given: Mapping[str, Any]) -> Material:
    """Reads it from where the command line says, or asks for it; `config` are the public fields that are known."""
    public = {name: value for name, value in config.items() if isinstance(value, str)}
    if given["from_env"]:
        return material.from_environment(provider, os.environ, public)
    pairs = [text.partition("=") for text in given["from_file"]]
    if any(equals for _, equals, _ in pairs):
        return material.from_fields(provider, [(field, path) for field, _, path in pairs])
    if pairs:
        return material.from_file(provider, pairs[0][0], public, given["layout"], given["profile"])
    if not options.terminal():
        raise Problem(
            "No key material, and nobody can be asked for it here: use --from-env or --from-file, or the Secret that "
            "has it.",
            Exit.USAGE,
        )
    return material.asked_for(provider)
