"""The operator put together: what is started, who wakes what, and how it ends.

kopf (both kinds) ─┐
watches of others ─┼──> Controller ──> Reconciler, Binder     (of the shards that this replica leads)
planned times ─────┘
"""

import asyncio
import contextlib
import datetime
import functools
import logging
import os
import pathlib
import random
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any

import kopf

from credential_operator import (
    backups,
    breaker,
    checks,
    cluster,
    consumers,
    controller,
    definitions,
    formats,
    framework,
    health,
    installation,
    intake,
    inventory,
    kubeconfig,
    leader,
    passes,
    process,
    providers,
    scrape,
    settings,
    shards,
    shares,
    survey,
    sweep,
    usage,
    view,
    watch,
    workloads,
)
from credential_operator.providers import network

logger = logging.getLogger(__name__)

GROUP, VERSION = "credential-operator.io", "v1beta1"
SILENCE = 180.0
"""Seconds without a word of a watch (bookmarks come every minute) after which it is taken for dead."""
LAG = 300.0
"""Seconds of waiting work without any pass begun after which the process is taken for stuck."""


class App:
    """One replica of the operator."""

    def __init__(self, chosen: settings.Settings, configuration: kubeconfig.Configuration) -> None:
        self._settings = chosen
        self._configuration = configuration
        self._catalogue = view.Catalogue(
            providers=providers.find(), formats=formats.find(), sources=formats.sources()
        )
        self._known = inventory.Inventory(self._catalogue.endpoint)
        self._controller = controller.Controller(
            self._known,
            workers=chosen.workers,
            endpoint_limit=chosen.workers_per_endpoint,
            count=chosen.shards,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._kinds = _kinds(chosen)
        self._usage = usage.Usage()
        self._breakers = breaker.Breakers(clock=time.monotonic, jitter=random.random)
        self._watches: list[watch.Watch] = []
        self._closing = contextlib.AsyncExitStack()
        self._seeded = False
        self.stop = asyncio.Event()
        self.failed = False
        self.again = False
        """Set when there are other definitions than at the start: what is known begins from nothing then."""

    # What kopf calls

    async def start(self, **_: Any) -> None:
        """Connects, and begins to watch, serve and stand for election."""
        self._connection = await self._closing.enter_async_context(
            cluster.Cluster(self._configuration, may_write=self._may_write)
        )
        self._leader = leader.Leader(
            self._connection,
            namespace=self._settings.own_namespace,
            identity=self._settings.identity,
            count=self._settings.shards,
        )
        leading = self._leader if self._settings.leader_election else None
        self._shares = shares.Shares(self._controller, count=self._settings.shards, leading=leading)
        server = health.Server(
            host=self._settings.http_host,
            port=self._settings.http_port,
            healthy=self._unhealthy,
            ready=self._unready,
            metrics=self._metrics,
        )
        port = await server.start()
        self._closing.push_async_callback(server.stop)
        logger.info("started", extra={"identity": self._settings.identity, "port": port})
        await self._compare_schema()
        there = await self._patiently(lambda: definitions.settled(self._connection))
        await self._patiently(lambda: definitions.readable(self._connection, self._settings.namespaces))
        for collection, sink in self._watched(there):
            found = watch.Watch(self._connection, collection, sink)
            self._watches.append(found)
            self._spawn(found.run())
        self._spawn(self._elect())

    async def login(self, **_: Any) -> kopf.ConnectionInfo:
        """Gives kopf the connection that we have."""
        found = self._configuration
        token = await found.get_api_key_with_prefix("BearerToken")
        return kopf.ConnectionInfo(
            server=found.host,
            ca_path=found.ssl_ca_cert,
            insecure=not found.verify_ssl,
            certificate_path=found.cert_file,
            private_key_path=found.key_file,
            scheme="Bearer" if token else None,
            token=token.split(" ", 1)[-1] if token else None,
            proxy_url=found.proxy,
            # A ServiceAccount's token is replaced before it ends; kopf asks again after this.
            expiration=datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5) if token else None,
        )

    def is_news(self, event: kopf.RawEvent, **_: Any) -> bool:
        """Spares kopf a handler for the echo of our own write."""
        return event["type"] == "DELETED" or self._known.is_news(event["object"])

    def is_reference_news(self, event: kopf.RawEvent, **_: Any) -> bool:
        """Spares it that for references, too, of which many may be distributed."""
        return event["type"] == "DELETED" or self._known.is_reference_news(event["object"])

    async def credential(self, event: kopf.RawEvent, **_: Any) -> None:
        """Takes in an event about a Credential."""
        self._controller.see_credential(event["type"], event["object"])

    async def reference(self, event: kopf.RawEvent, **_: Any) -> None:
        """Takes in an event about a CredentialReference."""
        self._controller.see_reference(event["type"], event["object"])

    async def finish(self, **_: Any) -> None:
        """Takes nothing new, lets what is under way end, gives the Lease back."""
        self.stop.set()  # kopf waits five seconds for whoever waits for it
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._controller.drain(shares.DRAIN)
        await self._leader.release()
        await self._closing.aclose()
        logger.info("stopped")

    # What runs beside it

    def _watched(self, there: Mapping[str, str]) -> Iterator[tuple[watch.Collection, watch.Sink]]:
        """Gives what is watched beside both kinds, and who takes it in; `there` are the definitions."""
        yield from intake.watched_definitions(there, self._known, self._controller, changed=self.begin_again)
        secrets = intake.Secrets(self._known, self._controller)
        for namespace in self._settings.namespaces or ("",):
            yield (
                watch.Collection(
                    resource="secrets",
                    namespace=namespace,
                    selector=intake.SECRETS,
                    metadata=True,
                    required=True,
                ),
                secrets,
            )
        if not self._settings.namespaces:
            yield (
                watch.Collection(resource="namespaces", metadata=True, required=True),
                intake.Namespaces(self._known, self._controller),
            )
        for kind in self._kinds:
            sink = intake.Uses(kind, known=self._known, found=self._usage, queue=self._controller)
            for namespace in self._settings.namespaces or ("",):
                yield (
                    watch.Collection(
                        resource=kind.resource, api_versions=kind.api_versions, namespace=namespace
                    ),
                    sink,
                )

    def begin_again(self) -> None:
        """Has the operator begin anew: what there is to watch has changed."""
        logger.warning("the CustomResourceDefinitions have changed: begins anew")
        self.again = True
        self.stop.set()

    async def _compare_schema(self) -> None:
        """Says so if the cluster's schema lacks credential types that are installed here."""
        try:
            served = await self._connection.definition(f"credentials.{GROUP}")
        except cluster.TROUBLE as error:
            logger.error("cannot read the served schema", extra={"error": str(error)})  # noqa: TRY400
            return
        missing = sorted(set(self._catalogue.providers) - cluster.properties(served, VERSION, "spec"))
        if missing:
            logger.error(
                "the cluster's schema lacks credential types: apply what `credential-operator crds` prints",
                extra={"missing": missing},
            )

    async def _elect(self) -> None:
        if self._shares.divided:
            # Others may give it at once some of what they work on.
            await self._synced()
        if self._settings.leader_election:
            await self._leader.run(self._lead)
        else:
            await self._lead()
        # A replica that led holds state of its own; a new process begins from what the cluster says.
        raise RuntimeError("this replica does not lead any more")

    async def _synced(self) -> None:
        for found in self._watches:
            await found.synced.wait()

    async def _lead(self) -> None:
        """Works, once everything that a pass depends on is known."""
        with shards.working_on(min(self._shares.wanted(), default=0)):
            keyring = await self._patiently(
                lambda: installation.load(self._connection, self._settings.own_namespace)
            )
        kept = backups.Backups(self._connection, clock=passes.now)
        sweeper = sweep.Sweeper(
            self._connection,
            self._known,
            self._controller,
            kept,
            self._settings.namespaces,
            may_write=self._may_write,
        )
        await self._patiently(sweeper.seed)
        await self._synced()
        self._seeded = True
        checker = self._checker()
        self._closing.callback(checker.close)
        asked = survey.Survey(
            self._connection,
            self._known,
            self._usage,
            kinds=self._kinds,
            namespaces=self._settings.namespaces,
            clock=passes.now,
        )
        begin = functools.partial(
            passes.of_both_kinds,
            connection=self._connection,
            known=self._known,
            asked=asked,
            catalogue=self._catalogue,
            keyring=keyring,
            checker=checker,
            queue=self._controller,
            chosen=self._settings,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(sweeper.run(self._settings.sweep_interval))
            group.create_task(self._shares.keep(begin, catch_up=lambda: self._patiently(sweeper.catch_up)))
            group.create_task(self._controller.work(self._shares.passes))

    async def _patiently(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Repeats a step that needs the API server until it answers."""
        while True:
            try:
                return await step()
            except (cluster.Gone, *cluster.TROUBLE) as error:
                logger.warning("could not begin to work", extra={"error": str(error)})
                await asyncio.sleep(1 + random.random())  # noqa: S311

    def _checker(self) -> checks.Checker:
        chosen = self._settings
        session = network.Session(
            network.Policy(
                allow=chosen.endpoint_allow,
                internal=chosen.service_cidrs,
                api_server=[kubeconfig.authority(self._configuration)],
                cluster_domain=chosen.cluster_domain,
                private=chosen.private_addresses,
            ),
            ca_bundle=pathlib.Path(chosen.ca_bundle).read_text() if chosen.ca_bundle else None,
            proxy=chosen.proxy or None,
        )
        return checks.Checker(session, self._breakers, threads=chosen.workers)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something for the whole life of the process; its end is the process's end."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            logger.error("stops, to be started anew", exc_info=task.exception())
            self.failed = True
            self.stop.set()

    # What is asked from outside

    def _may_write(self) -> bool:
        return self._shares.may_write()

    def _unhealthy(self) -> list[str]:
        problems = [
            f"the watch of {found} is silent for {found.age:.0f} s"
            for found in self._watches
            if found.age > SILENCE
        ]
        if self._seeded and self._controller.lag() > LAG:
            problems.append("objects wait and none is worked on")
        return problems

    def _unready(self) -> list[str]:
        if not self._watches:
            return ["has not begun to watch"]
        waiting = [found for found in self._watches if not found.synced.is_set()]
        return [f"not listed yet: {', '.join(map(str, waiting))}"] if waiting else []

    def _metrics(self) -> Callable[[], bytes]:
        heard = [found.heard for found in self._watches]
        chosen, led = self._settings, self._shares
        taken: list[scrape.Replica | scrape.Work] = [
            scrape.Replica(leads=led.told(), divided=led.divided, heard=heard)
        ]
        if self._seeded:
            taken.append(
                scrape.work(
                    self._known,
                    self._controller,
                    down=self._breakers.down(),
                    each=chosen.metrics_per_credential,
                    among=led.has if led.divided else None,
                )
            )
        return functools.partial(scrape.exposition, taken)


def _kinds(chosen: settings.Settings) -> tuple[usage.Kind, ...]:
    """Gives the kinds that are watched for the Secrets they use; in some namespaces only what belongs to one."""
    if not chosen.find_users:
        return ()
    custom = (usage.by_rule(rule) for rule in consumers.load(chosen.consumers))
    return (*workloads.KINDS, *(kind for kind in custom if kind.namespaced or not chosen.namespaces))


def run(chosen: settings.Settings) -> bool:
    """Runs one replica until it is told to stop; False if it had to stop by itself.

    Raises NoCluster where there is none.
    """
    app = process.run(_run(chosen))
    if app.again:
        # The API server may take a moment to know what it serves.
        time.sleep(definitions.SETTLE)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return not app.failed


async def _run(chosen: settings.Settings) -> App:
    app = App(chosen, await kubeconfig.configuration())
    process.spare_collections()
    registry = kopf.OperatorRegistry()
    kopf.on.startup(registry=registry)(app.start)
    kopf.on.login(registry=registry)(app.login)
    kopf.on.cleanup(registry=registry)(app.finish)
    kopf.on.event(GROUP, VERSION, "credentials", registry=registry, when=app.is_news)(app.credential)
    kopf.on.event(GROUP, VERSION, "credentialreferences", registry=registry, when=app.is_reference_news)(
        app.reference
    )
    try:
        await kopf.operator(
            registry=registry,
            settings=framework.settings(),
            memories=framework.NoMemories(),
            identity=framework.identity(chosen.identity),
            clusterwide=not chosen.namespaces,
            namespaces=chosen.namespaces,
            stop_flag=app.stop,
        )
    except framework.NotServed:
        # kopf may learn of it before the watch of the definitions does.
        app.begin_again()
    return app
