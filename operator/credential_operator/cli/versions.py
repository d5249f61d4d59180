"""The command that says which version this is, and which one the operator has."""

import importlib.metadata

import click

from credential_operator.cli import options, screen
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.problems import Problem

OPERATOR = "app.kubernetes.io/name=credential-operator"
VERSION = "app.kubernetes.io/version"
"""The labels of the chart's Deployment."""


@options.command(
    "version",
    "kubectl credential version",
    "kubectl credential version --client -o json",
)
@click.option("--client", is_flag=True, help="That of the plugin alone, without a look at the cluster.")
@options.output("text", "json", "yaml")
def version(kubectl: Kubectl, output: str, *, client: bool) -> None:
    """Say which version the plugin has, and which the operator, as far as you may see its Deployment."""
    own = importlib.metadata.version("credential-operator")
    found = [] if client else _operators(kubectl)
    if output != "text":
        screen.document({"plugin": own, **({} if client else {"operators": found})}, output)
        return
    click.echo(f"Plugin    {own}")
    for one in found:
        click.echo(f"Operator  {one['version']}  (namespace {one['namespace']})")


def _operators(kubectl: Kubectl) -> list[dict[str, str]]:
    """Gives the installations that can be seen; says why where there are none, which is no error."""
    try:
        seen = kubectl.readable("deployments.apps", "--all-namespaces", f"--selector={OPERATOR}")
    except Problem as problem:
        screen.note(problem.message)
        return []
    if not seen:
        screen.note("The operator's Deployment is not to be seen with your rights.")
    return [
        {
            "namespace": one["metadata"]["namespace"],
            "version": str((one["metadata"].get("labels") or {}).get(VERSION, "unknown")),
        }
        for one in seen
    ]
