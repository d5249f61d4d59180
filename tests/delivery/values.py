"""The chart's values.schema.json, from values.yaml: its words, its types, and what is said here of a few.

python -m delivery.values [--check]

A value is of the type of its default, a mapping has the keys that it has there and no others. An empty mapping is
free, an empty list has mappings.
"""

import argparse
import json
import pathlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).parents[2]
VALUES = pathlib.Path("deploy", "chart", "values.yaml")
SCHEMA = VALUES.with_name("values.schema.json")
TYPES: Mapping[str, str] = {
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:str": "string",
}

Json = dict[str, Any]

LABELS: Json = {"type": "object", "additionalProperties": {"type": "string"}}
DOMAIN: Json = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"}
FULL: Json = {"type": "string", "minLength": 1}
PORTS: Json = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 65535},
    "minItems": 1,
    "uniqueItems": True,
}
RULE: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["project", "group", "versions", "kind", "resource", "scope", "secrets"],
    "properties": {
        "project": FULL,
        "group": DOMAIN,
        "versions": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "pattern": "^v[0-9]+((alpha|beta)[0-9]+)?$"},
        },
        "kind": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"},
        "resource": {"type": "string", "pattern": "^[a-z][a-z0-9]*$"},
        "scope": {"enum": ["namespaced", "cluster"]},
        "namespace": {"type": "string"},
        "secrets": {"type": "array", "items": FULL},
    },
}


def _list(items: Json, **more: Any) -> Json:
    return {"type": "array", "items": items, **more}


def _like(pattern: str, **more: Any) -> Json:
    return {"type": "string", "pattern": pattern, **more}


SAID: Mapping[str, Json] = {
    "watchNamespaces": _list(DOMAIN, uniqueItems=True),
    "image.repository": FULL,
    "image.digest": _like("^(sha256:[0-9a-f]{64})?$"),
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "replicas": {"type": "integer", "minimum": 0},
    "shards": {"type": "integer", "minimum": 1, "maximum": 16},
    "logLevel": {"enum": ["DEBUG", "INFO", "WARNING", "ERROR"]},
    "metrics.podMonitor.interval": _like("^([0-9]+(ms|s|m|h))+$"),
    "metrics.podMonitor.labels": LABELS,
    "metrics.rules.labels": LABELS,
    "metrics.rules.repository": _like("^(https?://[^\\s]+)?$"),
    "metrics.dashboard.labels": LABELS,
    "metrics.dashboard.annotations": LABELS,
    "traces.endpoint": _like("^(https?://[^\\s]+)?$"),
    "consumers": _list(RULE),
    "endpointPolicy.allow": _list(_like("^[^,\\s]+$")),
    "endpointPolicy.serviceCIDRs": _list(_like("^[0-9a-fA-F.:]+/[0-9]+$")),
    "clusterDomain": DOMAIN,
    "clusterName": _like("^[A-Za-z0-9 _.:/=+@-]*$", maxLength=128),
    "caBundle.key": FULL,
    "release.secrets": {"enum": ["keep", "remove"]},
    "policies.targetMetadata.refused": _list(DOMAIN, maxItems=24),
    # Parts of a CEL expression, so they are held to what a label's key may have.
    "policies.targetMetadata.allowed": _list(_like("^[A-Za-z0-9][A-Za-z0-9._/-]*$"), maxItems=16),
    "policies.require": _list({"enum": ["owner", "description", "expiresAt"]}, uniqueItems=True),
    "policies.finalizer": {"enum": ["auto", "true", "false", True, False]},
    "resources": {"type": "object"},
    "networkPolicy.apiServerPorts": PORTS,
    "networkPolicy.providerPorts": PORTS,
}
"""What a default does not tell of a value, by its path."""


def schema(text: str) -> Json:
    """Return the schema of a values file; raises KeyError for a path in SAID that is not in the file."""
    node = yaml.compose(text)
    assert isinstance(node, yaml.MappingNode)
    lines, left = text.splitlines(), dict(SAID)
    found = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart credential-operator",
        **_mapping(node, "", lines, left),
    }
    found["properties"]["global"] = {
        "type": "object",
        "description": "What Helm gives to charts that are part of others.",
    }
    if left:
        raise KeyError(f"not in {VALUES}: {', '.join(left)}")
    return found


def _mapping(node: yaml.MappingNode, path: str, lines: Sequence[str], left: dict[str, Json]) -> Json:
    properties = {}
    for key, value in node.value:
        at = f"{path}.{key.value}".removeprefix(".")
        told = _comment(lines, key.start_mark.line)
        known = left.pop(at, None) or _of(value, at, lines, left)
        properties[key.value] = {**({"description": told} if told else {}), **known}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of(node: yaml.Node, path: str, lines: Sequence[str], left: dict[str, Json]) -> Json:
    """Return the schema of a value, by its default."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, left) if node.value else {"type": "object"}
    if isinstance(node, yaml.SequenceNode):
        if node.value:
            raise ValueError(f"{path} has items: say in SAID what they may be")
        return _list({"type": "object"})
    return {"type": TYPES[node.tag]}


def _comment(lines: Sequence[str], line: int) -> str:
    """Return what the comment says that stands above a key."""
    found: list[str] = []
    for text in reversed(lines[:line]):
        told = re.match(r"\s*# ?(.*)", text)
        if told is None:
            break
        found.insert(0, told[1].strip())
    return " ".join(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schema, or with `--check` return 1 if it is stale."""
    parser = argparse.ArgumentParser(prog="python -m delivery.values", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is stale")
    check = parser.parse_args(arguments).check
    text = json.dumps(schema((ROOT / VALUES).read_text()), indent=2, ensure_ascii=False) + "\n"
    if (ROOT / SCHEMA).read_text() == text:
        return 0
    if check:
        sys.stderr.write(f"{SCHEMA} is stale: run `make generate`\n")
        return 1
    (ROOT / SCHEMA).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
