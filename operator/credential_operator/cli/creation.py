"""The command that makes a Credential, with the public fields of each type as flags."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import pydantic

from credential_operator import providers
from credential_operator.api import credential, schema
from credential_operator.cli import flags, making, manifests, material, options, refusals, screen, sources
from credential_operator.cli.flags import Flag
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.material import Material, Provider
from credential_operator.cli.problems import Exit, Problem

ABOUT = (
    "displayName",
    "description",
    "owner",
    "expiresAt",
    "validation",
    "discoverReach",
    "whenReferenced",
    "targetDeletionPolicy",
)
"""The fields of every Credential that are flags; the others are for manifests."""
KEYLESS = "workloadIdentity"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line says."""

    provider: Provider
    name: str
    spec: dict[str, Any]
    """The Credential's spec as far as flags give it."""
    given: Mapping[str, Any]

    @property
    def secret(self) -> str:
        """The source Secret."""
        return str(self.given["from_secret"] or self.given["secret_name"] or f"{self.name}-keys")

    @property
    def stored(self) -> bool:
        """Tells whether there is a source Secret to make."""
        return not (self.given["from_secret"] or self.given["no_secret"] or KEYLESS in self.spec)


class Types(click.Group):
    """A command for each credential type, made when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names the types."""
        return [*providers.find()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Makes the command of a type, by any spelling of its name."""
        known = {name.lower(): name for name in providers.find()}
        name = known.get(cmd_name.replace("-", "").replace("_", "").lower())
        return _command(providers.find()[name]) if name else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; raises UsageError that says which type may be meant."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = self.list_commands(ctx)
            raise click.UsageError(
                f"There is no credential type {args[0]}{refusals.meant(args[0], known)}; there are {', '.join(known)}."
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the types with what they are."""
        with formatter.section("Types"):
            formatter.write_dl([(name, one.title) for name, one in providers.find().items()])


class OfType(options.Command):
    """The command of one type, which refuses key material on its line."""

    secret: Sequence[str] = ()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the line; raises UsageError for what would be in the shell's history now."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            wanted = error.option_name.lstrip("-")
            if any(flags.kebab(field) == wanted for field in self.secret):
                raise click.UsageError(
                    f"{error.option_name} is key material, which is never taken from the command line: others can "
                    "read that, and the shell keeps it. Leave it out to be asked, or use --from-env or --from-file. "
                    "If it was a real key, replace it.",
                    ctx,
                ) from None
            raise


@click.command("create", cls=Types)
def create() -> None:
    """Make a Credential, and the source Secret that holds its key material.

    The key is asked for without an echo, or read from variables (--from-env), from a file or standard input
    (--from-file), or it is already in a Secret (--from-secret); never from the command line. What can be found wrong
    without a call is refused before anything is made.

    `kubectl credential create TYPE --help` shows the fields of a type.
    """


def _command(provider: Provider) -> click.Command:
    """Makes the command of a type."""
    fields = [*_fields(provider)]

    def run(name: str, kubectl: Kubectl, **given: Any) -> int:
        spec = flags.collected(fields, given)
        return _create(Asked(provider=provider, name=name, spec=spec, given=given), kubectl, fields)

    run.__doc__ = f"{provider.title}\n\n{_help(provider)}"
    made = click.command(provider.name, cls=OfType)(options.cluster(_with_options(run)))
    made.params[-1:-1] = [flag.option(_section(flag, provider)) for flag in fields]
    made.secret = material.secret_fields(provider)
    made.examples = _examples(provider)
    return made


def _help(provider: Provider) -> str:
    fields = material.secret_fields(provider)
    variables = [names[0] for field in fields if (names := provider.variables.get(field))]
    asked = f"Key material: {', '.join(fields)}." if fields else "Key material: fields of your own."
    return f"{asked} --from-env reads {', '.join(variables)}." if variables else asked


def _examples(provider: Provider) -> list[str]:
    command = f"kubectl credential create {provider.name} backups"
    given = " ".join(
        f"{flag.name} {provider.example[flag.path[1]]}"
        for flag in _fields(provider)
        if len(flag.path) > 1
        and flag.path[0] == provider.name
        and isinstance(provider.example.get(flag.path[1]), str)
    )
    line = f"{command} {given}".strip()
    return [f"{line} --wait", f"{line} --no-secret --dry-run=client -o yaml"]


def _fields(provider: Provider) -> list[Flag]:
    """Gives the flags of a type, each below the field of the spec that it is in."""
    own = [Flag((provider.name, *flag.path), flag.schema) for flag in flags.flags(schema.of(provider.config))]
    identity = getattr(provider, "workload_identity", None)
    keyless = flags.flags(schema.of(identity), (KEYLESS,)) if identity else ()
    about = schema.of(credential.Spec)["properties"]
    every = flags.flags({"properties": {name: about[name] for name in ABOUT}})
    return [*(_OwnFlag(flag.path, flag.schema) for flag in own), *keyless, *every]


class _OwnFlag(Flag):
    """A flag of the type's own, which is named without it."""

    @property
    def name(self) -> str:
        """The flag."""
        return Flag(self.path[1:], self.schema).name


def _section(flag: Flag, provider: Provider) -> str:
    if flag.path[0] == provider.name:
        return f"Fields of {provider.name}"
    return "No stored key" if flag.path[0] == KEYLESS else "Fields of every Credential"


def _with_options(function: Callable[..., int]) -> Callable[..., int]:
    """Adds the options that are the same for every type."""
    source = {"cls": sources.OfMaterial}
    for decorate in reversed(
        (
            click.argument("name"),
            *sources.OPTIONS,
            click.option("--from-secret", metavar="NAME", help="A Secret that is there already.", **source),
            click.option(
                "--secret-name", metavar="NAME", help="The Secret to make; otherwise NAME-keys.", **source
            ),
            click.option("--no-secret", is_flag=True, help="Make the Credential alone.", **source),
            click.option(
                "--target",
                "targets",
                multiple=True,
                metavar="SECRET=FORMAT",
                help="A Secret to publish; repeatable.",
            ),
            click.option(
                "--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label; repeatable."
            ),
            click.option(
                "--wait", is_flag=True, help="Wait until the provider has been asked; tell what it says."
            ),
            click.option(
                "--dry-run",
                type=click.Choice(["none", "client", "server"]),
                default="none",
                help="Make nothing.",
            ),
            options.timeout("2m"),
            options.output("text", "name", "json", "yaml"),
        )
    ):
        function = decorate(function)
    return function


def _create(asked: Asked, kubectl: Kubectl, fields: Sequence[Flag]) -> int:
    """Gathers what the spec needs, checks it, and has it made or printed."""
    found = _material(asked)
    _add_facts(asked, found, fields)
    _ask_for_required(asked, fields)
    config = _config(asked, fields)
    spec = asked.spec | _source(asked) | _targets(asked)
    _check_spec(asked, spec, fields)
    if found is not None:
        material.complete(asked.provider, found)
        material.check(asked.provider, config, found)
    namespace = kubectl.namespace
    new = making.New(
        credential=manifests.credential(
            asked.name, namespace, spec, options.pairs(asked.given["labels"], "--label")
        ),
        secret=manifests.secret(asked.secret, namespace, found.fields) if found else None,
    )
    if asked.given["dry_run"] == "none":
        return making.make(kubectl, new, asked.given)
    if asked.given["dry_run"] == "server":
        making.rehearse(kubectl, new)
    screen.manifests(new.documents, asked.given["output"])
    return Exit.DONE


def _material(asked: Asked) -> Material | None:
    """Reads the key material from where the command line says; None where none is to be stored."""
    given = asked.given
    own = [bool(given["from_secret"]), bool(given["no_secret"]), KEYLESS in asked.spec]
    if sum([*own, sources.named(given)]) > 1:
        raise click.UsageError(
            "Say one thing of where the key is: --from-env, --from-file, --from-secret, --no-secret, or "
            "--workload-identity-….",
        )
    return (
        sources.read(asked.provider, asked.spec.get(asked.provider.name, {}), given) if asked.stored else None
    )


def _add_facts(asked: Asked, found: Material | None, fields: Sequence[Flag]) -> None:
    """Takes public fields from where the key was, where no flag gives them."""
    for name, value in (found.facts if found else {}).items():
        flag = next(
            (one for one in fields if one.path[0] == asked.provider.name and one.path[-1] == name), None
        )
        if flag is None or flag.read(asked.given.get(flag.parameter)) is not None:
            continue
        flags.put(asked.spec, flag.path, flag.parse(value))


def _ask_for_required(asked: Asked, fields: Sequence[Flag]) -> None:
    """Asks for the public fields that are needed and were not given."""
    given = asked.spec.setdefault(asked.provider.name, {})
    missing = [name for name in schema.of(asked.provider.config).get("required", ()) if name not in given]
    for name in missing:
        flag = flags.named(fields, (asked.provider.name, name))
        if not options.terminal():
            raise Problem(f"{name} is missing: give {flag}.", Exit.USAGE)
        given[name] = click.prompt(name, err=True)


def _config(asked: Asked, fields: Sequence[Flag]) -> Any:
    try:
        return asked.provider.config.model_validate(asked.spec[asked.provider.name])
    except pydantic.ValidationError as error:
        raise _wrong(error, fields, (asked.provider.name,)) from None


def _check_spec(asked: Asked, spec: Mapping[str, Any], fields: Sequence[Flag]) -> None:
    rest = {name: value for name, value in spec.items() if name != asked.provider.name}
    try:
        credential.Spec.model_validate(rest)
    except pydantic.ValidationError as error:
        raise _wrong(error, fields, ()) from None


def _wrong(error: pydantic.ValidationError, fields: Sequence[Flag], path: tuple[str, ...]) -> Problem:
    """Says which flags are wrong, and what they must be."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    said = [
        f"{flags.named(fields, (*path, *map(str, one['loc'])))}: {one['msg'].removeprefix('Value error, ')}."
        for one in found
    ]
    return Problem(" ".join(said), Exit.USAGE)


def _source(asked: Asked) -> dict[str, Any]:
    if KEYLESS in asked.spec:
        return {}
    layout = asked.given["layout"] if asked.given["from_secret"] else None
    return {"secretRef": {"name": asked.secret, **({"format": layout} if layout else {})}}


def _targets(asked: Asked) -> dict[str, Any]:
    pairs = options.pairs(asked.given["targets"], "--target")
    return {"targets": [{"name": name, "format": form} for name, form in pairs.items()]} if pairs else {}
