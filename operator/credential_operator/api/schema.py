"""From pydantic models to the structural schemas of a CRD.

Structural (kubernetes.io, "Specifying a structural schema"): no references, no titles, no `anyOf`,
no null. Beyond that every field is described and bounded, so that `kubectl explain` answers and the
cost of the rules stays in the API server's budget.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
from pydantic import json_schema
from pydantic_core import core_schema

from credential_operator.api import values

Schema = dict[str, Any]

RULES = "x-kubernetes-validations"

UNSPEAKABLE = (
    "anyOf",
    "oneOf",
    "allOf",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "uniqueItems",
    "prefixItems",
)
"""What pydantic may say of a field and a structural schema cannot."""

ORDER = ("description", "type", "format", "enum", "default", "required", "properties", "items")
"""Keywords in the order in which people read them; the others follow by name."""


class _Structural(json_schema.GenerateJsonSchema):
    """Writes what only pydantic's internals know in the way that a CRD wants it."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        """Says nothing of null: an optional field is left out."""
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Adds the rules across the fields of a model."""
        rules: tuple[values.Rule, ...] = getattr(schema["cls"], "rules", ())
        document = super().model_schema(schema)
        if rules:
            document[RULES] = [rule.document() for rule in rules]
        return document

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        """Leaves out defaults that would only make stored objects longer: null, empty lists and maps."""
        default = super().get_default_value(schema)
        return json_schema.NoDefault if default in (None, (), [], {}) else default

    def encode_default(self, dft: Any) -> Any:
        """Writes a default as a user would; the defaults of a part's own fields fill it by themselves."""
        if isinstance(dft, pydantic.BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if hasattr(dft, "total_seconds"):
            return values.duration_text(dft)
        return super().encode_default(dft)


def of(model: type[pydantic.BaseModel]) -> Schema:
    """Gives the structural schema of a model; raises ValueError for what a CRD cannot say."""
    document = model.model_json_schema(by_alias=True, schema_generator=_Structural)
    return _structural(document, document.pop("$defs", {}), model.__name__)


def _structural(node: Schema, definitions: Mapping[str, Schema], path: str) -> Schema:
    """Rewrites one schema and those below it."""
    node = _resolved(node, definitions)
    if unspeakable := [word for word in UNSPEAKABLE if word in node]:
        raise ValueError(f"{path}: a CRD cannot say {', '.join(unspeakable)}")
    written = {word: value for word, value in node.items() if word not in ("title", "examples", "const")}
    if "const" in node:
        written["enum"] = [node["const"]]
    if "description" in node:
        written["description"] = paragraphs(node["description"])
    _rewrite_object(written, definitions, path)
    if "items" in node:
        written["items"] = _structural(node["items"], definitions, f"{path}[]")
        written.setdefault("x-kubernetes-list-type", "atomic")
    return {word: written[word] for word in sorted(written, key=_position)}


def _resolved(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Puts a definition in the place of its reference; what the field says itself goes first."""
    if "$ref" not in node:
        return dict(node)
    definition = _resolved(definitions[node["$ref"].rpartition("/")[2]], definitions)
    field = {word: value for word, value in node.items() if word != "$ref"}
    rules = [*values.rules_of(definition), *values.rules_of(field)]
    return {**definition, **field, **({RULES: rules} if rules else {})}


def _rewrite_object(written: Schema, definitions: Mapping[str, Schema], path: str) -> None:
    """Rewrites properties, and a map's values and the rules of its keys."""
    if "properties" in written:
        written["properties"] = {
            name: _structural(child, definitions, f"{path}.{name}")
            for name, child in written["properties"].items()
        }
    names = written.pop("propertyNames", {})
    if isinstance(written.get("additionalProperties"), dict):
        written["additionalProperties"] = _structural(
            written["additionalProperties"], definitions, f"{path}.*"
        )
    else:
        written.pop("additionalProperties", None)
    if rules := [_every_key(rule) for rule in values.rules_of(names)]:
        written[RULES] = [*values.rules_of(written), *rules]


def _every_key(rule: Mapping[str, str]) -> Schema:
    """Turns a rule of a map's keys, which a CRD cannot hold, into one of the map that names a wrong key."""
    holds = re.sub(r"\bself\b", "key", rule["rule"])
    message = f"every key {rule['message']}"
    wrong = f"self.filter(key, !({holds}))[0]"
    return {
        "rule": f"self.all(key, {holds})",
        "message": message,
        "messageExpression": f"'{message.replace(chr(39), chr(92) + chr(39))}; not \"' + {wrong} + '\"'",
    }


def _position(word: str) -> tuple[int, str]:
    return (ORDER.index(word) if word in ORDER else len(ORDER), word)


def paragraphs(text: str) -> str:
    """Joins the lines of a docstring into paragraphs, and leaves lists as they are."""
    return re.sub(r"(?<!\n)\n *(?![\n*])", " ", inspect.cleandoc(text))


def union(objects: Mapping[str, Schema], what: str) -> dict[str, Schema]:
    """Gives the fields of several objects together; raises ValueError where two of them differ in one.

    Without defaults: the API server would fill those of one into every other. `objects` are formats' options
    or types' identities, by the name of the format or type; `what` says which.
    """
    together: dict[str, Schema] = {}
    for name, document in objects.items():
        if values.rules_of(document):
            raise ValueError(f"{what} {name}: rules across these fields cannot be in the schema")
        for field, described in document.get("properties", {}).items():
            bare = _without_default(described)
            if together.setdefault(field, bare) != bare:
                raise ValueError(f"field {field}: {what} {name} describes it unlike another {what}")
    return together


def _without_default(field: Schema) -> Schema:
    """Says the default in words only; Python applies it."""
    default = f" Default: {field['default']}." if "default" in field else ""
    bare = {word: value for word, value in field.items() if word != "default"}
    return {**bare, "description": f"{bare.get('description', '')}{default}"}


def fields(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Gives every field below a schema with its path, itself first; list items end in [], map values in *."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from fields(child, f"{path}.{name}")
    for word, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if word in node:
            yield from fields(node[word], f"{path}{mark}")


def flaws(node: Schema, path: str) -> list[str]:
    """Names every field without a description or a bound, which neither users nor rules can do without."""
    return [
        f"{where}: {flaw}"
        for where, field in fields(node, path)
        for flaw in _flaws(field, inner=where[-1] in "]*")
    ]


def _flaws(field: Schema, *, inner: bool) -> Iterator[str]:
    if not inner and not field.get("description"):
        yield "has no description"
    if field["type"] == "string" and not {"maxLength", "enum", "format"} & field.keys():
        yield "has no maxLength"
    if field["type"] == "array" and "maxItems" not in field:
        yield "has no maxItems"
    if "additionalProperties" in field and "maxProperties" not in field:
        yield "has no maxProperties"
