"""The command that puts a new key in the place of the old one."""

import base64
import copy
import json
import time
from collections.abc import Mapping
from typing import Any

import click

from credential_operator import providers
from credential_operator.api import credential as kind
from credential_operator.cli import (
    draining,
    making,
    material,
    options,
    outcomes,
    renewing,
    rollouts,
    screen,
    sources,
    store,
    waiting,
)
from credential_operator.cli.documents import Credential
from credential_operator.cli.kubectl import Kubectl
from credential_operator.cli.material import Material, Provider
from credential_operator.cli.naming import CREDENTIAL
from credential_operator.cli.outcomes import Outcome
from credential_operator.cli.problems import Exit, Problem
from credential_operator.cli.rollouts import Rollouts

Json = dict[str, Any]


def _with_sources(function: Any) -> Any:
    """Adds the options about key material."""
    for decorate in reversed(sources.OPTIONS):
        function = decorate(function)
    return function


@options.command(
    "rotate",
    "kubectl credential rotate backups",
    "kubectl credential rotate backups --from-env --restart",
    "kubectl credential rotate backups --from-env --restart --dry-run",
    "pass show backups.json | kubectl credential rotate backups --from-file -",
)
@click.argument("name", type=CREDENTIAL)
@click.option(
    "--drop", multiple=True, metavar="FIELD", help="Remove a field that goes with the old key; repeatable."
)
@click.option(
    "--wait", is_flag=True, help="Wait until nothing in this cluster runs the previous key any more."
)
@click.option("--restart", is_flag=True, help="Restart what does, one after another, and wait.")
@click.option("--dry-run", is_flag=True, help="Check the new key without a call; nothing is written.")
@options.timeout("10m")
@options.output("text", "json", "yaml")
@_with_sources
def rotate(name: str, kubectl: Kubectl, output: str, *, dry_run: bool, restart: bool, **given: Any) -> int:
    """Put a new key into the source Secret, and wait until the provider has accepted it and it is published.

    The key is asked for without an echo, or comes from variables or a file, as for `create`; what can be found wrong
    without a call is refused before anything is written. Consumers keep the last good key until the new one is
    accepted. If it is not, the old one is put back. Fields that are not given stay as they are. --restart is that of
    `drain`.

    Where the operator makes the keys itself (spec.rotation), it is asked for the next one.

    Exit status: 1 a workload has not come up; 3 the provider refuses the new key, and the old one is back; 5 nobody
    could say in time, or some still run the previous key.
    """
    if sources.named(given) > 1:
        raise click.UsageError("Say one thing of where the key is: --from-env or --from-file.")
    one = store.credential(kubectl, name)
    kubectl = kubectl.inside(one.namespace)
    if dry_run:
        return _rehearse(kubectl, one, given, output, restart=restart)
    return _rotate(kubectl, one, given, output, restart=restart)


def _rotate(
    kubectl: Kubectl, one: Credential, given: Mapping[str, Any], output: str, *, restart: bool
) -> int:
    """Has the new key published, and waits for who runs the old one where that is wanted."""
    timeout: int = given["timeout"]
    end = time.monotonic() + timeout
    if "rotation" in one.spec:
        _refuse_material(one, given)
        renewing.renew(kubectl, one, timeout)
    else:
        outcome = _put(kubectl, one, given, timeout)
        waiting.ended(outcome, say=output == "text")
    if restart or given["wait"]:
        remaining = end - time.monotonic()
        restarting = Rollouts(kubectl, one, remaining) if restart else None
        rotation = draining.wait(kubectl, one, remaining, restarting)
        if output == "text":
            draining.tell(one, rotation)
    if output != "text":
        screen.document(store.credential(kubectl, one.name).document, output)
    return Exit.DONE


def _rehearse(
    kubectl: Kubectl, one: Credential, given: Mapping[str, Any], output: str, *, restart: bool
) -> int:
    """Says what would be written and restarted, having asked the API server about all of it."""
    if "rotation" in one.spec:
        _refuse_material(one, given)
        renewing.rehearse(kubectl, one)
        said = f"The operator would make the next key of {one.name}."
    else:
        _replace(kubectl, _new(kubectl, one, given)[1], "--dry-run=server")
        said = f"The new key would go into {one.source}; its provider was not asked."
    restarting = Rollouts(kubectl, one, 0)
    found = restarting.planned(restarting.readers()) if restart else []
    if output != "text":
        named = {"name": one.name, "namespace": one.namespace}
        screen.document({**named, **rollouts.document(found, restarting.left)}, output)
        return Exit.DONE
    click.echo(said)
    if restart:
        rollouts.tell(found, restarting.left, one.namespace)
    return Exit.DONE


def _refuse_material(one: Credential, given: Mapping[str, Any]) -> None:
    """Refuses a key of one's own where the operator makes them."""
    if sources.named(given) or given["drop"]:
        raise Problem(
            f"The operator makes the keys of {one.name} (spec.rotation): leave out where a key is. One of your own "
            f"belongs into Secret {one.spec['rotation']['store']}.",
            Exit.USAGE,
        )


def _put(kubectl: Kubectl, one: Credential, given: Mapping[str, Any], timeout: int) -> Outcome:
    """Puts a new key into the source Secret, and the old one back where that is refused; gives how it ended."""
    old, new = _new(kubectl, one, given)
    version = _replace(kubectl, new)
    outcome = _verdict(kubectl, one, version, timeout)
    if outcome.status is Exit.NOT_VALID:
        _replace(kubectl, {**old, "metadata": {**old["metadata"], "resourceVersion": version}})
        raise Problem(f"{outcome.text} The old key was put back.", outcome.status)
    return outcome


def _new(kubectl: Kubectl, one: Credential, given: Mapping[str, Any]) -> tuple[Json, Json]:
    """Gives the source Secret as it is, and with the new key; raises Problem for a key that cannot be right."""
    provider, reference = _provider(one), _reference(one)
    old = _source(kubectl, reference)
    found = sources.read(provider, one.spec[one.type], given)
    new = _replaced(provider, reference, old, found, given["drop"])
    _check(provider, one, reference, new)
    return old, new


def _provider(one: Credential) -> Provider:
    found = providers.find().get(one.type)
    if found is None:
        raise Problem(f"The type of {one.name} is not known here: install the version that knows it.")
    return found


def _reference(one: Credential) -> kind.SecretRef:
    """Gives where the key is; raises Problem where nothing of it is stored, or another tool's file is."""
    if "secretRef" not in one.spec:
        raise Problem(f"{one.name} has no stored key: its provider trusts {one.source}.")
    reference = kind.SecretRef.model_validate(one.spec["secretRef"])
    if reference.format != kind.FIELDS:
        raise Problem(
            f"{one.source} has the layout {reference.format}: write the new file into it, as its tool does. The "
            "operator takes it from there."
        )
    return reference


def _source(kubectl: Kubectl, reference: kind.SecretRef) -> Json:
    """Reads the source Secret; raises Problem where another object writes it."""
    found = kubectl.get("secret", reference.name)
    owner = next(iter(found["metadata"].get("ownerReferences", ())), None)
    if owner is not None:
        raise Problem(
            f"Secret {reference.name} is written by {owner['kind']} {owner['name']}, which would write it over: "
            "replace the key there."
        )
    return found


def _replaced(
    provider: Provider, reference: kind.SecretRef, old: Json, found: Material, drop: tuple[str, ...]
) -> Json:
    """Gives the Secret with the new fields, each where the old one stands."""
    new = copy.deepcopy(old)
    data: dict[str, str] = new.setdefault("data", {})
    known = material.secret_fields(provider)
    if unknown := sorted(set(drop) - set(known)):
        raise Problem(f"{provider.name} has no field {unknown[0]}; it has {', '.join(known)}.", Exit.USAGE)
    for field in drop:
        data.pop(_place(provider, reference, data, field), None)
    for field, value in found.fields.items():
        data[_place(provider, reference, data, field)] = base64.b64encode(value).decode()
    return new


def _place(provider: Provider, reference: kind.SecretRef, data: Mapping[str, str], field: str) -> str:
    """Names the key of the Secret under which a field stands, or will."""
    spellings = (field, *provider.variables.get(field, ()))
    return reference.keys.get(field) or next((name for name in spellings if name in data), field)


def _check(provider: Provider, one: Credential, reference: kind.SecretRef, new: Json) -> None:
    """Finds without a call what cannot be right about the Secret as it will be."""
    config = provider.config.model_validate(one.spec[one.type])
    fields = {name: base64.b64decode(value) for name, value in new["data"].items()}
    material.check(provider, config, Material(fields=fields), reference.keys)


def _replace(kubectl: Kubectl, secret: Json, *how: str) -> str:
    """Writes the Secret if nobody else has since, and gives its version."""
    with making.undisturbed():
        return kubectl.call(
            "replace",
            "--filename=-",
            "--output=jsonpath={.metadata.resourceVersion}",
            *how,
            stdin=json.dumps(secret),
        )


def _verdict(kubectl: Kubectl, one: Credential, version: str, seconds: int) -> Outcome:
    """Waits for what is said of the key in this version of the source Secret."""
    progress = waiting.Progress(kubectl, one)

    def look() -> Outcome | None:
        found = progress.look()
        read = (found.status.get("source") or {}).get("resourceVersion")
        synced = found.conditions.get("Synced")
        pending = synced is None or synced.reason == "Pending"
        return None if read != version or pending else outcomes.outcome(found)

    screen.note("The new key is in the source Secret; the provider is asked.")
    return waiting.until(look, seconds, lambda: progress.late(seconds))
