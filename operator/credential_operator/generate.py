"""Writes what follows from the models: CRDs, reference pages, examples, a dashboard. `--check` tells what is stale.

python -m credential_operator.generate [--check] [--root FOLDER]
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from credential_operator import consumers, dashboard, formats, providers
from credential_operator.api import conditions, installed, issuing, kinds, pages, reports, schema, type_pages
from credential_operator.providers import contract, issue, rotate

ROOT = Path(__file__).parents[2]
CHART = "deploy/chart/files/crds"
"""A copy of the CRDs: Helm reads nothing outside of a chart."""
RULES = "deploy/chart/files"
"""What the chart gives rights for, and the dashboard."""
PLUGIN = "operator/credential_operator/cli"
"""What `kubectl credential` knows of the types without loading them."""
DOCS = "docs"
"""What else is generated for readers and for programs."""
FOLDERS = ("crds", "crds/types", "deploy/examples", CHART, RULES, PLUGIN, DOCS)
"""Where generated files are; one that is not generated any more is removed."""
NOTICE = f"# {pages.NOTICE}\n"
TABULAR, LONGEST = ("string", "boolean", "integer"), 4096
"""Fields that fit into a table: of these types, and of at most so many characters."""
OWNER = {"team": "storage", "contact": "#storage-oncall"}
OPERATOR = "credential-operator"
"""The namespace and the ServiceAccount that the chart installs the operator with by default."""

Json = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """Writes YAML that people can read and that YAML 1.1 and 1.2 read alike."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Indents the items of a list, as kubectl's users do."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Writes everything out: an alias helps no reader."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
# Go's parser takes these for booleans where PyYAML leaves them bare.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), list("yYnN"))


def crds() -> list[Json]:
    """Gives the CRDs of both kinds for the installed credential types and formats."""
    types, layouts, sources = providers.find(), formats.find(), formats.sources()
    return kinds.crds([*types.values()], [*layouts.values()], [*sources.values()])


def manifest(documents: Sequence[Mapping[str, Any]]) -> str:
    """Writes documents as one manifest."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def files() -> dict[str, str]:
    """Gives every generated file, by its path from the root of the repository."""
    credential, reference = crds()
    samples = dict(_examples())
    documents = {kinds.CREDENTIAL.plural: credential, kinds.REFERENCE.plural: reference}
    written = {
        f"{folder}/{name}.yaml": NOTICE + manifest([crd])
        for name, crd in documents.items()
        for folder in ("crds", CHART)
    }
    written |= {f"deploy/examples/{name}.yaml": NOTICE + text for name, text in samples.items()}
    written[f"{PLUGIN}/types.json"] = json.dumps({"notice": pages.NOTICE, "types": _types()}, indent=2) + "\n"
    written[f"{DOCS}/report.schema.json"] = (
        json.dumps({"$comment": pages.NOTICE, **reports.schema()}, indent=2) + "\n"
    )
    written[f"{RULES}/consumers.yaml"] = NOTICE + manifest([_consumers()])
    written[f"{RULES}/dashboard.json"] = json.dumps(dashboard.model(pages.NOTICE), indent=2) + "\n"
    written["crds/credentials.md"] = pages.page(
        credential,
        example=samples["s3"],
        meanings=conditions.CREDENTIAL,
        elsewhere={name: f"types/{_kebab(name)}.md" for name in providers.find()},
    )
    written |= _type_pages(credential, samples)
    written["crds/credentialreferences.md"] = pages.page(
        reference, example=samples["credentialreference"], meanings=conditions.REFERENCE
    )
    return written


def _consumers() -> Json:
    """Gives the resources of the rules for custom resources: scope -> API group -> resources."""
    found: dict[str, dict[str, list[str]]] = {"namespaced": {}, "cluster": {}}
    for rule in sorted(consumers.load(), key=lambda rule: (rule.group, rule.resource)):
        found[rule.scope].setdefault(rule.group, []).append(rule.resource)
    return found


def _types() -> Json:
    """Gives every credential type with its public fields that fit into a table, in their order."""
    return {
        name: {
            "title": provider.title,
            "fields": [
                field
                for field, node in schema.of(provider.config).get("properties", {}).items()
                if node["type"] in TABULAR and node.get("maxLength", 0) <= LONGEST
            ],
        }
        for name, provider in providers.find().items()
    }


def _type_pages(crd: Json, samples: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Gives the page of every credential type."""
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    types, layouts = [*providers.find().values()], [*formats.find().values()]
    sources = [*formats.sources().values()]
    for name, provider in providers.find().items():
        facts = type_pages.Facts(
            cost=provider.cost,
            examples=[samples[sample] for sample, _ in _samples(provider)],
            formats=installed.formats_of(provider, formats.find().values()),
            sources=installed.sources_of(provider, formats.sources().values()),
            rules=[rule for _, rule in installed.own_rules(provider, types, layouts, sources)],
            issued=[*_issued(provider)],
            sets=getattr(provider, "permission_sets", {}),
            rotated=_rotated(provider),
        )
        yield f"crds/types/{_kebab(name)}.md", type_pages.page(provider, spec, facts)


def _issued(provider: object) -> Iterator[type_pages.Issued]:
    for kind in issue.kinds(provider).values():
        served = issuing.formats_of(kind, formats.find().values())
        yield type_pages.Issued(name=kind.name, title=kind.title, cost=kind.cost, formats=served)


def _rotated(provider: object) -> type_pages.Rotated | None:
    rotation = rotate.rotation_of(provider)
    if rotation is None:
        return None
    return type_pages.Rotated(
        cost=rotation.cost, needs=rotation.needs, most=rotation.most, disables=rotation.disables
    )


def _examples() -> Iterator[tuple[str, str]]:
    """Gives an example manifest for every credential type, and those of an adoption, a distribution and references."""
    for provider in providers.find().values():
        for name, documents in _samples(provider):
            yield name, manifest(documents)
    yield "registry-adopted", manifest(_adopting())
    yield "registry-distributed", manifest(_distributing())
    yield "credentialreference", manifest([_reference()])
    yield "credentialreference-borrowed", manifest([_borrowing()])


def _samples(provider: contract.Provider[Any, Any]) -> Iterator[tuple[str, list[Json]]]:
    """Gives the examples of a credential type by name."""
    more: Mapping[str, Mapping[str, Any]] = getattr(provider, "examples", {})
    for name, config in {_kebab(provider.name): provider.example, **more}.items():
        yield name, _example(provider, name, config)
    if issues := issue.kinds(provider):
        name = f"{_kebab(provider.name)}-short-lived"
        yield name, _example(provider, name, provider.example, issue=_usual(issues))
    if rotate.rotation_of(provider) is not None:
        name = f"{_kebab(provider.name)}-rotated"
        yield name, _rotating(provider, name)
    if isinstance(provider, contract.Keyless):
        name = f"{_kebab(provider.name)}-workload-identity"
        yield name, _keyless_example(provider, name, provider.workload_identity)


def _kebab(name: str) -> str:
    """Writes a name as objects are named: api-key for apiKey."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _usual(issues: Mapping[str, issue.Kind[Any]]) -> Json:
    """Gives the `issue` of the first kind that needs to know nothing."""
    free = (name for name, kind in issues.items() if not schema.of(kind.options).get("required"))
    return {"kind": next(free)}


def _example(
    provider: contract.Provider[Any, Any], name: str, config: Mapping[str, Any], **of_target: Json
) -> list[Json]:
    """Gives a source Secret with values that are obviously none, and the Credential that reads it."""
    source = f"{name}-keys"
    spec = {
        "displayName": provider.title.removesuffix("."),
        "owner": OWNER,
        provider.name: dict(config),
        "secretRef": {"name": source},
        "targets": [{"name": f"{name}-env", "format": "env", **of_target}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": source},
            "stringData": dict(_fake_keys(provider)),
        },
        _object(kinds.CREDENTIAL, name, spec),
    ]


def _rotating(provider: contract.Provider[Any, Any], name: str) -> list[Json]:
    """Gives a source Secret with the first key, and the Credential that makes those that follow."""
    source, made = _example(provider, name, provider.example)
    made["spec"]["rotation"] = {"interval": "2160h", "keepOld": "24h", "store": f"{name}-kept"}
    return [source, made]


def _keyless_example(
    provider: contract.Provider[Any, Any], name: str, identity: type[contract.WorkloadIdentity]
) -> list[Json]:
    """Gives a ServiceAccount, what lets the operator make tokens of it, and the Credential that uses them."""
    tokens, group = f"{name}-tokens", "rbac.authorization.k8s.io"
    rule = {
        "apiGroups": [""],
        "resources": ["serviceaccounts/token"],
        "resourceNames": [name],
        "verbs": ["create"],
    }
    subject = {"kind": "ServiceAccount", "name": OPERATOR, "namespace": OPERATOR}
    role = {"apiGroup": group, "kind": "Role", "name": tokens}
    spec: Json = {
        "displayName": f"{provider.title.removesuffix('.')}: none is stored",
        "owner": OWNER,
        provider.name: dict(provider.example),
        "workloadIdentity": {"serviceAccountName": name, **identity.example},
    }
    if issues := issue.kinds(provider):
        spec["targets"] = [{"name": f"{name}-env", "format": "env", "issue": _usual(issues)}]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": {"name": tokens},
            "rules": [rule],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": tokens},
            "subjects": [subject],
            "roleRef": role,
        },
        _object(kinds.CREDENTIAL, name, spec),
    ]


def _fake_keys(provider: contract.Provider[Any, Any]) -> Iterator[tuple[str, str]]:
    more: Mapping[str, str] = getattr(provider, "example_keys", {})
    yield from more.items()
    for name, field in provider.keys.model_fields.items():
        if field.is_required():
            public = field.alias or name
            yield public, (field.examples or [f"example-{public}"])[0]


def _reference() -> Json:
    spec = {"credentialRef": {"name": "s3"}, "description": "the nightly backup"}
    return _object(kinds.REFERENCE, "nightly", spec)


def _borrowing() -> Json:
    target = {"name": "costs-env", "format": "env"}
    spec = {"credentialRef": {"name": "aws", "namespace": "team-a"}, "target": target}
    return _object(kinds.REFERENCE, "costs", spec)


def _adopting() -> list[Json]:
    """Gives a registry's login, and the Credential that takes over the pull secret in which it was until now."""
    provider, name = providers.find()["registry"], "registry-adopted"
    source, adopting = _example(provider, name, provider.example)
    adopting["spec"]["targets"] = [{"name": "regcred", "format": "docker-registry", "adopt": True}]
    return [source, adopting]


def _distributing() -> list[Json]:
    """Gives a registry's login, and the Credential that gives it to all namespaces with a label."""
    provider, name = providers.find()["registry"], "registry-distributed"
    source, shared = _example(provider, name, provider.example)
    del shared["spec"]["targets"]
    shared["spec"] |= {
        "allowedNamespaces": {"selector": {"matchLabels": {"example.com/pulls": "true"}}},
        "distribute": {"target": {"name": "company-registry", "format": "docker-registry"}},
    }
    return [source, shared]


def _object(kind: kinds.Kind, name: str, spec: Json) -> Json:
    return {"apiVersion": kinds.API_VERSION, "kind": kind.name, "metadata": {"name": name}, "spec": spec}


def stale(root: Path) -> dict[str, str | None]:
    """Gives the files that differ from what is generated, with their new text; None for one that must go."""
    wanted = files()
    paths = [path for folder in FOLDERS for path in _files(root / folder)]
    there = {str(path.relative_to(root)): path.read_text() for path in paths}
    leftovers = {name for name, text in there.items() if name not in wanted and pages.NOTICE in text}
    changed = {name: text for name, text in wanted.items() if there.get(name) != text}
    return {**changed, **dict.fromkeys(leftovers)}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what is stale, or with `--check` names it and returns 1."""
    parser = argparse.ArgumentParser(prog="python -m credential_operator.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository (default: %(default)s)")
    options = parser.parse_args(arguments)
    found = stale(options.root)
    for name, text in sorted(found.items()):
        if options.check:
            sys.stderr.write(f"{name} is stale: run `make generate`\n")
        else:
            _write(options.root / name, text)
    return 1 if options.check and found else 0


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
