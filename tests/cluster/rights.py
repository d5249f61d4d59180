"""The operator's rights, as docs/security.md has them, and how to take some of them away for a while."""

import contextlib
import dataclasses
import itertools
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from cluster import sites
from cluster.sites import Site

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "security.md").read_text()
CONSUMERS = "custom resources of the rules (`consumers`)"
"""The page's word for kinds that others bring into a cluster."""
HOME = f"--namespace={sites.NAMESPACE}"
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}
"""Methods of what changes something; a GET may be a get, a list or a watch."""

ONE_OF = {"customresourcedefinitions": "credentials.credential-operator.io"}
"""Of what is granted by name alone, one."""

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Right:
    """One thing that may be done: a verb on a resource, or on its one object of that name."""

    resource: str
    verb: str
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of one of the page's tables, and the role that it is about."""

    kind: str
    words: str

    @property
    def rights(self) -> frozenset[Right]:
        """What the row is about; empty for kinds that others bring."""
        resources, _, verbs = self.words.partition(": ")
        if resources == CONSUMERS:
            return frozenset()
        found = [one.partition(" ") for one in resources.split(", ")]
        return frozenset(
            Right(resource, verb, name)
            for (resource, _, name), verb in itertools.product(found, verbs.split(", "))
        )

    @property
    def requests(self) -> frozenset[tuple[str, str]]:
        """The same as `refused` has it: resources and verbs, a read as `get`."""
        reads = frozenset({"get", "list", "watch"})
        return frozenset((one.resource, "get" if one.verb in reads else one.verb) for one in self.rights)


def rows() -> list[Row]:
    """Return the rows of both tables."""
    _, everywhere, home = PAGE.split("| right | what it is for | without it |\n| --- | --- | --- |\n")
    return [
        Row(kind, found[1])
        for kind, table in (("clusterrole", everywhere), ("role", home))
        for found in re.finditer(r"^\| (.+?) \|", table.partition("\n\n")[0], re.MULTILINE)
    ]


def granted(role: Json) -> Iterator[Right]:
    """Yield what a role grants, of the Leases of shards the first."""
    for rule in role["rules"]:
        names = [name for name in rule.get("resourceNames", [""]) if "-shard-" not in name]
        for resource, verb, name in itertools.product(rule["resources"], rule["verbs"], names):
            yield Right(resource, verb, "" if resource in ONE_OF else name)


def role(site: Site, kind: str) -> Json:
    """Return one of the operator's two roles as it is."""
    return dict(json.loads(site.plane.kubectl("get", kind, _name(kind), HOME, "--output=json").stdout))


@contextlib.contextmanager
def without(site: Site, row: Row) -> Iterator[None]:
    """Take a row's rights away, and give them back."""
    # What is granted for everywhere is granted at home.
    before = {kind: role(site, kind) for kind in {row.kind, "clusterrole"}}
    anywhere = {Right(one.resource, one.verb) for one in row.rights}
    try:
        for kind, found in before.items():
            _replace(site, kind, list(_left(found["rules"], row.rights | anywhere)))
        _wait(site, row, granted=False)
        yield
    finally:
        for kind, found in before.items():
            _replace(site, kind, found["rules"])
        _wait(site, row, granted=True)


def refused(site: Site) -> set[tuple[str, str]]:
    """Return what the API server has refused the operator: resources and verbs, a read as `get`.

    Not what was to be made in a namespace that is being deleted: that is refused whoever asks.
    """
    return {
        (_resource(seen.path), VERBS.get(seen.method, "get"))
        for seen in site.proxy.requests
        if seen.status == 403 and not (seen.method == "POST" and _ending(site, seen.path))
    }


def _ending(site: Site, path: str) -> bool:
    """Tell whether a path leads into a namespace that is being deleted, or was."""
    inside = re.search("/namespaces/([^/]+)/", path)
    if inside is None:
        return False
    found = site.plane.read(f"/api/v1/namespaces/{inside[1]}")
    return found is None or "deletionTimestamp" in found["metadata"]


def _left(rules: list[Json], rights: frozenset[Right]) -> Iterator[Json]:
    """Yield the rules without some rights, each for one resource."""
    for rule in rules:
        names = rule.get("resourceNames", [""])
        for resource, name in itertools.product(rule["resources"], names):
            known = "" if resource in ONE_OF else name
            verbs = [verb for verb in rule["verbs"] if Right(resource, verb, known) not in rights]
            if verbs:
                yield {
                    "apiGroups": rule["apiGroups"],
                    "resources": [resource],
                    "verbs": verbs,
                    **({"resourceNames": [name]} if name else {}),
                }


def _name(kind: str) -> str:
    return sites.NAMESPACE if kind == "clusterrole" else f"{sites.NAMESPACE}-own-namespace"


def _replace(site: Site, kind: str, rules: list[Json]) -> None:
    """Write what a role grants."""
    change = f"--patch={json.dumps({'rules': rules})}"
    site.plane.kubectl("patch", kind, _name(kind), HOME, "--type=merge", change)


def _wait(site: Site, row: Row, *, granted: bool) -> None:
    """Wait until the API server goes by what the roles say."""
    what = f"{row.words}: {'granted' if granted else 'taken away'}"
    sites.wait(lambda: all(_may(site, row, one) == granted for one in row.rights), what, seconds=60)


def _may(site: Site, row: Row, right: Right) -> bool:
    """Ask the API server whether the operator may do something where the row is about."""
    resource, _, sub = right.resource.partition("/")
    name = right.name or ONE_OF.get(resource, "")
    return site.plane.kubectl(
        *("auth", "can-i", right.verb, f"{resource}/{name}" if name else resource),
        *((f"--subresource={sub}",) if sub else ()),
        HOME if row.kind == "role" else "--namespace=default",
        impersonate=f"system:serviceaccount:{sites.NAMESPACE}:{sites.NAMESPACE}",
        check=False,
    ).stdout.startswith("yes")


def _resource(path: str) -> str:
    """Return the resource, with its subresource, of a request's path."""
    parts = re.sub(r"^/apis?/([^/]+\.[^/]+/|[a-z]+/(?=v\d))?v\d\w*/", "", path).split("/")
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    return parts[0] + (f"/{parts[2]}" if len(parts) > 2 else "")
