"""Claims by the user's own kubectl, for as long as `holding` holds them."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from credential_operator import holding
from credential_operator.cli.documents import REFERENCES
from credential_operator.cli.kubectl import PASSING, Kubectl
from credential_operator.cli.problems import Problem

Json = dict[str, Any]

PATH = f"/apis/{holding.GROUP}/{holding.VERSION}/namespaces/{{}}/{holding.PLURAL}/{{}}"


class Claims:
    """The CredentialReferences of one namespace (`holding.Claims`)."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.namespace = kubectl.own_namespace()
        self._kubectl = kubectl

    def create(self, name: str, spec: Json) -> Json:
        """Creates a claim, and gives it."""
        document = holding.manifest(name, spec)
        return self._ask("create", "--filename=-", "--output=json", stdin=json.dumps(document))

    def read(self, name: str) -> Json:
        """Gives a claim."""
        return self._ask("get", REFERENCES, name, "--output=json")

    def renew(self, name: str, uid: str) -> Json:
        """Renews a claim, and gives it; another one under its name is NotFound."""
        change = f"--patch={json.dumps(holding.renewal(uid))}"
        with holding.same(self, name, uid):
            return self._ask("patch", REFERENCES, name, "--type=merge", change, "--output=json")

    def delete(self, name: str, uid: str) -> None:
        """Deletes a claim if it is still that one."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        with _in_its_words():
            path = PATH.format(self.namespace, name)
            self._kubectl.call("delete", f"--raw={path}", "--filename=-", stdin=json.dumps(options))

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _ask(self, *words: str, stdin: str | None = None) -> Json:
        with _in_its_words():
            return dict(json.loads(self._kubectl.call(*words, stdin=stdin)))


@contextlib.contextmanager
def _in_its_words() -> Iterator[None]:
    """Raises what `holding` knows for what kubectl says."""
    try:
        yield
    except Problem as problem:
        if problem.reason in PASSING:
            raise holding.Unavailable(problem.message) from None
        raise holding.NotHeld(problem.reason or "Refused", problem.message) from None
