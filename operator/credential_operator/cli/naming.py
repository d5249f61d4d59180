"""Names on the command line, completed from those that there are."""

import click
from click.shell_completion import CompletionItem

from credential_operator.cli.documents import CREDENTIALS, REFERENCES
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.problems import Problem


class Name(click.ParamType[str]):
    """The name of something that kubectl lists with certain words, a name a line."""

    name = "name"

    def __init__(self, *words: str) -> None:
        self._words = words

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Suggests the names that begin so; none where the cluster does not answer."""
        given = ctx.params
        kubectl = Kubectl(
            kubeconfig=given.get("kubeconfig"),
            context=given.get("context"),
            user=given.get("as_"),
            namespace=given.get("namespace"),
        )
        try:
            found = kubectl.call(*self._words, "--output=name", "--request-timeout=3s")
        except Problem:
            return []
        names = (line.rpartition("/")[2] for line in found.split())
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


CREDENTIAL, CLAIM = Name("get", CREDENTIALS), Name("get", REFERENCES)
SERVICE_ACCOUNT = Name("get", "serviceaccounts")
NAMESPACE, CONTEXT = Name("get", "namespaces"), Name("config", "get-contexts")
