"""Both kinds on a control plane of their own, without policies and without an operator: only what CRDs do."""

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from controlplane import ControlPlane
from credential_operator.api import kinds
from replica import process

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "crds" / "v1beta1"
KINDS = {"Credential": "credentials", "CredentialReference": "credentialreferences"}

Json = dict[str, Any]


@contextlib.contextmanager
def serving() -> Iterator[ControlPlane]:
    """Run a control plane that serves both kinds, from the files that users apply."""
    with ControlPlane() as plane:
        serve(plane, *definitions(ROOT / "crds"))
        yield plane


def definitions(folder: Path) -> list[Json]:
    """Read the CRDs of a folder."""
    return [yaml.safe_load((folder / f"{name}.yaml").read_text()) for name in KINDS.values()]


def schema_of(kind: str) -> Json:
    """Read the schema of a kind."""
    crd = yaml.safe_load((ROOT / "crds" / f"{KINDS[kind]}.yaml").read_text())
    root: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def serve(plane: ControlPlane, *crds: Json) -> None:
    """Apply CRDs and wait until the API server serves them."""
    names = [f"crd/{crd['metadata']['name']}" for crd in crds]
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=manifest(*crds))
    # Not `kubectl wait`: it fails on a definition whose conditions are null, as they are at first.
    process.until(
        lambda: all(_established(plane, name) for name in names), seconds=60, what="they are served"
    )


def _established(plane: ControlPlane, name: str) -> bool:
    status = json.loads(plane.kubectl("get", name, "--output=json").stdout)["status"]
    conditions = status.get("conditions") or ()
    return any((one["type"], one["status"]) == ("Established", "True") for one in conditions)


def manifest(*documents: Json) -> str:
    """Write documents for kubectl."""
    return "\n---\n".join(map(json.dumps, documents))


EVERYWHERE = re.DOTALL | re.MULTILINE


@dataclasses.dataclass(frozen=True)
class Answers:
    """What kubectl printed of objects that it was to apply: of the accepted a line, of the refused why."""

    accepted: str
    refused: str

    def why(self, name: str) -> str:
        """Return why an object was refused; empty if it was not."""
        found = re.search(rf'"{name}" is invalid: (.*?)(?=^The |^Error |\Z)', self.refused, EVERYWHERE)
        return found[1].strip() if found else ""


def dry_run(plane: ControlPlane, *documents: Json) -> Answers:
    """Apply objects without storing them."""
    done = plane.kubectl("apply", "--dry-run=server", "-f", "-", input=manifest(*documents), check=False)
    return Answers(done.stdout, done.stderr)


def stored_objects() -> list[Json]:
    """Read the objects of the last release, as users have them in their clusters."""
    paths = sorted((GOLDEN / "objects").glob("*.yaml"))
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


def spec(*, without: str = "", **changes: Any) -> Json:
    """Return the smallest spec of type aws, changed."""
    whole = {"aws": {}, "secretRef": {"name": "keys"}, **changes}
    whole.pop(without, None)
    return whole


def target(**changes: Any) -> Json:
    """Return a spec with one target, changed."""
    return spec(targets=[{"name": "env", "format": "env", **changes}])


def document(name: str, spec: Json, kind: str = "Credential") -> Json:
    """Return an object; what the spec has as None is left out."""
    given = {field: value for field, value in spec.items() if value is not None}
    return {"apiVersion": kinds.API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": given}


def renamed(crds: list[Json], group: str) -> list[Json]:
    """Return CRDs under another group, so that they live beside the real ones."""
    return list(json.loads(json.dumps(crds).replace(kinds.GROUP, group)))


def another(thing: Any, **changes: Any) -> Any:
    """Return a credential type or a format that differs from another in what is said here."""
    return type("Another", (type(thing),), changes)()
