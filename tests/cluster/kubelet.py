"""What a kubelet says of Pods: nothing runs here, so the test says it, through the API, as soon as there are any."""

import datetime
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from cluster import workloads
from cluster.space import Json, Space

PAUSE = 0.1
"""Seconds between looks."""


class Kubelet:
    """Has the Pods of a namespace run from when it sees them, but for those that do not come up."""

    def __init__(self, space: Space, *, fails: Callable[[Json], bool] = lambda pod: False) -> None:
        self._space = space
        self._fails = fails
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(PAUSE):
            for pod in self._space.all("pods"):
                if "containerStatuses" not in pod["status"] and not self._fails(pod):
                    self._start(pod["metadata"]["name"])

    def _start(self, name: str) -> None:
        # It may be gone meanwhile.
        now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        status = f"--patch={workloads.started(now, ready=True)}"
        self._space.run("patch", "pod", name, "--subresource=status", "--type=merge", status, check=False)
