"""Where scripts are played: stand-ins of all providers, a control plane, and the running operator."""

import concurrent.futures
import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import replica
from controlplane import ControlPlane
from emulators.http_api import HttpApi
from verdicts import situations
from verdicts.script import Case, Emulator, Json, Script
from verdicts.situations import Situation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A script before a stand-in of its own, so that no outage of one row is another's."""

    script: Script
    emulator: Emulator | None
    cases: Mapping[str, Case]
    played: Sequence[Situation] = situations.ALL

    @property
    def apart(self) -> bool:
        """Whether it plays nothing but a fault that ends in a refusal: half a minute passes until one is believed."""
        return all(_ends_in_refusal(self.script, one) for one in self.played)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All rows, and the cluster in which the operator runs; nobody trusts the authority of `stranger`."""

    plane: ControlPlane
    rows: tuple[Row, ...]
    stranger: HttpApi


@contextlib.contextmanager
def started(scripts: Sequence[Script]) -> Iterator[Stage]:
    """Starts everything side by side; it is gone with the block."""
    with contextlib.ExitStack() as stack:
        plane = ControlPlane()
        # The pool waits for all of them, so that the stack knows of each and ends it.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            entering = pool.submit(stack.enter_context, plane)
            rows = [pool.submit(_entered, stack, *part) for script in scripts for part in _parts(script)]
            stranger = pool.submit(stack.enter_context, HttpApi())
            entering.result()
            installed = replica.install(plane)
        found = tuple(each.result() for each in rows)
        settings = trusting(found, plane.directory)
        stack.enter_context(replica.Replica(installed.kubeconfig, plane.directory, settings=settings))
        yield Stage(plane=plane, rows=found, stranger=stranger.result())


def _ends_in_refusal(script: Script, situation: Situation) -> bool:
    return situation.fault is not None and script.refused(situation)


def _parts(script: Script) -> Iterator[tuple[Script, Sequence[Situation]]]:
    """Gives what is played before one stand-in: everything, but for what is apart."""
    apart = [one for one in situations.ALL if _ends_in_refusal(script, one)]
    yield script, [one for one in situations.ALL if one not in apart]
    for situation in apart:
        yield script, [situation]


def _entered(stack: contextlib.ExitStack, script: Script, played: Sequence[Situation]) -> Row:
    return dataclasses.replace(stack.enter_context(entered(script)), played=played)


@contextlib.contextmanager
def entered(script: Script) -> Iterator[Row]:
    """Starts a stand-in of a script's own; it is gone with the block."""
    with script.emulator() if script.emulator else contextlib.nullcontext() as emulator:
        yield row(script, emulator)


def trusting(rows: Sequence[Row], folder: pathlib.Path) -> dict[str, str]:
    """Gives the settings of an operator that may ask all stand-ins, and trusts their authorities."""
    bundle = folder / "authorities.pem"
    bundle.write_bytes(b"".join(each.emulator.ca_pem for each in rows if each.emulator))
    return {"endpoint_allow": "127.0.0.1", "ca_bundle": str(bundle)}


def row(script: Script, emulator: Emulator | None) -> Row:
    """Has a script prepare a started emulator; raises ValueError where it leaves a situation out."""
    cases = script.prepare(emulator)
    needed = {one.name for one in situations.ALL if one.prepared and script.expected(one)}
    if odd := sorted(needed ^ cases.keys()):
        raise ValueError(f"script {script.name}: {', '.join(odd)} must be prepared, or be an exception")
    return Row(script=script, emulator=emulator, cases=cases)


def documents(name: str, script: Script, case: Case, *, timeout: str) -> tuple[Json, Json]:
    """Gives a source Secret, and the Credential that reads it and publishes to a target."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}-keys"},
        "stringData": dict(case.keys),
    }
    spec = {
        script.type: case.config,
        "secretRef": {"name": f"{name}-keys"},
        "targets": [{"name": target(name), **script.target}],
        "validation": {"timeout": timeout},
    }
    credential = {
        "apiVersion": "credential-operator.io/v1beta1",
        "kind": "Credential",
        "metadata": {"name": name},
        "spec": spec,
    }
    return secret, credential


def target(name: str) -> str:
    """Names the target of a Credential."""
    return f"{name}-env"
