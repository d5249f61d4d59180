"""The command that has a ServiceAccount's Pods pull images with a Credential."""

import json

import click

from credential_operator import formats
from credential_operator.cli import options, screen, store
from credential_operator.cli.documents import Credential
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL, SERVICE_ACCOUNT
from credential_operator.cli.problems import Exit, Problem

PULLS = "kubernetes.io/dockerconfigjson"
"""The type of the Secrets that the kubelet pulls images with."""


@options.command(
    "attach",
    "kubectl credential attach company-registry --serviceaccount default",
    "kubectl credential attach company-registry --serviceaccount default --remove",
)
@click.argument("name", type=CREDENTIAL)
@click.option(
    "--serviceaccount", required=True, metavar="NAME", type=SERVICE_ACCOUNT, help="Whose Pods pull with it."
)
@click.option("--target", metavar="SECRET", help="Which of several Secrets.")
@click.option("--remove", is_flag=True, help="Take it away again.")
@options.output("text", "name", "json", "yaml")
def attach(
    name: str, kubectl: Kubectl, serviceaccount: str, target: str | None, output: str, *, remove: bool
) -> int:
    """Have the Pods of a ServiceAccount pull images with a Credential, with your rights.

    It adds a Secret of the Credential to the ServiceAccount's imagePullSecrets. Pods that are there already are not
    changed.
    """
    one = store.credential(kubectl, name)
    secret = _chosen(one, target)
    kubectl = kubectl.inside(one.namespace)
    _pull(kubectl, serviceaccount, secret, remove=remove)
    if output == "text":
        how = "without" if remove else "with"
        click.echo(
            f"New Pods of ServiceAccount {serviceaccount} pull images {how} Secret {secret} of {one.name}."
        )
    elif output == "name":
        click.echo(f"serviceaccount/{serviceaccount}")
    else:
        screen.document(kubectl.get("serviceaccount", serviceaccount), output)
    return Exit.DONE


def _pull(kubectl: Kubectl, account: str, secret: str, *, remove: bool) -> None:
    """Changes the list, which no patch merges, if nobody else has since it was read."""
    found = kubectl.get("serviceaccount", account)
    others = [one for one in found.get("imagePullSecrets", ()) if one.get("name") != secret]
    change = {
        "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
        "imagePullSecrets": others if remove else [*others, {"name": secret}],
    }
    kubectl.call("patch", "serviceaccount", account, "--type=merge", f"--patch={json.dumps(change)}")


def _chosen(one: Credential, target: str | None) -> str:
    """Gives the target that images can be pulled with; raises Problem where it is not clear which."""
    layouts = {layout.name for layout in formats.find().values() if layout.secret_type == PULLS}
    found = [each["name"] for each in one.spec.get("targets", ()) if each["format"] in layouts]
    if target is not None and target not in found:
        raise Problem(
            f"{one.name} has no target {target} to pull images with; it has {', '.join(found) or 'none'}."
        )
    if not found:
        raise Problem(
            f"{one.name} has no target to pull images with: add one of format {' or '.join(sorted(layouts))} "
            f"(kubectl credential edit {one.name})."
        )
    if target is None and len(found) > 1:
        raise Problem(f"{one.name} has several: say which with --target: {', '.join(found)}.", Exit.USAGE)
    return target or found[0]
