"""Where a run happens: a control plane of its own, the chart, and the operator or the baseline."""

import asyncio
import contextlib
import dataclasses
import datetime
import os
import pathlib
import sys
import time
from collections.abc import AsyncIterator, Callable

import controlplane
import replica
from bench import casts, client, documents, ledger
from controlplane import usage
from emulators import fast_sts
from verdicts import scripts, stage

HERE = pathlib.Path(__file__).parent
NAMESPACE = "bench"
PROVIDER_SECONDS = 0.05
"""How long the STS holds its answers back: a cloud is never as near as loopback."""
QUIET = 1.5
"""Seconds without a request for one object after which an operator has nothing left to do."""


def say(text: str) -> None:
    """Prints a line of progress."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


WITH_BOTO3 = """
import sys
sys.modules["OpenSSL"] = None
import boto3
from credential_operator import __main__
sys.exit(__main__.main(["run"]))
"""
"""The operator with the SDK in memory, which the checks themselves do without. boto3 takes pyOpenSSL where it is
installed: among these tests it is, for Oracle's SDK; beside the operator it is not."""
KOPF = """
import sys
sys.modules["uvloop"] = None
from kopf import cli
cli.main()
"""
"""`kopf` as `pip install kopf` has it. It takes uvloop where it is installed: here it is, for the operator."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What all runs have in common.

    `policies`: those of the chart are on. `attended`: the garbage collector's own requests are kept out.
    """

    policies: bool
    attended: bool
    profile: bool
    folder: pathlib.Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """A run's surroundings."""

    plane: controlplane.ControlPlane
    operator: replica.Replica
    client: client.Client
    options: Options
    cast: casts.Cast
    sts: fast_sts.FastSts | None

    async def start(self) -> None:
        """Starts the operator and waits until it leads."""
        await asyncio.to_thread(self.operator.start)
        await self.until(lambda: self.metric("leader") == 1, seconds=30, what="the operator leads")

    async def stop(self) -> None:
        """Ends the operator in order."""
        await asyncio.to_thread(self.operator.stop)

    def metric(self, name: str, **labels: str) -> float:
        """Reads one of the operator's metrics."""
        return self.operator.metric(f"credential_operator_{name}", **labels)

    def waiting(self) -> float:
        """How many objects wait for a worker."""
        return self.operator.metric("workqueue_depth")

    def calls(self) -> int:
        """How often the provider was asked."""
        return sum(self.sts.calls.values()) if self.sts else 0

    async def attended(self) -> None:
        """Waits until the garbage collector watches Credentials.

        It looks for new kinds every 30 s, and until then asks for the owner of each new target Secret.
        """
        end = time.monotonic() + 90
        while await self.client.watches("credentials") < (2 if self.operator.running else 1):
            if time.monotonic() > end:
                raise TimeoutError("the garbage collector does not watch Credentials")
            await asyncio.sleep(0.5)

    async def settle(self) -> None:
        """Waits until nothing is asked of the API server for any object."""
        known, since = await self._asked(), time.monotonic()
        while time.monotonic() - since < QUIET:
            await asyncio.sleep(0.25)
            now = await self._asked()
            if now != known:
                known, since = now, time.monotonic()

    async def _asked(self) -> dict[ledger.Request, float]:
        """Counts the requests; without what is read, where nobody waited for the garbage collector's reads."""
        single = (await self.client.requests()).single
        reads = self.options.attended
        return {request: count for request, count in single.items() if reads or request.verb != "GET"}

    async def until(self, condition: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Waits until something is true of the operator."""
        end = time.monotonic() + seconds
        while not await asyncio.to_thread(condition):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:g} s: {what}\n{self.operator.tail()}")
            await asyncio.sleep(0.1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used up to a moment; a difference says what a phase used."""

    operator: float
    """CPU seconds of the operator."""
    api_server: float
    """CPU seconds of the API server."""
    plane: float
    """CPU seconds of the API server, etcd and the controllers."""
    others: float
    """CPU seconds of everything on this machine that has no part in the bench."""
    requests: ledger.Ledger
    passes: float
    """Passes of the operator over Credentials."""
    calls: int
    """How often the provider was asked."""
    validation_cpu: float
    """CPU seconds of these calls in their threads."""

    @classmethod
    async def now(cls, arena: Arena) -> "Usage":
        """Reads all counters."""
        plane = arena.plane.cpu_seconds()
        operator = usage.cpu_seconds(arena.operator.pid)
        own = operator + sum(plane.values()) + time.process_time()
        if arena.sts is not None:
            own += arena.sts.cpu_seconds
        return cls(
            operator=operator,
            api_server=plane["kube-apiserver"],
            plane=sum(plane.values()),
            others=busy_seconds() - own,
            requests=await arena.client.requests(),
            passes=arena.metric("reconcile_total", kind="Credential"),
            calls=arena.calls(),
            validation_cpu=arena.metric("validation_cpu_seconds_total") if arena.sts else 0.0,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            operator=self.operator - other.operator,
            api_server=self.api_server - other.api_server,
            plane=self.plane - other.plane,
            others=self.others - other.others,
            requests=self.requests - other.requests,
            passes=self.passes - other.passes,
            calls=self.calls - other.calls,
            validation_cpu=self.validation_cpu - other.validation_cpu,
        )


def busy_seconds() -> float:
    """Gives the CPU seconds that all of this machine has worked so far."""
    ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _, _, interrupts, soft = ticks[:7]
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def opened(load: str, options: Options, *, keys: int) -> AsyncIterator[Arena]:
    """Makes the surroundings of one run; nothing is left of them."""
    with contextlib.ExitStack() as stack:
        plane = stack.enter_context(controlplane.ControlPlane())
        installed = replica.install(plane, values={} if options.policies else _no_policies())
        sts: fast_sts.FastSts | None = None
        cast: Callable[[int], casts.Part] = casts.unchecked
        settings: dict[str, str] = {}
        if load == "aws":
            sts = stack.enter_context(fast_sts.FastSts(keys=keys, latency=PROVIDER_SECONDS))
            cast = casts.users(sts)
            settings = {"endpoint_allow": f"127.0.0.1:{sts.port}", "ca_bundle": str(sts.ca_path)}
        elif load == "mixed":
            rows = [stack.enter_context(stage.entered(script)) for script in scripts.find()]
            cast, settings = casts.mixed(rows), stage.trusting(rows, options.folder)
        operator = (
            _plain(plane, options) if load == "plain" else _operator(load, installed, options, settings)
        )
        stack.callback(lambda: operator.running and operator.stop())
        async with client.Client(plane, _administrator(plane, NAMESPACE)) as own:
            await own.send_all(
                ("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
                for name in documents.namespaces()
            )
            yield Arena(plane=plane, operator=operator, client=own, options=options, cast=cast, sts=sts)


def _operator(
    load: str, installed: replica.Installed, options: Options, settings: dict[str, str]
) -> replica.Replica:
    command: tuple[str, ...] = ("-m", "credential_operator", "run")
    if options.profile:
        command = (str(HERE / "sampler.py"), str(options.folder / f"samples-{load}.json"))
    elif load == "aws":
        command = ("-c", WITH_BOTO3)
    return replica.Replica(
        installed.kubeconfig,
        options.folder,
        name=f"operator-{load}",
        # The bench looks far more often than Prometheus does.
        settings={"log_level": "INFO", "metrics_per_credential": "false", **settings},
        command=command,
    )


class Plain(replica.Replica):
    """The baseline's process, which knows of /healthz only."""

    def _is_ready(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended by itself:\n{self.tail()}")
        try:
            return bool(self.get("/healthz"))
        except OSError:
            return False

    def metric(self, name: str, **labels: str) -> float:
        """Leads always, and says nothing else of itself."""
        return float(name.endswith("_leader") and not labels)


def _plain(plane: controlplane.ControlPlane, options: Options) -> replica.Replica:
    kubeconfig = plane.kubeconfig_for("plain", _administrator(plane, "plain"))
    (port,) = controlplane.ports.free(1)
    made = Plain(
        kubeconfig,
        options.folder,
        name="plain",
        command=(
            "-c",
            KOPF,
            "run",
            "--all-namespaces",
            f"--liveness=http://127.0.0.1:{port}/healthz",
            str(HERE / "plain.py"),
        ),
    )
    made.port = port
    return made


def _administrator(plane: controlplane.ControlPlane, name: str) -> str:
    """Makes a ServiceAccount with all rights, and gives a token of it."""
    plane.kubectl("create", "namespace", name)
    plane.kubectl("create", "serviceaccount", name, f"--namespace={name}")
    plane.kubectl(
        "create", "clusterrolebinding", name, "--clusterrole=cluster-admin", f"--serviceaccount={name}:{name}"
    )
    return plane.token(name, name, duration=datetime.timedelta(hours=4))


def _no_policies() -> dict[str, str]:
    switches = (
        "source",
        "targets",
        "targetMetadata.enabled",
        "deleteProtection",
        "distribute",
        "referenceAudit",
        "forceDelete",
        "release",
        "finalizer",
    )
    return {f"policies.{switch}": "false" for switch in switches}
