"""The command that opens a Credential in an editor."""

import click

from credential_operator.cli import options, store
from credential_operator.cli.documents import CREDENTIALS
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL


@options.command("edit", "kubectl credential edit backups")
@click.argument("name", type=CREDENTIAL)
def edit(name: str, kubectl: Kubectl) -> int:
    """Open a Credential in your editor (KUBE_EDITOR, EDITOR), as `kubectl edit` does.

    There is no key in it: that is in the source Secret, and `kubectl credential rotate` replaces it.
    """
    one = store.credential(kubectl, name)
    return kubectl.inside(one.namespace).attached("edit", CREDENTIALS, one.name)
