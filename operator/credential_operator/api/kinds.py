"""Both kinds as CustomResourceDefinitions: names, columns, schemas."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from credential_operator.api import credential, installed, reference, schema, values

GROUP = "credential-operator.io"
VERSION = "v1beta1"
API_VERSION = f"{GROUP}/{VERSION}"

NEVER_OBSERVED = {"observedGeneration": -1}
"""The status of a new object, so that nobody takes it for a finished one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The names of a kind, and what kubectl prints of it."""

    name: str
    plural: str
    short: str
    description: str
    columns: tuple[Mapping[str, Any], ...]
    rules: tuple[values.Rule, ...] = ()

    @property
    def crd_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


def _column(
    name: str, path: str, description: str, *, kind: str = "string", wide: bool = False
) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return {**column, "priority": 1} if wide else column


def _condition(name: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{name}")].{field}'


_AGE = _column("AGE", ".metadata.creationTimestamp", "When it was created.", kind="date")

CREDENTIAL = Kind(
    name="Credential",
    plural="credentials",
    short="cred",
    description="A Credential is a key to something outside the cluster: who owns it, where its key material "
    "is, whether it works, in which Secrets consumers get it, and who needs it.",
    columns=(
        _column("READY", _condition("Ready", "status"), "Can consumers work?"),
        _column("STATUS", _condition("Ready", "reason"), "Why."),
        _column("TYPE", ".status.type", "The credential type."),
        _column("IDENTITY", ".status.identity.principal", "Whose key it is."),
        _column("IN-USE", ".status.references.count", "How many need it.", kind="integer"),
        _column("VALIDATED", ".status.lastValidatedTime", "When the provider was last asked.", kind="date"),
        # A string: kubectl prints a date in the future as <invalid>.
        _column("EXPIRES", ".status.expiresAt", "When it ends."),
        _AGE,
        _column("MESSAGE", _condition("Ready", "message"), "Why, for people.", wide=True),
        _column("OWNER", ".spec.owner.team", "Who answers for it.", wide=True),
        _column("REACH", ".status.reach.count", "How many accounts it sees.", kind="integer", wide=True),
    ),
    rules=(
        values.Rule(
            rule="size(self.metadata.name) <= 63",
            message="metadata.name must have at most 63 characters, because a label on every target holds "
            "it: choose a shorter name",
        ),
    ),
)

REFERENCE = Kind(
    name="CredentialReference",
    plural="credentialreferences",
    short="credref",
    description="A CredentialReference says that something needs a Credential: as long as it exists, the "
    "Credential is not deleted. It can have a Secret of its own with the key, in another namespace too.",
    columns=(
        _column("BOUND", _condition("Bound", "status"), "Does it count?"),
        _column("STATUS", _condition("Ready", "reason"), "Can the Credential be used, or why not?"),
        _column("CREDENTIAL", ".spec.credentialRef.name", "What is needed."),
        _column("FORMS", ".status.offer.formats", "In which formats it is offered, where it is an offer."),
        # A string: kubectl prints a date in the future as <invalid>.
        _column("EXPIRES", ".status.expiresAt", "When its lease ends."),
        _AGE,
        _column("MESSAGE", _condition("Ready", "message"), "Why, for people.", wide=True),
        _column("FROM", ".spec.credentialRef.namespace", "The namespace of what is needed.", wide=True),
        _column("TARGET", ".status.target.name", "The Secret that it has.", wide=True),
        _column("DESCRIPTION", ".spec.description", "What it is needed for.", wide=True),
    ),
    rules=(
        values.Rule(
            rule="!has(self.spec.target) || size(self.metadata.name) <= 63",
            message="metadata.name must have at most 63 characters, because a label on the target holds it: "
            "choose a shorter name",
        ),
    ),
)


def crds(
    types: Sequence[installed.CredentialType],
    formats: Sequence[installed.Format],
    sources: Sequence[installed.Source] = (),
) -> list[dict[str, Any]]:
    """Gives the CRDs of both kinds; raises ValueError for a field without description or bound."""
    credential_spec = installed.extend(schema.of(credential.Spec), types, formats, sources)
    return [
        _crd(CREDENTIAL, credential_spec, schema.of(credential.Status)),
        _crd(
            REFERENCE,
            installed.extend_reference(schema.of(reference.Spec), types, formats),
            schema.of(reference.Status),
        ),
    ]


def _crd(kind: Kind, spec: schema.Schema, status: schema.Schema) -> dict[str, Any]:
    root = _root(kind, spec, status)
    if flaws := schema.flaws(root, kind.name):
        raise ValueError("\n".join(flaws))
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [dict(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": root},
    }
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [kind.short],
        "categories": [GROUP.removesuffix(".io")],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _root(kind: Kind, spec: schema.Schema, status: schema.Schema) -> schema.Schema:
    # Atomic: the operator alone writes a status, so the API server need not note who wrote which part of it, which
    # would be a quarter of the object.
    whole = {**status, "default": NEVER_OBSERVED, "x-kubernetes-map-type": "atomic"}
    root: schema.Schema = {
        "description": kind.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": spec,
            "status": whole,
        },
    }
    if kind.rules:
        root[schema.RULES] = [rule.document() for rule in kind.rules]
    return root
