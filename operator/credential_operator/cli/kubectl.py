"""The user's own kubectl: the only way from here to the cluster.

It brings what only it has whole: kubeconfigs, logins by exec plugins, proxies, impersonation. Key material goes
to it by its standard input, never by its arguments.
"""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from credential_operator.cli import refusals
from credential_operator.cli.problems import Problem

Json = dict[str, Any]

PASSING = frozenset(
    {"Unreachable", "ServiceUnavailable", "TooManyRequests", "InternalError", "Timeout", "ServerTimeout"}
)
"""What is said by an API server that may answer soon, or of one that does not."""
HIDDEN = frozenset({"Forbidden", "NotFound", "NotInstalled"})
"""What is said of what the user may not see, or of what there is none of."""
PATIENCE = 2.0
"""Seconds after which what kubectl says is shown as it comes: it may ask its user to log in."""
NOISE = re.compile(r"^[EWIF]\d{4} ")
"""The log of kubectl's libraries, which says what its last line says better."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """kubectl with a cluster, an identity and a namespace; what is None is as the kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None
    user: str | None = None
    groups: tuple[str, ...] = ()
    namespace: str | None = None

    @property
    def flags(self) -> list[str]:
        """The options that say where, and as whom."""
        given = {"--kubeconfig": self.kubeconfig, "--context": self.context, "--as": self.user}
        named = [word for name, value in given.items() if value for word in (name, value)]
        return [*named, *(word for group in self.groups for word in ("--as-group", group))]

    def call(self, *words: str, stdin: str | None = None) -> str:
        """Runs it and gives what it printed; raises Problem."""
        answer = self._run(words, stdin)
        if answer.returncode:
            raise refusals.problem(_said(answer.stderr), self._text)
        return answer.stdout

    def get(self, *words: str) -> Json:
        """Gets an object, or a list of objects; raises Problem."""
        return dict(json.loads(self.call("get", *words, "--output=json")))

    def readable(self, *words: str) -> list[Json]:
        """Gets those of the objects that the user may read; raises Problem where the cluster does not answer."""
        answer = self._run(("get", *words, "--output=json", "--ignore-not-found"), None)
        if answer.stdout.strip():
            return list(json.loads(answer.stdout).get("items", ()))
        if answer.returncode:
            problem = refusals.problem(_said(answer.stderr), self._text)
            if problem.reason not in HIDDEN:
                raise problem
        return []

    def attached(self, *words: str) -> int:
        """Runs it on the user's terminal, and gives its exit status."""
        return subprocess.run(self._command(words), check=False).returncode

    def inside(self, namespace: str) -> "Kubectl":
        """Gives it for another namespace."""
        return dataclasses.replace(self, namespace=namespace)

    def own_namespace(self) -> str:
        """Names the namespace."""
        if self.namespace is not None:
            return self.namespace
        return self._text("config", "view", "--minify", "--output=jsonpath={..namespace}") or "default"

    def whoami(self) -> str:
        """Names the user, as the API server knows them."""
        return self._text("auth", "whoami", "--output=jsonpath={.status.userInfo.username}") or "somebody"

    def cluster(self) -> str:
        """Names the cluster, as the kubeconfig does."""
        return self._text("config", "view", "--minify", "--output=jsonpath={.clusters[0].name}") or "cluster"

    def cluster_uid(self) -> str:
        """Gives what no other cluster has: the uid of kube-system; nothing where the user may not see that."""
        return self._text("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}")

    def _text(self, *words: str) -> str:
        """Gives what it printed, nothing where it failed: for what makes an answer better."""
        answer = self._run(words, None)
        return "" if answer.returncode else answer.stdout.strip()

    def _command(self, words: Sequence[str]) -> list[str]:
        program = shutil.which("kubectl")
        if program is None:
            raise Problem(
                "There is no kubectl on PATH: install it (https://kubernetes.io/docs/tasks/tools/)."
            )
        everywhere = self.namespace is None or "--all-namespaces" in words
        return [program, *words, *([] if everywhere else ["--namespace", str(self.namespace)]), *self.flags]

    def _run(self, words: Sequence[str], stdin: str | None) -> "subprocess.CompletedProcess[str]":
        command = self._command(words)
        with subprocess.Popen(
            command,
            stdin=None if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                out, err = _talk(process, stdin)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(command[:2], process.returncode, out, err)


def _talk(process: "subprocess.Popen[str]", stdin: str | None) -> tuple[str, str]:
    """Waits for kubectl, and shows what it says while that takes long."""
    shown = 0
    while True:
        try:
            out, err = process.communicate(stdin, timeout=PATIENCE)
        except subprocess.TimeoutExpired as slow:
            stdin, said = None, (slow.stderr or b"").decode(errors="replace")
            sys.stderr.write(said[shown:])
            shown = len(said)
        else:
            return out, err


def _said(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if not NOISE.match(line)]
    return "\n".join(line for line in lines if line)
