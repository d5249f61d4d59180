"""Where races are run: a control plane, the chart, and up to two replicas, each behind a proxy of its own."""

import contextlib
import dataclasses
import datetime
import itertools
import os
import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import replica
from cluster import sites
from controlplane import ControlPlane
from controlplane.faults import FaultProxy
from races.leading import Write
from races.weather import Gust, Weather

HERE = pathlib.Path(__file__).parent
SETTINGS = {
    "log_level": "DEBUG",
    # What vanishes while kopf lists is found by a sweep; races cannot wait twenty minutes for it.
    "sweep_interval": "3",
}
POLICIES = tuple(sites.MODES)
LEADS = 120.0
LOOK = 0.1
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "stand still": signal.SIGSTOP}
TROUBLES: Mapping[str, Callable[[FaultProxy, Gust], object]] = {
    "delay": lambda proxy, gust: proxy.delay(gust.seconds, watch=False, **_chance(gust)),
    "answer late": lambda proxy, gust: proxy.delay(gust.seconds, watch=False, applied=True, **_chance(gust)),
    "lose answers": lambda proxy, gust: proxy.cut(method="PATCH", applied=True, **_chance(gust)),
    "conflict": lambda proxy, gust: proxy.fail(409, method="PATCH", **_chance(gust)),
    "cut watches": lambda proxy, _: proxy.cut_watches(),
    "expire watches": lambda proxy, _: proxy.expire_watches(),
    "hold watches": lambda proxy, gust: proxy.hold_watches(gust.what),
}


def _chance(gust: Gust) -> dict[str, Any]:
    return {"path": gust.what, "probability": gust.probability}


@dataclasses.dataclass
class Place:
    """A replica, its proxy, and since when it may run again after it has ended."""

    proxy: FaultProxy
    operator: replica.Replica
    command: tuple[str, ...]
    shards: int
    not_before: float = 0.0


class Stage:
    """The installation: what befalls its replicas, and who starts them anew, as kubelet does."""

    def __init__(self, plane: ControlPlane, token: str, administrator: str, fault: str = "") -> None:
        self.plane = plane
        self.administrator = administrator
        self._token = token
        self._fault = fault
        self._places: list[Place] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._keeper.join()
        self._stop(0)

    def prepare(self, clocks: tuple[float, ...], shards: int) -> None:
        """Has as many replicas as there are clocks, so far ahead, run undisturbed and share the work.

        Where there is one shard, the first one leads.
        """
        self.calm()
        wanted = [(self._command(ahead), shards) for ahead in clocks]
        running = [(place.command, place.shards) for place in self._places]
        common = sum(
            itertools.takewhile(bool, (one == other for one, other in zip(wanted, running, strict=False)))
        )
        self._stop(common)
        for place in self._places:
            place.proxy.forget()
        for number in range(common, len(wanted)):
            place = self._place(number, *wanted[number])
            place.operator.start()
            with self._lock:
                self._places.append(place)
            self._wait_for_leaders()

    def calm(self) -> None:
        """Ends everything that befalls the replicas, and waits until all shards are led."""
        for place in self._places:
            place.proxy.lift()
            place.proxy.release_watches()
            place.proxy.after_writes(0, bool)
            self._signal(place, signal.SIGCONT, 0.0)
        if self._places:
            self._wait_for_leaders()

    def befall(self, gust: Gust) -> None:
        """Has something befall a replica."""
        place = self._places[gust.replica % len(self._places)]
        if number := SIGNALS.get(gust.kind):
            self._signal(place, number, gust.seconds)
        elif gust.kind == "kill after writes":
            place.proxy.after_writes(
                int(gust.what), lambda: self._signal(place, signal.SIGKILL, gust.seconds)
            )
        else:
            TROUBLES[gust.kind](place.proxy, gust)

    def abate(self, gust: Gust) -> None:
        """Ends what lasts for a time."""
        place = self._places[gust.replica % len(self._places)]
        if gust.kind == "hold watches":
            place.proxy.release_watches()
        elif gust.kind == "stand still":
            self._signal(place, signal.SIGCONT, 0.0)

    def writes(self, weather: Weather) -> list[Write]:
        """Gives what replicas have written since they were prepared, but for those that have stood still."""
        still = {gust.replica for gust in weather.gusts if gust.kind == "stand still"}
        return [
            Write(place.operator.name, seen.path, seen.at)
            for number, place in enumerate(self._places)
            if number not in still
            for seen in place.proxy.writes
        ]

    def said(self, namespaces: Sequence[str]) -> list[str]:
        """Gives the lines of the replicas' logs about some namespaces, or about none."""
        return [
            f"{place.operator.name}: {line}"
            for place in self._places
            for line in place.operator.log.read_text().splitlines()
            if any(f"{name}/" in line for name in namespaces) or "race-" not in line
        ]

    def _signal(self, place: Place, number: int, away: float) -> None:
        """Sends a signal, and keeps the replica from being started anew for a time if it ends of it."""
        place.not_before = time.monotonic() + away
        process = place.operator.process
        if process is not None:
            process.send_signal(number)

    def _keep(self) -> None:
        while not self._ended.wait(LOOK):
            with self._lock:
                for place in self._places:
                    if not place.operator.running and time.monotonic() >= place.not_before:
                        place.operator.start(wait=False)

    def _wait_for_leaders(self) -> None:
        replica.process.until(
            lambda: sum(map(_led, self._places)) == self._places[0].shards,
            seconds=LEADS,
            what="each shard is led by one replica",
            hint=lambda: "\n".join(place.operator.tail() for place in self._places),
        )

    def _command(self, ahead: float) -> tuple[str, ...]:
        fault = (f"--fault={self._fault}",) if self._fault else ()
        return (str(HERE / "variants.py"), f"--ahead={ahead}", *fault)

    def _place(self, number: int, command: tuple[str, ...], shards: int) -> Place:
        proxy = FaultProxy(self.plane.url, self.plane.authority, seed=number).__enter__()
        folder = self.plane.directory
        kubeconfig = proxy.kubeconfig(folder / f"replica-{number + 1}.kubeconfig", token=self._token)
        name = f"replica-{number + 1}"
        settings = {**SETTINGS, "shards": str(shards)}
        operator = replica.Replica(kubeconfig, folder, name=name, settings=settings, command=command)
        return Place(proxy, operator, command, shards)

    def _stop(self, first: int) -> None:
        """Ends the replicas from a number on."""
        with self._lock:
            for place in self._places[first:]:
                if place.operator.running:
                    os.kill(place.operator.pid, signal.SIGCONT)
                    place.operator.stop()
                place.proxy.close()
            del self._places[first:]


def _led(place: Place) -> float:
    """Gives how many shards a replica leads."""
    try:
        return place.operator.metric("credential_operator_leader") if place.operator.running else 0
    except OSError:
        return 0


@contextlib.contextmanager
def started(policies: str = "all", *, fault: str = "") -> Iterator[Stage]:
    """Starts an installation; it is gone with the block."""
    with ControlPlane() as plane:
        installed = replica.install(plane, values=sites.MODES[policies])
        plane.kubectl("create", "namespace", "races")
        plane.kubectl("create", "serviceaccount", "races", "--namespace=races")
        plane.kubectl(
            "create",
            "clusterrolebinding",
            "races",
            "--clusterrole=cluster-admin",
            "--serviceaccount=races:races",
        )
        administrator = plane.token("races", "races", duration=datetime.timedelta(hours=4))
        with Stage(plane, installed.token, administrator, fault) as stage:
            yield stage


def lasting(weather: Weather) -> Iterator[tuple[float, Gust, bool]]:
    """Gives what begins and what ends, in order."""
    begun = [(gust.at, gust, True) for gust in weather.gusts]
    over = [(gust.at + gust.seconds, gust, False) for gust in weather.gusts]
    yield from sorted([*begun, *over], key=lambda one: one[0])
