"""The command that has a key checked now."""

import click

from credential_operator.cli import options, outcomes, screen, store, waiting
from credential_operator.cli.documents import CREDENTIALS, RECONCILE_AT
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.naming import CREDENTIAL
from credential_operator.cli.outcomes import Outcome
from credential_operator.cli.problems import Exit, Problem


@options.command(
    "validate",
    "kubectl credential validate backups",
    "kubectl credential validate backups --timeout 30s && ./nightly.sh",
)
@click.argument("name", type=CREDENTIAL)
@options.timeout("2m")
@options.output("text", "json", "yaml")
def validate(name: str, kubectl: Kubectl, timeout: int, output: str) -> int:
    """Have the operator ask the provider now whether a key works, and wait for the answer.

    What the operator says meanwhile goes to standard error. A key that is refused is asked about twice more, 15
    seconds apart, before that is believed: providers take seconds to learn of a new key.

    Exit status: 0 the provider accepts the key, or cannot be asked and the Credential is published; 3 it does not;
    5 nobody could say in time.
    """
    one = store.credential(kubectl, name)
    if one.spec.get("suspend"):
        raise Problem(
            f"{one.name} is suspended, so that nothing is checked. Set spec.suspend to false first.",
            Exit.REFUSED,
        )
    asked = store.now().isoformat()
    mark = f"{RECONCILE_AT}={asked}"
    kubectl.inside(one.namespace).call("annotate", CREDENTIALS, one.name, mark, "--overwrite")
    progress = waiting.Progress(kubectl, one)

    def look() -> Outcome | None:
        return outcomes.outcome(progress.look(), asked)

    found = waiting.until(look, timeout, lambda: progress.late(timeout))
    if output != "text":
        screen.document(progress.last.document, output)
    return waiting.ended(found, say=output == "text")
