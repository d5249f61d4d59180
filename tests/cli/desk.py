"""Where somebody types `kubectl credential`, with a kubectl on PATH that stands in for the real one."""

import dataclasses
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from credential_operator.cli import app

PLUGIN = pathlib.Path(sys.executable).parent / "kubectl-credential"
SECONDS = 60.0
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    sorted({f"credential_operator.cli.{place.partition(':')[0]}" for place, _ in app.COMMANDS.values()})
)


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
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            ends = [pathlib.Path(folder, name) for name in ("stdin", "stdout", "stderr")]
            ends[0].write_text(stdin or "")
            process = _FORKS.Process(target=_type, args=(words, self.environment(**environment), ends))
            process.start()
            process.join(SECONDS)
            if process.exitcode is None:
                process.kill()
                raise subprocess.TimeoutExpired(words, SECONDS)
            _, out, err = (end.read_text() if end.exists() else "" for end in ends)
            return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _type(words: tuple[str, ...], environment: Mapping[str, str], ends: list[pathlib.Path]) -> None:
    """Be the plugin: a process of its own, that has been loaded already."""
    os.environ.clear()
    os.environ.update(environment)
    for number, (end, mode) in enumerate(
        zip(ends, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)
    ):
        os.dup2(os.open(end, mode), number)
    sys.stdin = os.fdopen(0)
    sys.argv = [str(PLUGIN), *words]
    app.main()
