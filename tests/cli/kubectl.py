"""Stands in for kubectl: answers from a folder as kubectl does, and keeps what it was called with.

`world.json` has the objects, and under `says` what fails: words of the command line, or !words that are not there,
and kind=NAME of what is read -> what is said of it.
"""

import json
import pathlib
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent
RESOURCES = {
    "credentials.credential-operator.io": "Credential",
    "credentialreferences.credential-operator.io": "CredentialReference",
    "events": "Event",
}
CONFIG = {"get-contexts": "staging\nproduction\n", "whoami": "alice"}
CLUSTER, CLUSTER_NAME = "production-eu", "--output=jsonpath={.clusters[0].name}"
PRINTED = {"create": "uid-of-it", "replace": "7"}


def main() -> int:
    words = sys.argv[1:]
    stdin = sys.stdin.read() if "--filename=-" in words else ""
    with (HERE / "calls.jsonl").open("a") as file:
        file.write(json.dumps({"argv": words, "stdin": stdin}) + "\n")
    world = json.loads((HERE / "world.json").read_text())
    known = {*words, *([f"kind={json.loads(stdin)['kind']}"] if stdin else [])}
    for pattern, said in world["says"].items():
        if all((word.removeprefix("!") in known) != word.startswith("!") for word in pattern.split()):
            sys.stderr.write(said + "\n")
            return 1
    if words[0] == "get":
        return _get(world, words)
    view = CLUSTER if CLUSTER_NAME in words else world["namespace"]
    sys.stdout.write(PRINTED.get(words[0], "") or {"view": view, **CONFIG}.get(words[1], ""))
    if words[:2] == ["rollout", "status"]:
        sys.stdout.write(f'deployment "{words[2]}" successfully rolled out\n')
        _drain(world)
    return 0


def _drain(world: dict[str, Any]) -> None:
    """Have nothing run a previous key any more."""
    for item in world["items"]:
        if "rotation" in item.get("status", {}):
            item["status"]["rotation"] |= {"drained": True, "stale": []}
    (HERE / "world.json").write_text(json.dumps(world))


def _get(world: dict[str, Any], words: list[str]) -> int:
    resource, *rest = words[1:]
    kinds = {RESOURCES.get(resource)} if resource in RESOURCES else None
    namespace = words[words.index("--namespace") + 1] if "--namespace" in words else world["namespace"]
    found = [
        item
        for item in world["items"]
        if (item["kind"] in kinds if kinds else item["kind"] not in RESOURCES.values())
        and ("--all-namespaces" in words or item["metadata"]["namespace"] == namespace)
    ]
    name = rest[0] if rest and not rest[0].startswith("-") else None
    if name is None:
        _print_list(found, words)
        return 0
    for item in found:
        if item["metadata"]["name"] == name:
            sys.stdout.write(json.dumps(item))
            return 0
    sys.stderr.write(f'Error from server (NotFound): {resource} "{name}" not found\n')
    return 1


def _print_list(found: list[dict[str, Any]], words: list[str]) -> None:
    chosen = next((word for word in words if word.startswith("--field-selector=")), "")
    if chosen:
        path, _, value = chosen.removeprefix("--field-selector=").partition("=")
        first, second = path.split(".")
        found = [item for item in found if item[first].get(second) == value]
    if "--output=name" in words:
        sys.stdout.write("".join(f"{item['kind'].lower()}/{item['metadata']['name']}\n" for item in found))
    else:
        sys.stdout.write(json.dumps({"kind": "List", "items": found}))


if __name__ == "__main__":
    sys.exit(main())
