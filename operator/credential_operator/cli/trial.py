"""A Credential of a manifest, tried without a call: by the operator's own models, layouts and formats. Pure."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from credential_operator import errors, formats, layouts, objects, providers, view
from credential_operator.api import credential, publication, values
from credential_operator.cli import refusals
from credential_operator.providers import contract, issue

Json = Mapping[str, Any]

DERIVED = "derived-by-the-operator"
"""Stands for the external ID of a role that names none: only the installation knows it."""

UNKNOWN = "extra_forbidden"
WORDS = {UNKNOWN: "there is no such field", "missing": "it is needed"}
"""What pydantic says in words of its own."""


def catalogue() -> view.Catalogue:
    """Gives the credential types, formats and layouts that are installed here."""
    return view.Catalogue(providers=providers.find(), formats=formats.find(), sources=formats.sources())


class Reading:
    """Reads parts of a manifest, and gathers what is wrong with them."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def read(self, form: Any, value: Any, path: str) -> Any:
        """Gives a part as its model has it; None where it is not such."""
        try:
            return pydantic.TypeAdapter(form).validate_python(value)
        except pydantic.ValidationError as error:
            self._wrong += _worded(error, form, path)
            return None

    def end(self) -> None:
        """Raises InvalidSpec that names every field that is wrong, without its value."""
        if self._wrong:
            raise errors.InvalidSpec("; ".join(self._wrong) + ".")


def read(document: Json, namespace: str, known: view.Catalogue) -> view.View:
    """Reads a manifest as the operator does; raises InvalidSpec that names every field that is wrong."""
    metadata, written = (document.get(part) or {} for part in ("metadata", "spec"))
    if not (isinstance(metadata, dict) and isinstance(written, dict)):
        raise errors.InvalidSpec("metadata and spec must be fields and their values.")
    _known(written, known)
    name, fields, rest = credential.split(written)
    provider = known.providers[name]
    reading = Reading()
    own = reading.read(values.CredentialName, metadata.get("name"), "metadata.name")
    config = reading.read(provider.config, fields, f"spec.{name}")
    spec = reading.read(credential.Spec, rest, "spec")
    identity = _identity(reading, provider, rest.get("workloadIdentity"))
    reading.end()
    _from_one_place(spec, provider)
    return view.View(
        key=objects.Key(namespace, own),
        document={},
        metadata={**metadata, "annotations": metadata.get("annotations") or {}},
        status={},
        spec=spec,
        type=name,
        provider=provider,
        config=config,
        identity=identity,
        endpoint=known.endpoint(written),
    )


def data(secret: Json) -> dict[str, bytes]:
    """Gives what a Secret of a manifest would hold; raises InvalidKeyMaterial for what no API server takes."""
    encoded, plain = secret.get("data") or {}, secret.get("stringData") or {}
    found: dict[str, bytes] = {}
    for name, value in encoded.items():
        try:
            # As the API server, which forgives line breaks.
            found[name] = base64.b64decode(re.sub(r"[\r\n]", "", value or ""), validate=True)
        except (TypeError, ValueError):
            raise errors.InvalidKeyMaterial(
                f"{name} under data is not base64: encode it, or write it under stringData."
            ) from None
    if odd := sorted(name for name, value in plain.items() if not isinstance(value, str)):
        raise errors.InvalidKeyMaterial(f"{', '.join(odd)} under stringData is no text: put it in quotes.")
    return found | {name: value.encode() for name, value in plain.items()}


def load(
    seen: view.View, reference: credential.SecretRef, held: Mapping[str, bytes], known: view.Catalogue
) -> Any:
    """Gives the key material out of a Secret's data; raises what the operator would say of it."""
    keys = layouts.load(seen.provider, seen.config, reference, held, known.sources)
    seen.provider.inspect(seen.config, keys)
    return keys


def publish(seen: view.View, keys: Any, known: view.Catalogue) -> None:
    """Lays out every target, with the key where there is one (None: without); raises what the operator would say."""
    for path, target in _targets(seen.spec):
        served = known.served(seen.provider, target.issue)
        if target.format not in served:
            raise errors.InvalidSpec(
                f"{path}.format {target.format} cannot serve {seen.type}: write one of {', '.join(served)}."
            )
        if target.issue is not None:
            _kind(seen, target.issue, f"{path}.issue")
        try:
            layout, options = known.layout(target)
        except pydantic.ValidationError as error:
            raise errors.InvalidSpec(
                "; ".join(_worded(error, known.formats[target.format].options, f"{path}.options")) + "."
            ) from None
        if keys is not None and target.issue is None:
            layout.render(seen.material(keys, external_id=DERIVED), options)


def needs_installation(seen: view.View, keys: Any) -> bool:
    """Tells whether the provider is asked with what only an installation knows: the external ID that it derives."""
    fields = seen.provider.fields(seen.config, keys)
    return "roleARN" in fields and "externalID" not in fields


def _identity(reading: Reading, provider: contract.Provider[Any, Any], written: Any) -> Any:
    if written is None or not isinstance(provider, contract.Keyless):
        return None
    return reading.read(provider.workload_identity, written, "spec.workloadIdentity")


def _from_one_place(spec: credential.Spec, provider: contract.Provider[Any, Any]) -> None:
    """Raises InvalidSpec where it is not said whence the key comes, or said twice."""
    if (spec.secret_ref is None) == (spec.workload_identity is None):
        raise errors.InvalidSpec(
            "spec must have either secretRef, the Secret that holds the key, or workloadIdentity, which needs no "
            "stored key."
        )
    if spec.workload_identity is not None and not isinstance(provider, contract.Keyless):
        raise errors.InvalidSpec(f"{provider.name} needs a stored key: name its Secret in spec.secretRef.")


def _targets(spec: credential.Spec) -> Iterator[tuple[str, publication.NewTarget]]:
    for number, target in enumerate(spec.targets):
        yield f"spec.targets[{number}]", target
    if spec.distribute is not None and spec.distribute.target is not None:
        yield "spec.distribute.target", spec.distribute.target


def _kind(seen: view.View, form: Json, path: str) -> None:
    """Raises InvalidSpec for a kind of short-lived key that the type has not, or for what that cannot be told."""
    kinds = issue.kinds(seen.provider)
    kind = kinds.get(str(form.get("kind")))
    if kind is None:
        known = f"write {' or '.join(kinds)}" if kinds else "leave issue out"
        raise errors.InvalidSpec(f"{path}.kind is none of {seen.type}: {known}.")
    reading = Reading()
    reading.read(kind.options, {name: value for name, value in form.items() if name != "kind"}, path)
    reading.end()


def _known(written: Json, known: view.Catalogue) -> None:
    """Raises InvalidSpec that names what is neither a credential type nor a field of every Credential."""
    fields = [*known.providers, *(str(field.alias) for field in credential.Spec.model_fields.values())]
    if unknown := sorted(written.keys() - {*fields}):
        told = "; ".join(
            f"spec.{name} is neither a credential type nor a field of every Credential"
            f"{refusals.meant(name, fields)}"
            for name in unknown
        )
        raise errors.InvalidSpec(f"{told}.")


def _worded(error: pydantic.ValidationError, form: Any, path: str) -> list[str]:
    """Says what must be, field by field, without values; of a field that there is not, which one may be meant."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        f"{'.'.join([path, *map(str, one['loc'])])}: "
        f"{WORDS.get(one['type']) or one['msg'].removeprefix('Value error, ')}"
        f"{_meant(form, one['loc']) if one['type'] == UNKNOWN else ''}"
        for one in found
    ]


def _meant(form: Any, place: tuple[int | str, ...]) -> str:
    """Asks after the field that is like the one at a place of a model."""
    root = pydantic.TypeAdapter(form).json_schema()
    here = _at(root, root)
    for step in place[:-1]:
        below = here.get("items") if isinstance(step, int) else here.get("properties", {}).get(step)
        here = _at(root, below or {})
    return refusals.meant(str(place[-1]), here.get("properties", ()))


def _at(root: Json, node: Json) -> Json:
    """Gives a part of a JSON schema, wherever that is defined; of what can be absent, what it is if it is there."""
    node = next((one for one in node.get("anyOf", ()) if one.get("type") != "null"), node)
    if "$ref" in node:
        return dict(root["$defs"][node["$ref"].rpartition("/")[2]])
    return node
