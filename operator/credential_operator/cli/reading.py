"""Commands that show something, and change nothing."""

import dataclasses
from collections.abc import Iterable

import click

from credential_operator.cli import description, listing, options, picture, reach, screen, store
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import Credential
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL

LISTS = ("table", "wide", "json", "yaml", "name")


@options.command(
    "list",
    "kubectl credential list",
    "kubectl credential ls -A -o wide",
    "kubectl credential list -l tier=backup -o json",
)
@click.option("--all-namespaces", "-A", is_flag=True, help="The Credentials of all namespaces.")
@click.option("--selector", "-l", metavar="LABELS", help="Only those with these labels, such as tier=backup.")
@options.output(*LISTS)
def list_(kubectl: Kubectl, output: str, selector: str | None, *, all_namespaces: bool) -> None:
    """List Credentials by their type, with the public fields of that type and the ids of their keys."""
    found = store.credentials(kubectl, everywhere=all_namespaces, selector=selector)
    if not found and output in ("table", "wide"):
        _none(kubectl, everywhere=all_namespaces, selected=f" with the labels {selector}" if selector else "")
        return
    _print(found, output, everywhere=all_namespaces)


def _none(kubectl: Kubectl, *, everywhere: bool, selected: str = "") -> None:
    """Says where nothing was found."""
    where = "in any namespace" if everywhere else f"in namespace {kubectl.own_namespace()}"
    screen.note(f"There is no Credential{selected} {where}. Make one: kubectl credential create TYPE NAME")


@options.command(
    "get",
    "kubectl credential get backups",
    "kubectl credential get backups -o yaml",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", type=CREDENTIAL)
@options.output(*LISTS)
def get(names: tuple[str, ...], kubectl: Kubectl, output: str) -> None:
    """Show Credentials by their names or uids, in a line each."""
    found = [store.credential(kubectl, name) for name in names]
    if output in ("json", "yaml") and len(found) == 1:
        screen.document(found[0].document, output)
        return
    _print(found, output, everywhere=False)


def _print(found: Iterable[Credential], output: str, *, everywhere: bool) -> None:
    if output == "name":
        screen.names(found)
    elif output in ("json", "yaml"):
        screen.document(screen.listed(one.document for one in found), output)
    else:
        wide = output == "wide"
        screen.show(*listing.listing(found, store.now(), everywhere=everywhere, wide=wide), wide=wide)


@options.command(
    "describe",
    "kubectl credential describe backups",
    "kubectl credential describe backups -o json | jq .next",
)
@click.argument("name", type=CREDENTIAL)
@options.output("text", "json", "yaml")
def describe(name: str, kubectl: Kubectl, output: str) -> None:
    """Tell all there is to know of a Credential, and what to do next if something is wrong.

    Whose key it is, what it lacks and what it reaches, its Secrets and who uses them, who needs it and until when,
    how far a rotation has got, and the last events. NAME may be a uid.
    """
    facts = _facts(kubectl, store.credential(kubectl, name))
    if output == "text":
        screen.show(*description.sections(facts, store.now()))
    else:
        screen.document(description.document(facts), output)


def _facts(kubectl: Kubectl, one: Credential) -> Facts:
    (facts,) = store.facts(kubectl, [one])
    return dataclasses.replace(facts, events=store.events(kubectl, one))


@options.command(
    "refs",
    "kubectl credential refs backups",
    "kubectl credential refs backups -o json",
)
@click.argument("name", type=CREDENTIAL)
@options.output("table", "json", "yaml", "name")
def refs(name: str, kubectl: Kubectl, output: str) -> None:
    """Show who needs a Credential: who has declared it, what for and until when, and who was found to use it."""
    one = store.credential(kubectl, name)
    facts = Facts(credential=one, references=store.references(kubectl, [one]))
    if output == "table":
        table = description.references(facts, store.now())
        if table.rows:
            screen.show(table)
        else:
            screen.note(f"Nobody needs Credential {one.name}.")
    elif output == "name":
        for user, _ in description.users(facts):
            click.echo(f"{user.kind.lower()}/{user.name}")
    else:
        screen.document({"count": one.count, "items": _users(facts)}, output)


def _users(facts: Facts) -> list[dict[str, object]]:
    return [
        {
            **user._asdict(),
            "declared": reference is not None,
            **({"description": reference.why, "until": reference.until} if reference else {}),
        }
        for user, reference in description.users(facts)
    ]


@options.command(
    "reach",
    "kubectl credential reach backups",
    "kubectl credential reach backups -o json | jq .places.count",
)
@click.argument("name", type=CREDENTIAL)
@options.output("text", "json", "yaml")
def reach_(name: str, kubectl: Kubectl, output: str) -> None:
    """Tell what a key can reach, as far as the status has it; the provider is not asked.

    Whose key it is, where its spec says that it is used, which accounts, subscriptions, projects or compartments it
    sees (spec.discoverReach), and which permissions it was not found to have. What is not known is said with what
    to do.
    """
    one = store.credential(kubectl, name)
    if output == "text":
        screen.show(*reach.sections(one, store.now()))
    else:
        screen.document(reach.document(one), output)


@options.command(
    "tree",
    "kubectl credential tree backups",
)
@click.argument("name", type=CREDENTIAL)
@options.output("text", "json", "yaml")
def tree(name: str, kubectl: Kubectl, output: str) -> None:
    """Draw where the key of a Credential comes from and where it goes."""
    (facts,) = store.facts(kubectl, [store.credential(kubectl, name)])
    root = picture.picture(facts)
    if output == "text":
        click.echo(picture.text([root]))
    else:
        screen.document(picture.document(root), output)


@options.command(
    "graph",
    "kubectl credential graph",
    "kubectl credential graph -A -o dot | dot -Tsvg > credentials.svg",
    "kubectl credential graph backups -o mermaid",
)
@click.argument("names", nargs=-1, metavar="[NAME...]", type=CREDENTIAL)
@click.option("--all-namespaces", "-A", is_flag=True, help="The Credentials of all namespaces.")
@options.output("text", "dot", "mermaid", "json", "yaml")
def graph(names: tuple[str, ...], kubectl: Kubectl, output: str, *, all_namespaces: bool) -> None:
    """Draw where keys come from and where they go, of some Credentials or of all."""
    if names and all_namespaces:
        raise click.UsageError("Give either names or --all-namespaces.")
    found = [store.credential(kubectl, name) for name in names] or store.credentials(
        kubectl, everywhere=all_namespaces
    )
    if not found and output == "text":
        _none(kubectl, everywhere=all_namespaces)
        return
    roots = [picture.picture(facts) for facts in store.facts(kubectl, found, everywhere=all_namespaces)]
    draw = {"text": picture.text, "dot": picture.dot, "mermaid": picture.mermaid}.get(output)
    if draw is not None:
        click.echo(draw(roots))
    else:
        screen.document([picture.document(root) for root in roots], output)
