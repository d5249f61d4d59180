"""`python -m bench.pods.watcher URL PODS EVENTS`: watches Pods as the operator does, and prints what it took.

The rest of the operator is loaded, and the event loop and the garbage collector are as it sets them.
"""

import asyncio
import json
import pathlib
import sys
import time
from typing import Any

from kubernetes.aio import client

from credential_operator import (
    cluster,
    controller,
    intake,
    inventory,
    objects,
    process,
    usage,
    watch,
    workloads,
)

SECONDS = 900.0
"""How long it may take in all on a busy machine."""

Json = dict[str, Any]


class Counted(intake.Uses):
    """Counts what it takes in."""

    taken = 0

    def put(self, document: Json) -> None:
        super().put(document)
        self.taken += 1

    def drop(self, key: objects.Key, uid: str = "", /) -> None:
        super().drop(key, uid)
        self.taken += 1

    async def until(self, taken: int) -> None:
        """Waits until so much was taken in."""
        while self.taken < taken:
            await asyncio.sleep(0.02)


def moment() -> dict[str, float]:
    """Gives the memory and the CPU seconds of this process so far."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    sizes = {name: text for name, _, text in (line.partition(":") for line in lines)}
    resident, peak = (int(sizes[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return {"resident": resident, "peak": peak, "cpu": time.process_time()}


async def watching(url: str, *, pods: int, events: int) -> Json:
    """Lists, watches until all events have come, and lists again; gives what it took by then."""
    configuration = client.Configuration()
    configuration.host = url
    known = inventory.Inventory(lambda _: "")
    kind = next(kind for kind in workloads.KINDS if kind.name == "Pod")
    queue = controller.Controller(known, workers=1, endpoint_limit=1)
    sink = Counted(kind, known=known, found=usage.Usage(), queue=queue)
    process.spare_collections()
    async with (
        cluster.Cluster(configuration) as connection,
        asyncio.timeout(SECONDS),
        # A watch that ends by itself has failed, and ends the wait for what it would have brought.
        asyncio.TaskGroup() as tasks,
    ):
        watched = watch.Watch(connection, watch.Collection(resource=kind.resource), sink)
        started = moment()
        task = tasks.create_task(watched.run())
        await watched.synced.wait()
        listed = moment()
        await sink.until(pods + events)
        rolled = moment()
        await sink.until(pods + events + pods)
        relisted = moment()
        task.cancel()
    return {
        "started": started,
        "listed": listed,
        "rolled": rolled,
        "relisted": relisted,
        "known": len(list(sink.known())),
    }


if __name__ == "__main__":
    found = process.run(watching(sys.argv[1], pods=int(sys.argv[2]), events=int(sys.argv[3])))
    sys.stdout.write(f"{json.dumps(found)}\n")
