"""The command that makes Credentials of what other systems know, or of Secrets that are there already."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import click

from credential_operator.cli import discovery, files, importers, making, options, proposals, screen
from credential_operator.cli.documents import CREDENTIALS
from credential_operator.cli.importers.contract import Entry
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.making import New
from credential_operator.cli.problems import Exit, Problem
from credential_operator.cli.proposals import Proposal

EVERYWHERE = "--all-namespaces"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to become of proposals."""

    apply: bool
    yes: bool
    dry_run: str
    output: str


@options.command(
    "import",
    "kubectl credential import -f pharmer.yaml | kubectl apply -f -",
    "kubectl credential import -f flexera.json --no-secret -n team-a",
    "pxctl credentials list --json | kubectl credential import -f -",
    "kubectl credential import --discover -n team-a --apply",
)
@click.option(
    "--filename",
    "-f",
    "paths",
    multiple=True,
    metavar="FILE",
    help="What to read, - for standard input; repeatable.",
)
@click.option("--discover", is_flag=True, help="Look at the Secrets that are there, in place of a file.")
@click.option(EVERYWHERE, "-A", is_flag=True, help="With --discover: in all namespaces.")
@click.option(
    "--format",
    "system",
    type=click.Choice([*importers.ALL]),
    help="Whose file it is, where that is not recognised.",
)
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A public field that the file lacks; repeatable.",
)
@click.option("--no-secret", is_flag=True, help="Leave the Secrets out.")
@click.option("--apply", is_flag=True, help="Make it, in place of printing it.")
@click.option("--yes", "-y", is_flag=True, help="With --apply: do not ask.")
@click.option(
    "--dry-run",
    type=click.Choice(["none", "client", "server"]),
    default="none",
    help="With --apply: make nothing; server has the API server say what it would refuse.",
)
@options.output("yaml", "json", "name")
def import_(
    kubectl: Kubectl, paths: Sequence[str], system: str | None, given: Sequence[str], **asked: Any
) -> int:
    """Make Credentials of what other systems know: print their manifests, or apply them.

    Reads Pharmer's Credential YAML, Flexera's credential JSON, Cloudesire's fields, and what `pxctl credentials list`
    prints or `pxctl credentials create` was called with. Of each credential it says on standard error what could not
    be taken over, why, and what to do. With --discover it proposes Credentials for Secrets that look like keys, by the
    names of their keys; what is in them is not shown.

    Exit status: 2 where something could not be taken over; the rest is printed, or made.
    """
    if bool(paths) == asked["discover"]:
        raise click.UsageError("Give either -f FILE or --discover.")
    if asked["discover"] and (given or system):
        raise click.UsageError("--set and --format are for files, not for --discover.")
    public = options.pairs(given, "--set")
    if asked["discover"]:
        found = _discovered(kubectl, everywhere=asked["all_namespaces"])
    else:
        found = proposals.proposals(
            [entry for path, text in files.texts(paths) for entry in entries(path, text, system)],
            namespace=kubectl.namespace,
            with_secret=not asked["no_secret"],
            given=public,
        )
    _tell(found)
    wanted = Wanted(**{name: asked[name] for name in ("apply", "yes", "dry_run", "output")})
    _done(kubectl, [one.new for one in found if one.new is not None], wanted)
    return Exit.DONE if all(one.new for one in found) else Exit.USAGE


def entries(path: str, text: str, system: str | None) -> list[Entry]:
    """Gives what a file holds; raises Problem where no system has such a file."""
    known = [importers.ALL[system]] if system else [*importers.ALL.values()]
    documents = _documents(path, text)
    for importer in known:
        if found := importer.read(text, documents):
            return found
    raise Problem(
        f"{path} holds no credential that is known here: {'; '.join(one.title for one in known)}.", Exit.USAGE
    )


def _documents(path: str, text: str) -> list[Any]:
    """Gives the documents of a file; none where it is lines for people."""
    try:
        return files.documents(path, text)
    except Problem:
        return []


def _discovered(kubectl: Kubectl, *, everywhere: bool) -> list[Proposal]:
    words = [EVERYWHERE] if everywhere else []
    secrets = kubectl.get("secrets", *words)["items"]
    found = [*discovery.proposals(secrets, kubectl.get(CREDENTIALS, *words)["items"])]
    if not found:
        screen.note("No Secret looks like a key that has no Credential.")
    return found


def _tell(found: Sequence[Proposal]) -> None:
    """Says of each what it becomes, and what is left to do."""
    for one in found:
        made = (
            f"becomes Credential {one.new.credential['metadata']['name']}" if one.new else "is not taken over"
        )
        screen.note(f"{one.name} {made}.")
        for sentence in one.said:
            screen.note(f"  {sentence}")


def _done(kubectl: Kubectl, new: Sequence[New], wanted: Wanted) -> None:
    documents = [document for one in new for document in one.documents]
    if not documents:
        return
    if not wanted.apply or wanted.dry_run == "client":
        screen.manifests(documents, wanted.output)
        return
    for one in new:
        making.rehearse(_place(kubectl, one), one)
    if wanted.dry_run == "server":
        screen.manifests(documents, wanted.output)
        return
    options.confirm(f"Make {_counted(documents)}?", yes=wanted.yes)
    for one in new:
        making.make(_place(kubectl, one), one, {"output": "text", "wait": False})


def _place(kubectl: Kubectl, one: New) -> Kubectl:
    namespace = one.credential["metadata"].get("namespace")
    return kubectl.inside(namespace) if namespace else kubectl


def _counted(documents: Sequence[Mapping[str, Any]]) -> str:
    kinds = [str(one["kind"]) for one in documents]
    words = ((kinds.count(kind), kind) for kind in ("Credential", "Secret"))
    return " and ".join(f"{number} {kind}{'' if number == 1 else 's'}" for number, kind in words if number)
