"""Several replicas at work on a crowd of Credentials, and all that the API server and the provider have seen of it.

Each key has a number, and is given to one Credential once: how often it was asked about tells whether two looked.
"""

import asyncio
import base64
import collections
import concurrent.futures
import contextlib
import datetime
import itertools
import pathlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import replica
from controlplane import ControlPlane
from controlplane.faults import FaultProxy
from emulators.fast_sts import FastSts
from races import api
from races.history import CLAIMS, CREDENTIALS, DELETED, OWNER, SECRETS, Event, History, standing

API_VERSION = "credential-operator.io/v1beta1"
GENERATION = "credential-operator.io/generation"
TOGETHER = 16
"""Requests of people under way at the same time."""
LOOK = 0.2

Json = dict[str, Any]


class Place(NamedTuple):
    """A Credential's."""

    namespace: str
    name: str


class Crowd:
    """Credentials in some namespaces, each with a source and a target: what people do to them, and what came of it."""

    def __init__(
        self, user: api.Api, sts: FastSts, past: History, namespaces: list[str], *, numbers: Iterator[int]
    ) -> None:
        self._api = user
        self._sts = sts
        self._past = past
        self.namespaces = namespaces
        self._numbers = numbers
        self.wanted: dict[Place, int] = {}
        """The key that each Credential has to end with."""
        self.given: dict[Place, list[int]] = collections.defaultdict(list)
        """All keys that it was given."""

    async def begin(self) -> None:
        """Make the namespaces."""
        for name in self.namespaces:
            await self._send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    async def create(self, count: int, name: str = "one") -> None:
        """Make so many Credentials, spread over the namespaces."""
        turns = itertools.cycle(self.namespaces)
        await self._together(
            self._create(Place(next(turns), f"{name}-{number:04}")) for number in range(count)
        )

    async def rotate(self, *places: Place) -> None:
        """Give Credentials another key."""
        await self._together(map(self._rotate, places))

    async def delete(self, *places: Place) -> None:
        """Delete Credentials."""
        await self._together(map(self._delete, places))

    async def lend(self, place: Place, namespace: str) -> None:
        """Have another namespace ask for a Secret of its own with a Credential's key, which every namespace may."""
        spec = {
            "credentialRef": {"namespace": place.namespace, "name": place.name},
            "target": {"name": f"{place.name}-lent", "format": "env"},
        }
        reference = {"apiVersion": API_VERSION, "kind": "CredentialReference", "spec": spec}
        document = {**reference, "metadata": {"name": place.name}}
        await self._send("POST", api.path(namespace, CLAIMS), document)

    async def _create(self, place: Place) -> None:
        await self._send("POST", api.path(place.namespace, SECRETS), self._source(place))
        await self._send("POST", api.path(place.namespace, CREDENTIALS), self._credential(place))

    async def _rotate(self, place: Place) -> None:
        source = self._source(place)
        await self._send("PATCH", api.path(place.namespace, SECRETS, f"{place.name}-keys"), source)

    async def _delete(self, place: Place) -> None:
        del self.wanted[place]
        await self._send("DELETE", api.path(place.namespace, CREDENTIALS, place.name), None)

    def _source(self, place: Place) -> Json:
        """Return a source Secret with a key that nobody had before."""
        number = self.wanted[place] = next(self._numbers)
        self.given[place].append(number)
        fields = zip(("accessKeyID", "secretAccessKey"), self._sts.key(number), strict=True)
        data = {field: base64.b64encode(text.encode()).decode() for field, text in fields}
        return {"metadata": {"name": f"{place.name}-keys"}, "data": data}

    def _credential(self, place: Place) -> Json:
        spec = {
            "aws": {"region": "eu-west-1", "endpoint": self._sts.url},
            "secretRef": {"name": f"{place.name}-keys"},
            "targets": [{"name": f"{place.name}-env", "format": "env"}],
            "allowedNamespaces": {"names": [one for one in self.namespaces if one != place.namespace]},
        }
        kind = {"apiVersion": API_VERSION, "kind": "Credential"}
        return {**kind, "metadata": {"name": place.name}, "spec": spec}

    async def _together(self, deeds: Any) -> None:
        waiting = iter(deeds)

        async def work() -> None:
            for deed in waiting:
                await deed

        async with asyncio.TaskGroup() as group:
            for _ in range(TOGETHER):
                group.create_task(work())

    async def _send(self, verb: str, where: str, body: Json | None) -> None:
        answer = await self._api.send(verb, where, body)
        assert answer.status < 400, f"{verb} {where}: {answer}"

    # What came of it

    async def settled(self, *, seconds: float) -> None:
        """Wait until everything is as it should be."""
        await self.until(lambda: not self.unsettled(), lambda: f"{self.unsettled()[:5]}", seconds=seconds)

    async def until(
        self, true: Callable[[], bool], what: Callable[[], str] | str, *, seconds: float
    ) -> float:
        """Wait until something is true; return how long it took."""
        began = time.monotonic()
        while not await asyncio.to_thread(true):
            waited = time.monotonic() - began
            assert waited < seconds, (
                f"after {seconds:.0f} s still not so: {what() if callable(what) else what}"
            )
            await asyncio.sleep(LOOK)
            self._api.check()
        return time.monotonic() - began

    def unsettled(self) -> list[str]:
        """Tell what is not as it should be."""
        there = standing(self._past.story(self.namespaces))
        found = {name[1:]: event for name, event in there.items() if name.kind == CREDENTIALS}
        targets = {name[1:]: event for name, event in there.items() if OWNER in event.labels}
        return [
            *(f"{place} is not as it should be" for place in self.wanted if not _good(found.get(place))),
            *(
                f"{place} has not its key"
                for place, number in self.wanted.items()
                if self._key(targets.get((place.namespace, f"{place.name}-env"))) != number
            ),
            *(f"{place} is still there" for place in found if place not in self.wanted),
            *(f"{place} is left" for place in targets if self._of(*place) not in self.wanted),
        ]

    def broken(self) -> list[str]:
        """Tell which target was ever without one of its own keys, and which was written without need."""
        written: dict[tuple[str, str], list[Event]] = collections.defaultdict(list)
        for event in self._past.story(self.namespaces):
            if event.kind == SECRETS and OWNER in event.labels:
                written[event.name[1:]].append(event)
        return [wrong for at, events in written.items() for wrong in self._wrong(self._of(*at), events)]

    def _wrong(self, place: Place, events: list[Event]) -> Iterator[str]:
        versions = [event for event in events if event.type != DELETED]
        if len(events) > len(versions) and place in self.wanted:
            yield f"the target of {place} was gone"
        given = self.given[place]
        keys = [self._key(event) for event in versions]
        if None in keys:
            yield f"the target of {place} held a key that is not its own"
        if keys != [number for number in given if number in keys]:
            yield f"the target of {place} was written {len(keys)} times: {keys} of {given}"
        if versions[-1].annotations.get(GENERATION) != str(len(versions)):
            yield f"the target of {place} has had {len(versions)} versions: {versions[-1].annotations}"

    def asked(self) -> dict[int, int]:
        """Return how often the provider was asked about each key."""
        return self._sts.asked

    def asked_again(self) -> dict[int, int]:
        """Return the keys that were asked about more than once."""
        return {number: times for number, times in self.asked().items() if times > 1}

    def bound(self) -> int:
        """Return how many references have the key of their Credential."""
        there = standing(self._past.story(self.namespaces))
        return sum(
            {event.condition(name)[0] for name in ("Bound", "Synced")} == {"True"}
            for name, event in there.items()
            if name.kind == CLAIMS
        )

    def longest_wait(self) -> float:
        """Return the most seconds that a key took from its source to a target."""
        begun: dict[str, float] = {}
        ended: dict[str, float] = {}
        for event in self._past.story(self.namespaces):
            data = (event.object.get("data") or {}) if event.kind == SECRETS else {}
            for field, times in (("accessKeyID", begun), ("AWS_ACCESS_KEY_ID", ended)):
                if field in data:
                    times.setdefault(data[field], event.at)
        return max(end - begun[key] for key, end in ended.items())

    def _key(self, target: Event | None) -> int | None:
        if target is None:
            return None
        data = {name: base64.b64decode(text).decode() for name, text in target.object["data"].items()}
        found = data["AWS_ACCESS_KEY_ID"], data["AWS_SECRET_ACCESS_KEY"]
        numbers = self.given[self._of(*target.name[1:])]
        return next((number for number in numbers if self._sts.key(number) == found), None)

    @staticmethod
    def _of(namespace: str, target: str) -> Place:
        return Place(namespace, target.removesuffix("-env"))


def _good(credential: Event | None) -> bool:
    if credential is None:
        return False
    seen = credential.object.get("status", {}).get("observedGeneration")
    ready = credential.condition("Ready"), credential.condition("Synced")
    return seen == credential.metadata["generation"] and {value for value, _ in ready} == {"True"}


class Fleet:
    """An installation whose replicas come and go."""

    def __init__(self, plane: ControlPlane, sts: FastSts, folder: pathlib.Path) -> None:
        self.plane = plane
        self.sts = sts
        self._folder = folder
        installed = replica.install(plane)
        self._installed = installed
        self._token = _administrator(plane)
        self._crowds = itertools.count()
        self._numbers = itertools.count()
        self._replicas: list[replica.Replica] = []

    @contextlib.contextmanager
    def proxy(self) -> Iterator[tuple[FaultProxy, pathlib.Path]]:
        """Give a proxy, and the kubeconfig of a replica behind it."""
        with FaultProxy(self.plane.url, self.plane.authority) as proxy:
            yield proxy, proxy.kubeconfig(self._folder / "behind.kubeconfig", token=self._installed.token)

    def replica(self, name: str, *, behind: pathlib.Path | None = None, **settings: str) -> replica.Replica:
        """Return a replica that has not been started; `behind`: the kubeconfig of one behind a proxy."""
        trust = {"endpoint_allow": f"127.0.0.1:{self.sts.port}", "ca_bundle": str(self.sts.ca_path)}
        made = replica.Replica(
            behind or self._installed.kubeconfig, self._folder, name=name, settings=trust | settings
        )
        self._replicas.append(made)
        return made

    @contextlib.asynccontextmanager
    async def crowd(self, *, namespaces: int) -> AsyncIterator[Crowd]:
        """Give a crowd in so many namespaces of its own; no replica is left when it goes."""
        number, past = next(self._crowds), History()
        self.sts.reset_calls()
        try:
            async with api.Api(self.plane, self._token) as user:
                await user.remember(past)
                names = [f"crowd-{number}-{one}" for one in range(namespaces)]
                made = Crowd(user, self.sts, past, names, numbers=self._numbers)
                await made.begin()
                yield made
        finally:
            # Only now: connections of the user's end meanwhile.
            await asyncio.to_thread(self.end)

    def end(self) -> None:
        """End all replicas, in order, so that the next ones need not wait for their Leases."""
        running = [one for one in self._replicas if one.running]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for ending in [pool.submit(one.stop) for one in running]:
                ending.result()
        self._replicas.clear()


@contextlib.contextmanager
def fleet(folder: pathlib.Path, *, keys: int) -> Iterator[Fleet]:
    """Install the chart, and have a provider that knows so many keys; no replica runs yet."""
    with ControlPlane() as plane, FastSts(keys=keys) as sts:
        found = Fleet(plane, sts, folder)
        try:
            yield found
        finally:
            found.end()


def _administrator(plane: ControlPlane) -> str:
    plane.kubectl("create", "namespace", "people")
    plane.kubectl("create", "serviceaccount", "people", "--namespace=people")
    binding = ("create", "clusterrolebinding", "people", "--clusterrole=cluster-admin")
    plane.kubectl(*binding, "--serviceaccount=people:people")
    return plane.token("people", "people", duration=datetime.timedelta(hours=4))
