"""What the command lines of all commands share."""

import functools
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CONTEXT, NAMESPACE
from credential_operator.cli.problems import Exit, Problem

Function = Callable[..., Any]

CLUSTER = "Cluster"
"""The section of kubectl's own options."""


class Option(click.Option):
    """An option that stands in a section of the help."""

    section = "Options"


class Command(click.Command):
    """A command whose help has sections, and ends with examples."""

    examples: Sequence[str] = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, section by section: kubectl's own after the others."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", Option.section), []).append(record)
        last = sections.pop(CLUSTER, [])
        for title, records in [*sections.items(), (CLUSTER, last)]:
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, a line each."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example}\n")


def command(name: str, *examples: str) -> Callable[[Function], Command]:
    """Makes a command of a function that takes a `kubectl`; its docstring is the help."""

    def make(function: Function) -> Command:
        made: Command = click.command(name, cls=Command)(cluster(function))
        made.examples = examples
        return made

    return make


class _OfCluster(Option):
    section = CLUSTER


_of_cluster = functools.partial(click.option, cls=_OfCluster)


def cluster(function: Function) -> Function:
    """Adds kubectl's own options, and gives the function a `kubectl` that has them."""

    @_of_cluster(
        "--namespace",
        "-n",
        metavar="NAME",
        type=NAMESPACE,
        help="The namespace; otherwise that of the context.",
    )
    @_of_cluster("--context", metavar="NAME", type=CONTEXT, help="The context of the kubeconfig.")
    @_of_cluster("--kubeconfig", metavar="FILE", help="The kubeconfig, as for kubectl.")
    @_of_cluster("--as", "as_", metavar="USER", help="Act as somebody else, where you may.")
    @_of_cluster(
        "--as-group", multiple=True, metavar="GROUP", help="Act as a member of this group; repeatable."
    )
    @functools.wraps(function)
    def with_kubectl(
        *args: Any,
        namespace: str | None,
        context: str | None,
        kubeconfig: str | None,
        as_: str | None,
        as_group: Sequence[str],
        **others: Any,
    ) -> Any:
        kubectl = Kubectl(
            kubeconfig=kubeconfig, context=context, user=as_, groups=tuple(as_group), namespace=namespace
        )
        return function(*args, kubectl=kubectl, **others)

    return with_kubectl


def output(*forms: str) -> Callable[[Function], Function]:
    """Adds `-o`; the first form is the default."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="How it is printed.",
    )


class Seconds(click.ParamType[int]):
    """A length of time, as kubectl takes it: 90s, 30m, 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads it; gives whole seconds."""
        if isinstance(value, int):
            return value
        parts = PART.findall(value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"{value} is not a duration: write it like 90s, 30m or 1h30m.", param, ctx)
        return sum(int(number) * UNITS[unit] for number, unit in parts)


PART, UNITS = re.compile(r"([0-9]{1,6})([dhms])"), {"d": 86400, "h": 3600, "m": 60, "s": 1}
SECONDS = Seconds()


def timeout(default: str) -> Callable[[Function], Function]:
    """Adds `--timeout`."""
    return click.option(
        "--timeout",
        type=SECONDS,
        default=default,
        show_default=True,
        metavar="DURATION",
        help="How long to wait at most, such as 90s or 5m.",
    )


def pairs(given: Sequence[str], flag: str) -> dict[str, str]:
    """Reads NAME=VALUE, as often as a flag was given."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"must be NAME=VALUE; {text} is not.", param_hint=flag)
        found[name] = value
    return found


def terminal() -> bool:
    """Tells whether somebody can be asked."""
    return sys.stdin.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Asks, unless the answer was given before; raises Problem for a no, and where nobody can be asked."""
    if yes:
        return
    if not terminal():
        raise Problem(f"{question} Nobody can be asked here: say --yes.", Exit.USAGE)
    if not click.confirm(question, err=True):
        raise Problem("Nothing was changed.")
