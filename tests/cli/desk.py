"""Where somebody types `kubectl credential`, with a kubectl on PATH that stands in for the real one."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

PLUGIN = pathlib.Path(sys.executable).parent / "kubectl-credential"


@dataclasses.dataclass(frozen=True)
class Desk:
    """Where somebody types."""

    folder: pathlib.Path

    def lay(self, *items: dict[str, Any], namespace: str = "team-a", **says: str) -> None:
        """Put objects into the world, and what fails: words, joined by underscores -> what kubectl says."""
        said = {words.replace("_", " "): text for words, text in says.items()}
        document = {"items": [*items], "namespace": namespace, "says": said}
        (self.folder / "world.json").write_text(json.dumps(document))

    def refuse(self, words: str, said: str) -> None:
        """Have kubectl fail where it is called with these words."""
        document = json.loads((self.folder / "world.json").read_text())
        document["says"][words] = said
        (self.folder / "world.json").write_text(json.dumps(document))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What kubectl was called with."""
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command."""
        return {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder), **more}

    def run(
        self, *words: str, stdin: str | None = None, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run the plugin, with nobody to ask."""
        return subprocess.run(
            [PLUGIN, *words],
            input=stdin or "",
            capture_output=True,
            text=True,
            env=self.environment(**environment),
            timeout=60,
            check=False,
        )
