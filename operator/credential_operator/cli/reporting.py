"""The command that writes what an audit asks for: the inventory, what nobody manages, and several clusters in one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pydantic

from credential_operator.api import reports
from credential_operator.cli import audit, files, fleet, options, screen, sheets, store
from credential_operator.cli.documents import CREDENTIALS, REFERENCES, Credential, Reference
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.problems import Exit, Problem

FORMS = ("table", "html", "json", "csv", "markdown", "yaml")
ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".yaml": "yaml",
}
"""What the name of a file says of its form."""
LARGEST = 256 << 20
"""Bytes of a report that is read: 10,000 Credentials have some 20 MB."""

Document = reports.Report | reports.Unmanaged | reports.Fleet


@options.command(
    "report",
    "kubectl credential report -A",
    "kubectl credential report -A --to credentials.html",
    "kubectl credential report -A -o json --cluster eu-1 > eu-1.json",
    "kubectl credential report -A --unmanaged",
    "kubectl credential report --merge eu-1.json us-1.json",
)
@click.argument("paths", nargs=-1, metavar="[FILE...]", type=click.Path())
@click.option("--all-namespaces", "-A", is_flag=True, help="All namespaces.")
@click.option(
    "--selector", "-l", metavar="LABELS", help="Only Credentials with these labels, such as tier=backup."
)
@click.option(
    "--unmanaged", is_flag=True, help="Find the keys that workloads use and that no Credential manages."
)
@click.option(
    "--merge", is_flag=True, help="Join reports of several clusters (-o json) by the ids of their keys."
)
@click.option("--cluster", metavar="NAME", help="What the cluster is called; otherwise as in the kubeconfig.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(FORMS),
    help="How it is written; otherwise as the name of the file says, or a table. yaml: manifests for --unmanaged.",
)
@click.option("--to", metavar="FILE", help="Where it is written; otherwise it is printed.")
def report(kubectl: Kubectl, paths: Sequence[str], output: str | None, to: str | None, **asked: Any) -> int:
    """Write the inventory for an audit: what there is, what works, what ends when, and what nobody uses.

    -o html is one page that needs nothing else; json, csv and markdown have the same. The role view is enough, and no
    Secret is read: --unmanaged goes by what the templates of Pods say of their Secrets, and proposes manifests.
    --merge reads what -o json has written of several clusters, and says where each key is, where the one before it
    still drains, and which cluster rejects it.

    Exit status: 0 whatever the verdicts are.
    """
    form = output or (ENDINGS.get(Path(to).suffix.lower()) if to else None) or FORMS[0]
    _refuse(kubectl, paths, form, asked)
    if asked["merge"]:
        document: Document = fleet.fleet(
            _read(path, text) for path, text in files.texts(paths, largest=LARGEST)
        )
    elif asked["unmanaged"]:
        document = _unmanaged(kubectl, asked)
    else:
        document = _inventory(kubectl, asked)
    if to and form != "table":
        _save(_written(document, form), to)
    elif to:
        raise click.UsageError(
            "--to needs a form for files: say -o, or end the name in .html, .json, .csv or .md."
        )
    else:
        _print(document, form)
    return Exit.DONE


def _refuse(kubectl: Kubectl, paths: Sequence[str], form: str, asked: dict[str, Any]) -> None:
    """Raises UsageError for what cannot be meant."""
    cluster = asked["all_namespaces"] or asked["selector"] or asked["cluster"] or asked["unmanaged"]
    if asked["merge"] != bool(paths):
        raise click.UsageError("Give files with --merge, and only there.")
    if asked["merge"] and (cluster or kubectl.namespace):
        raise click.UsageError("--merge reads files, and no cluster.")
    if asked["unmanaged"] and asked["selector"]:
        raise click.UsageError("--selector is for Credentials, and --unmanaged for what has none.")
    if form == "yaml" and not asked["unmanaged"]:
        raise click.UsageError("-o yaml prints the manifests of --unmanaged.")


# What it is


def _inventory(kubectl: Kubectl, asked: dict[str, Any]) -> reports.Report:
    everywhere = asked["all_namespaces"]
    found = store.credentials(kubectl, everywhere=everywhere, selector=asked["selector"])
    return audit.report(
        store.facts(kubectl, found, everywhere=everywhere),
        store.now(),
        cluster=_cluster(kubectl, asked),
        scope=_scope(kubectl, asked),
    )


def _unmanaged(kubectl: Kubectl, asked: dict[str, Any]) -> reports.Unmanaged:
    # All credential types, which take a while to load.
    from credential_operator.cli import mentions, unmanaged

    words = [store.EVERYWHERE] if asked["all_namespaces"] else []
    found = kubectl.get(store.resources(), *words)["items"]
    known = unmanaged.managed(
        map(Credential, kubectl.get(CREDENTIALS, *words)["items"]),
        map(Reference, kubectl.get(REFERENCES, *words)["items"]),
    )
    told, unseen = unmanaged.loose(mentions.mentions(found), known, store.consumers(found))
    return reports.Unmanaged(
        generated_at=store.now().replace(microsecond=0),
        cluster=_cluster(kubectl, asked),
        scope=_scope(kubectl, asked),
        secrets=tuple(told),
        unseen=tuple(unseen),
    )


def _cluster(kubectl: Kubectl, asked: dict[str, Any]) -> reports.Cluster:
    return reports.Cluster(name=asked["cluster"] or kubectl.cluster(), uid=kubectl.cluster_uid())


def _scope(kubectl: Kubectl, asked: dict[str, Any]) -> reports.Scope:
    return reports.Scope(
        namespace="" if asked["all_namespaces"] else kubectl.own_namespace(),
        selector=asked["selector"] or "",
        seen_as=kubectl.whoami(),
    )


def _read(path: str, text: str) -> reports.Report:
    """Reads what `-o json` has written; raises Problem that shows nothing of the file."""
    try:
        return reports.Report.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"][:3]))
    what = (
        "it is of a later version: use a newer kubectl credential"
        if place == "version"
        else place or "it is no JSON"
    )
    raise Problem(f"{path} is no report of `kubectl credential report -o json` ({what}).", Exit.USAGE)


# How it is written


def _print(document: Document, form: str) -> None:
    if form != "table":
        click.echo(_written(document, form), nl=False)
        _note(document, form)
        return
    screen.show(*sheets.parts(document))
    _note(document, form)


def _note(document: Document, form: str) -> None:
    """Says beside the output what it does not say itself."""
    if isinstance(document, reports.Report) and not document.credentials:
        screen.note(
            "There is no Credential here: `kubectl credential report --unmanaged` finds keys without one."
        )
    if not isinstance(document, reports.Unmanaged):
        return
    if not document.secrets:
        screen.note("No workload uses well-known keys of a Secret that no Credential manages.")
    for one in document.secrets if form == "yaml" else ():
        if one.manifest is None:
            screen.note(f"Secret {one.namespace}/{one.name} has no manifest. {' '.join(one.said)}")
    if document.unseen:
        screen.note(
            f"{len(document.unseen)} more are used whole, so that nobody can tell what is in them without reading: "
            "kubectl credential import --discover"
        )


def _written(document: Document, form: str) -> str:
    if form == "json":
        return json.dumps(reports.written(document), indent=2, ensure_ascii=False) + "\n"
    if form == "csv":
        return sheets.separated(sheets.whole(document))
    if form == "markdown":
        return sheets.markdown(document)
    if form == "yaml":
        return _manifests(document)
    # It takes a while to load, and nothing else needs it.
    from credential_operator.cli import page

    return page.html(document)


def _manifests(document: Document) -> str:
    import yaml

    found = [one.manifest for one in getattr(document, "secrets", ()) if one.manifest]
    return str(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True, width=110)) if found else ""


def _save(text: str, to: str) -> None:
    try:
        Path(to).expanduser().write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise Problem(f"{to} cannot be written: {error.strerror}.", Exit.USAGE) from None
    screen.note(f"{to} is written ({len(text.encode()) / 1e6:.1f} MB).")
