"""The commands, each loaded when it is called: a list begins at once, whatever `create` needs to know."""

import importlib
import sys
import traceback
from pathlib import Path

import click

from credential_operator.cli import refusals
from credential_operator.cli.problems import Exit, Problem

COMMANDS = {
    "list": ("reading:list_", "List Credentials by their type, with their key ids."),
    "get": ("reading:get", "Show Credentials in a line each, or as documents."),
    "describe": ("reading:describe", "Tell all there is to know of a Credential, and what to do next."),
    "refs": ("reading:refs", "Show who needs a Credential."),
    "reach": ("reading:reach_", "Tell what a key can reach."),
    "tree": ("reading:tree", "Draw where a key comes from and where it goes."),
    "graph": ("reading:graph", "Draw the same of several Credentials."),
    "report": ("reporting:report", "Write the inventory for an audit, also of several clusters."),
    "validate": ("checking:validate", "Have the operator ask the provider now, and wait for the answer."),
    "check": ("prechecking:check", "Check manifests before they are applied."),
    "create": ("creation:create", "Make a Credential and its source Secret."),
    "rotate": ("rotation:rotate", "Put a new key in the place of the old one."),
    "drain": ("draining:drain", "Wait until nothing runs the previous key any more."),
    "import": ("importing:import_", "Make Credentials of what other systems know, or of Secrets."),
    "edit": ("editing:edit", "Open a Credential in your editor."),
    "attach": ("attaching:attach", "Have the Pods of a ServiceAccount pull images with a Credential."),
    "hold": ("claims:hold", "Hold a Credential, for a time or while a command runs."),
    "release": ("claims:release", "End holds."),
    "delete-refs": ("claims:delete_refs", "Delete what others have declared to need."),
    "delete": ("deletion:delete", "Delete a Credential, or say who needs it."),
    "doctor": ("doctor:doctor", "Look whether all that is needed works, and say what to do."),
    "version": ("versions:version", "Say which version this is, and which the operator has."),
}
"""Where each command is, and what it does in a line."""
ALIASES = {"ls": "list"}


class Commands(click.Group):
    """A group of commands that are loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names them in the order in which people need them."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads one; None where there is none of that name."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; raises UsageError that says which may be meant."""
        name = args[0]
        if not name.startswith("-") and name not in (*COMMANDS, *ALIASES):
            known = (*COMMANDS, *ALIASES)
            raise click.UsageError(f"There is no command {name}{refusals.meant(name, known)}.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what they do without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


SETTINGS = {"help_option_names": ["--help", "-h"], "max_content_width": 110}
"""For all commands."""


@click.command("kubectl credential", cls=Commands, context_settings=SETTINGS)
@click.version_option(package_name="credential-operator", message="%(version)s")
def credential() -> None:
    """See, check, make, rotate, hold and delete Credentials, with your own rights.

    A uid does wherever a name does. Exit status: 0 done, 1 refused, 2 wrong usage, 3 the key or its manifest is not
    valid, 4 somebody needs the Credential, 5 no answer in time, 130 interrupted.
    """


def main() -> None:
    """Runs the command line, and ends with its exit status."""
    try:
        status = credential.main(prog_name="kubectl credential", standalone_mode=False)
    except Problem as problem:
        problem.show()
        status = problem.status
    except click.ClickException as error:
        error.show()
        status = Exit.USAGE
    except click.Abort:
        click.echo("Interrupted.", err=True)
        status = Exit.INTERRUPTED
    except ModuleNotFoundError as error:
        click.echo(
            f"Error: {error.name} is not installed: install this package with its extra cli.", err=True
        )
        status = Exit.REFUSED
    except Exception as error:  # noqa: BLE001  its text may hold what must not be shown
        click.echo(
            f"Error: This is a bug in kubectl credential; please report it: {_place(error)}.", err=True
        )
        status = Exit.REFUSED
    sys.exit(int(status or 0))


def _place(error: Exception) -> str:
    """Names what was raised and where, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-5:]))
    return f"{type(error).__name__} at {places}"
