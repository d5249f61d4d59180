"""Where people type `kubectl credential` at a cluster, each with a role of their own."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from cli.terminal import Terminal
from cluster.space import Json, Space
from controlplane import tools

BIN = pathlib.Path(sys.executable).parent
PEOPLE = {"vera": "view", "alice": "edit", "adam": "admin"}
SECONDS = 90
WRONG = "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"

Answer = subprocess.CompletedProcess[str]


@dataclasses.dataclass(frozen=True)
class Desk:
    """Where somebody types `kubectl credential`."""

    space: Space

    def environment(self, **more: str) -> dict[str, str]:
        """Return an environment in which kubectl finds the plugin, and the plugin kubectl."""
        path = os.pathsep.join([str(BIN), str(tools.path("kubectl").parent), os.environ["PATH"]])
        return self.space.cluster.environment() | {"PATH": path} | more

    def publish(self, name: str = "backups", **fields: Any) -> Json:
        """Make a Credential that is available, and return it."""
        self.space.apply(self.space.source(self.space.new_key(), f"{name}-keys"))
        self.space.apply(self.space.credential(name, secretRef={"name": f"{name}-keys"}, **fields))
        return self.space.becomes(name, Ready="True Available")

    def command(self, *words: str, user: str | None = None) -> list[str]:
        """Return the words of a command."""
        who = ["--as", user] if user else []
        own = ["--namespace", self.space.name, *who]
        at = words.index("--") if "--" in words else len(words)
        return ["kubectl", "credential", *words[:at], *own, *words[at:]]

    def run(self, *words: str, user: str | None = None, stdin: str = "", **environment: str) -> Answer:
        """Run a command."""
        return subprocess.run(
            self.command(*words, user=user),
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment(**environment),
            timeout=SECONDS,
            check=False,
        )

    def typed(self, *words: str, user: str | None = None) -> Terminal:
        """Start a command on a terminal."""
        return Terminal(self.command(*words, user=user), self.environment(), seconds=SECONDS)

    def shown(self, *words: str, user: str | None = None, **environment: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        answer = self.run(*words, user=user, **environment)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def fails(self, status: int, *words: str, user: str | None = None, **environment: str) -> str:
        """Run a command that must end with this status, and return what it said."""
        answer = self.run(*words, user=user, **environment)
        assert answer.returncode == status, answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
        return answer.stderr

    def json(self, *words: str, user: str | None = None) -> Any:
        """Return the document that a command prints."""
        return json.loads(self.shown(*words, "--output", "json", user=user))

    def fields(self) -> tuple[str, ...]:
        """Return the flags that lead to this test's cloud."""
        return ("--region", "eu-west-1", "--endpoint", self.space.aws.url)


def variables(key: tuple[str, str]) -> Mapping[str, str]:
    """Return the usual variables of a key."""
    return {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1]}
