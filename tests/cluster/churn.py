"""Churn in a namespace, and who watches that no target is ever without a key that works."""

import base64
import functools
import json
import random
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cluster.space import OWNER, Key, Space
from controlplane import tools

UNKNOWN_KEY = ("AKIAIOSFODNN7EXAMPLE", "x" * 40)


class TargetWatch:
    """Sees every version of every target, and notes each that no key of `good` is in.

    A target may be missing when `excused` says its name: the test itself has deleted it.
    """

    def __init__(self, space: Space, good: set[Key]) -> None:
        self.violations: list[str] = []
        self.seen = 0
        self.excused: set[str] = set()
        self._good = good
        command: list[str | Path] = [
            *(tools.path("kubectl"), "get", "secrets", f"--namespace={space.name}", f"--selector={OWNER}"),
            *("--watch", "--output-watch-events", "--output=json"),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env=space.cluster.environment(), text=True
        )
        self._thread = threading.Thread(target=self._read, name="target-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join(10)
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        text = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text += line
            try:
                event = json.loads(text)
            except ValueError:
                continue
            text = ""
            self._judge(event["type"], event["object"])

    def _judge(self, happened: str, secret: dict[str, Any]) -> None:
        self.seen += 1
        name = secret["metadata"]["name"]
        data = secret.get("data") or {}
        fields = [data.get(field, "") for field in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
        key_id, value = (base64.b64decode(field).decode() for field in fields)
        if happened == "DELETED" and name not in self.excused:
            self.violations.append(f"{name} is gone")
        elif happened != "DELETED" and (key_id, value) not in self._good:
            self.violations.append(f"{name} holds {key_id}, which is no good key")


class Churn:
    """People at work on some Credentials: they rotate, err, meddle, refer, and make others that they drop."""

    def __init__(self, space: Space, *, count: int, seed: int = 0) -> None:
        self.space = space
        self.random = random.Random(seed)
        self.names = [f"c{number}" for number in range(count)]
        self.keys: dict[str, list[Key]] = {}
        self.extra = 0
        for name in self.names:
            space.new_user(name=name)
            self.keys[name] = [space.new_key(name) for _ in range(2)]
        self.good = {key for keys in self.keys.values() for key in keys}

    def begin(self, seconds: float) -> None:
        """Create the Credentials and wait until they work."""
        for name in self.names:
            space = self.space
            space.apply(space.source(self.keys[name][0], name), self._credential(name))
        self.wait_until_good(0, seconds=seconds)

    def step(self, watch: TargetWatch) -> str:
        """Do one thing, and say what."""
        deed: Callable[[str, TargetWatch], None] = self.random.choice(
            [
                self._rotate,
                self._rotate,
                self._err,
                self._meddle,
                self._delete,
                self._refer,
                self._make,
                self._drop,
            ]
        )
        name = self.random.choice(self.names)
        deed(name, watch)
        return f"{deed.__name__[1:]} {name}"

    def end(self, *, seconds: float) -> None:
        """Bring everything to the second key, drop what was made besides, and wait until that is so."""
        for name in self.names:
            self.space.apply(self.space.source(self.keys[name][1], name))
        self.space.kubectl("delete", "credentialreferences", "--all")
        self.wait_until_good(1, seconds=seconds)
        for number in range(self.extra):
            self._dropped(number)
        self.space.until(
            lambda: len(self.space.all("credentials")) == len(self.names),
            "the others are gone",
            seconds=seconds,
        )

    def _has(self, name: str, key: Key) -> bool:
        return self.space.key_in(f"{name}-env") == key

    def wait_until_good(self, number: int, *, seconds: float) -> None:
        """Wait until each Credential is available with its key of that number."""
        deadline = time.monotonic() + seconds
        for name in self.names:
            left = max(1.0, deadline - time.monotonic())
            wanted = self.keys[name][number]
            self.space.until(
                functools.partial(self._has, name, wanted),
                f"{name} is published",
                seconds=left,
            )
            self.space.becomes(
                name,
                Ready="True Available",
                Synced="True Published",
                Reconciling=None,
                Stalled=None,
                seconds=left,
            )

    def _credential(self, name: str) -> dict[str, Any]:
        return self.space.credential(name, secretRef={"name": name}, whenReferenced="Hold")

    def _rotate(self, name: str, _: TargetWatch) -> None:
        self.space.apply(self.space.source(self.random.choice(self.keys[name]), name))

    def _err(self, name: str, _: TargetWatch) -> None:
        self.space.apply(self.space.source(UNKNOWN_KEY, name))

    def _meddle(self, name: str, _: TargetWatch) -> None:
        number = self.random.randrange(1000)
        self.space.run(
            "label", "secret", f"{name}-env", f"example.com/n={number}", "--overwrite", check=False
        )

    def _delete(self, name: str, watch: TargetWatch) -> None:
        watch.excused.add(f"{name}-env")
        self.space.kubectl("delete", "secret", f"{name}-env", "--ignore-not-found", "--wait=false")

    def _refer(self, name: str, _: TargetWatch) -> None:
        reference = f"r{self.random.randrange(4)}"
        if self.space.find("credentialreference", reference):
            self.space.kubectl("delete", "credentialreference", reference, "--wait=false")
        else:
            self.space.apply(self.space.reference(reference, name))

    def _make(self, name: str, watch: TargetWatch) -> None:
        extra = f"extra{self.extra}"
        self.extra += 1
        watch.excused.add(f"{extra}-env")
        self.space.apply(self.space.credential(extra, secretRef={"name": name}, whenReferenced="Hold"))

    def _drop(self, _: str, __: TargetWatch) -> None:
        if self.extra:
            self._dropped(self.random.randrange(self.extra))

    def _dropped(self, number: int) -> None:
        self.space.kubectl("delete", "credential", f"extra{number}", "--ignore-not-found", "--wait=false")
