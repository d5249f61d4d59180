"""Custom resources to try rules on: filled from definitions, and as they are documented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from controlplane import tools
from credential_operator import consumers

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[1] / "golden" / "consumers"
OWN = "own"


def definition(rule: consumers.Rule) -> Json:
    """Return the definition that the kind's project generates from its types."""
    file = tools.path("definitions") / f"{rule.group}_{rule.resource}.yaml"
    return dict(yaml.safe_load(file.read_text())["spec"])


def filled(definition: Json, version: str) -> Json:
    """Return an object in which every field has a value; that of a string is where it stands."""
    served = {
        one["name"]: one["schema"]["openAPIV3Schema"] for one in definition["versions"] if one["served"]
    }
    return {**_fill(served[version], ""), "metadata": {"namespace": OWN, "name": "it"}}


def _fill(schema: Json, place: str) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _fill(one, f"{place}.{name}") for name, one in schema.get("properties", {}).items()}
        case "array":
            return [_fill(schema["items"], f"{place}[]")]
        case "string":
            return place
    return None


def documented() -> Iterator[Json]:
    """Yield the kinds whose definitions no package carries, in the form that their documentation gives them."""
    for file in sorted(GOLDEN.glob("*.yaml")):
        yield from yaml.safe_load(file.read_text())["kinds"]
