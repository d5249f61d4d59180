"""The manifests of deploy/examples with a working key and endpoint, patched in memory."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = Path("deploy/examples")
"""From the root of the repository."""

Json = dict[str, Any]
Key = tuple[str, str]
"""Its id and its secret."""


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What is applied, and in words what was patched; the words hold no key material."""

    text: str = dataclasses.field(repr=False)
    notes: tuple[str, ...]


def example(name: str, *, key: Key, endpoint: str, suffix: str = "") -> Manifest:
    """Patches an example: the key, the provider's endpoint, and a suffix for all names as kustomize's."""
    source, credential = _documents(name)
    _rename(source, credential, suffix)
    source["stringData"] = _fields(key)
    kind = next(kind for kind in ("aws", "s3") if kind in credential["spec"])
    credential["spec"][kind]["endpoint"] = endpoint
    notes = [f"{EXAMPLES / name}.yaml, patched in memory:"]
    notes += [f"  nameSuffix: {suffix}"] if suffix else []
    notes += [_key_note(key), f'  Credential: {{spec: {{{kind}: {{endpoint: "{endpoint}"}}}}}}']
    return Manifest(yaml.safe_dump_all([source, credential], sort_keys=False), tuple(notes))


def source_secret(name: str, *, key: Key) -> Manifest:
    """Takes an example's source Secret alone, with another key."""
    source, _ = _documents(name)
    source["stringData"] = _fields(key)
    notes = (f"the Secret of {EXAMPLES / name}.yaml, patched in memory:", _key_note(key))
    return Manifest(yaml.safe_dump(source, sort_keys=False), notes)


def borrowing(namespace: str) -> Manifest:
    """Takes the example of a claim from another namespace, for a Credential in this one."""
    (claim,) = _documents("credentialreference-borrowed")
    claim["spec"]["credentialRef"]["namespace"] = namespace
    note = f'  CredentialReference: {{spec: {{credentialRef: {{namespace: "{namespace}"}}}}}}'
    notes = (f"{EXAMPLES}/credentialreference-borrowed.yaml, patched in memory:", note)
    return Manifest(yaml.safe_dump(claim, sort_keys=False), notes)


def _documents(name: str) -> Iterator[Json]:
    return yaml.safe_load_all((ROOT / EXAMPLES / f"{name}.yaml").read_text())


def _rename(source: Json, credential: Json, suffix: str) -> None:
    spec = credential["spec"]
    for named in (source["metadata"], credential["metadata"], spec["secretRef"], *spec["targets"]):
        named["name"] += suffix


def _fields(key: Key) -> Json:
    return {"accessKeyID": key[0], "secretAccessKey": key[1]}


def _key_note(key: Key) -> str:
    return f"  Secret: {{stringData: {{accessKeyID: {key[0]}, secretAccessKey: <not shown>}}}}"
