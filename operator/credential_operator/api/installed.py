"""What the installed credential types and formats add to a Credential: fields, and rules that name them.

Every rule here keeps a form in which another type or format adds to its text without changing what it
says of stored objects; tests/unit/test_api_compatibility.py knows these forms.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import pydantic

from credential_operator.api import abilities, alternatives, credential, issuing, joint, schema, values

UNKNOWN = "*"
"""What stands for the fields of a type that takes any: a format that needs certain ones cannot serve it."""


class CredentialType(Protocol):
    """What the schema needs to know of a credential type; every provider has it."""

    @property
    def name(self) -> str:
        """The key under `spec`."""

    @property
    def title(self) -> str:
        """The type in a sentence."""

    @property
    def config(self) -> type[pydantic.BaseModel]:
        """Its public fields."""

    @property
    def keys(self) -> type[pydantic.BaseModel]:
        """Its fields in the source Secret."""

    @property
    def variables(self) -> Mapping[str, tuple[str, ...]]:
        """Every field that a format can draw from, public and secret, with its environment variables."""


class Format(Protocol):
    """What the schema needs to know of a format; every format has it."""

    @property
    def name(self) -> str:
        """The value of `format`."""

    @property
    def title(self) -> str:
        """The format in a sentence."""

    @property
    def secret_type(self) -> str:
        """The type of its Secrets."""

    @property
    def options(self) -> type[pydantic.BaseModel]:
        """Its options."""

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether a credential type with these fields can be laid out this way."""


class Source(Protocol):
    """What the schema needs to know of a layout that an existing Secret can be read in."""

    @property
    def name(self) -> str:
        """The value of `format`."""

    @property
    def source_title(self) -> str:
        """The layout in a sentence."""

    @property
    def source_options(self) -> type[pydantic.BaseModel]:
        """Its options."""

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether a credential type with these fields can be laid out this way."""


def extend(
    spec: schema.Schema,
    types: Sequence[CredentialType],
    formats: Sequence[Format],
    sources: Sequence[Source] = (),
) -> schema.Schema:
    """Gives the schema of `spec` with all that the types, formats and layouts of source Secrets bring."""
    targets = spec["properties"]["targets"]
    target = _target(targets["items"], formats, types)
    properties = {
        **spec["properties"],
        **{each.name: {**schema.of(each.config), "description": each.title} for each in types},
        "secretRef": _source(spec["properties"]["secretRef"], sources),
        "targets": {**targets, "items": target},
        "allowedNamespaces": _shared(spec["properties"]["allowedNamespaces"], types),
        "distribute": _with_target(spec["properties"]["distribute"], types, formats),
    }
    identity = properties.pop("workloadIdentity")
    if fields := abilities.identity_fields(types):
        properties["workloadIdentity"] = {
            **identity,
            "required": ["serviceAccountName"],
            "properties": fields,
        }
    own = [
        *_type_rules(types),
        *joint.rules(_joint_rules(types, formats, sources), [each.name for each in types]),
    ]
    rules = [*values.rules_of(spec), *(rule.document() for rule in own)]
    return {**spec, "properties": properties, schema.RULES: rules}


def extend_reference(
    spec: schema.Schema, types: Sequence[CredentialType], formats: Sequence[Format]
) -> schema.Schema:
    """Gives the schema of a reference's `spec` with all that the types and formats bring."""
    return _with_target(spec, types, formats)


def _with_target(
    node: schema.Schema, types: Sequence[CredentialType], formats: Sequence[Format]
) -> schema.Schema:
    target = _target(node["properties"]["target"], formats, types)
    return {**node, "properties": {**node["properties"], "target": target}}


def takes_any(each: CredentialType) -> bool:
    """Tells whether every key of the source Secret is a field, whatever its name."""
    return each.keys.model_config.get("extra") == "allow"


def formats_of(each: CredentialType, formats: Iterable[Format]) -> list[str]:
    """Names the formats that a type can be laid out in."""
    fields = [UNKNOWN] if takes_any(each) else each.variables
    return [layout.name for layout in formats if layout.serves(fields)]


def sources_of(each: CredentialType, sources: Iterable[Source]) -> list[str]:
    """Names the layouts that a type can be read from, beside its own fields."""
    return [layout.name for layout in sources if layout.serves(each.variables)]


def secret_fields(each: CredentialType) -> list[str]:
    """Names the fields of the source Secret."""
    return sorted(field.alias or name for name, field in each.keys.model_fields.items())


def own_rules(
    each: CredentialType,
    types: Sequence[CredentialType],
    formats: Sequence[Format],
    sources: Sequence[Source],
) -> Iterator[alternatives.Worded]:
    """Gives the rules of `spec` that one of the types brings, with what they are for any type, in words."""
    if not takes_any(each):
        fields = sorted(each.variables)
        yield "must name fields of the credential type", _source_keys(each.name, secret_fields(each))
        yield "must take their keys from the fields of the credential type", _target_keys(each.name, fields)
        yield "target.keys must be fields of the credential type", _distributed_keys(each.name, fields)
    served = formats_of(each, formats)
    if len(served) < len(formats):
        yield "must have formats that can serve the credential type", _served(each.name, served)
        yield (
            "target.format must be a format that can serve the credential type",
            _distributed(each.name, served),
        )
    yield "must be a format that the credential type can be read from", _readable(each, sources)
    yield from issuing.own_rules(each, types, formats)
    yield from abilities.own_rules(each, types)


def _type_rules(types: Sequence[CredentialType]) -> Iterator[values.Rule]:
    """Gives the rules of `spec` that say which type an object has."""
    yield _one_type([each.name for each in types])
    yield _same_type([each.name for each in types])


def _joint_rules(
    types: Sequence[CredentialType], formats: Sequence[Format], sources: Sequence[Source]
) -> Iterator[values.Rule]:
    """Gives the rules of `spec` that depend on the type, and those that are about the same fields."""
    yield from credential.Spec.joint_rules
    yield from alternatives.by_words(
        {f"type == '{each.name}'": own_rules(each, types, formats, sources) for each in types}
    )
    yield from abilities.rules(types)
    yield from issuing.rules(types)


def _one_type(names: Sequence[str]) -> values.Rule:
    given = " + ".join(f"(has(self.{name}) ? ', {name}' : '')" for name in names)
    some = " || ".join(f"has(self.{name})" for name in names)
    return values.Rule(
        rule=f"[{', '.join(f'has(self.{name})' for name in names)}].exists_one(given, given)",
        message="must have exactly one credential type",
        expression=f"'must have exactly one credential type, one of {', '.join(names)}; it has ' + "
        f"({some} ? ({given}).substring(2) : 'none')",
    )


def _same_type(names: Sequence[str]) -> values.Rule:
    was = " : ".join(f"has(oldSelf.{name}) ? '{name}'" for name in names)
    kept = " : ".join(f"has(oldSelf.{name}) ? has(self.{name})" for name in names)
    # A type that is installed no more is pruned; what is left of the object can still be let go.
    none = " && ".join(f"!has(self.{name})" for name in names)
    remedy = "create another Credential, and delete this one when nothing uses it"
    return values.Rule(
        rule=f"{kept} : {none}",
        message=f"the credential type cannot change: {remedy}",
        expression=f"'the credential type cannot change, it stays ' + ({was} : 'what it was') + ': {remedy}'",
    )


def _source_keys(name: str, fields: Sequence[str]) -> values.Rule:
    known = values.listed(fields)
    return values.Rule(
        rule=f"self.secretRef.keys.all(field, field in {known})",
        message=f"must name fields of {name}: {', '.join(fields)}",
        expression=f"'must name fields of {name}: {', '.join(fields)}; not ' + "
        f"self.secretRef.keys.filter(field, !(field in {known}))[0]",
        path=joint.SOURCE_KEYS.path,
    )


def _target_keys(name: str, fields: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule="has(target.issue) || !has(target.keys) || "
        f"target.keys.all(key, target.keys[key] in {values.listed(fields)})",
        message=f"must take their keys from the fields of {name}: {', '.join(fields)}",
        path=joint.TARGETS.path,
    )


def _served(name: str, formats: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule=f"has(target.issue) || target.format in {values.listed(formats)}",
        message=f"must have formats that can serve {name}: {', '.join(formats)}",
        path=joint.TARGETS.path,
    )


def _distributed_keys(name: str, fields: Sequence[str]) -> values.Rule:
    keys = "self.distribute.target.keys"
    return values.Rule(
        rule=f"{joint.NOT_COPIED} || !has({keys}) || {keys}.all(key, {keys}[key] in {values.listed(fields)})",
        message=f"target.keys must be fields of {name}: {', '.join(fields)}",
        path=joint.DISTRIBUTE.path,
    )


def _distributed(name: str, formats: Sequence[str]) -> values.Rule:
    return values.Rule(
        rule=f"{joint.NOT_COPIED} || self.distribute.target.format in {values.listed(formats)}",
        message=f"target.format must be a format that can serve {name}: {', '.join(formats)}",
        path=joint.DISTRIBUTE.path,
    )


def _readable(each: CredentialType, sources: Sequence[Source]) -> values.Rule:
    readable = sorted([credential.FIELDS, *sources_of(each, sources)])
    return values.Rule(
        rule=f"self.secretRef.format in {values.listed(readable)}",
        message=f"must be a format that {each.name} can be read from: {', '.join(readable)}",
        path=joint.SOURCE_FORMAT.path,
    )


def _target(
    target: schema.Schema, formats: Sequence[Format], types: Sequence[CredentialType]
) -> schema.Schema:
    """Gives the schema of a target with its formats and their options, and the kinds of short-lived keys."""
    options = {layout.name: schema.of(layout.options) for layout in formats}
    keyed = [name for name, document in options.items() if document.get("properties", {}).pop("keys", None)]
    rules = [*_key_rules(keyed), *_secret_type_rules(formats)]
    laid_out = _laid_out(target, {layout.name: layout.title for layout in formats}, options, rules)
    return _issuing(laid_out, types)


def _shared(granted: schema.Schema, types: Sequence[CredentialType]) -> schema.Schema:
    """Gives the schema of `allowedNamespaces` with the kinds of short-lived keys that others can be given."""
    properties = granted["properties"]
    return {**granted, "properties": {**properties, "as": _issuing(properties["as"], types)}}


def _issuing(node: schema.Schema, types: Sequence[CredentialType]) -> schema.Schema:
    """Gives a schema with the kinds of short-lived keys in its `issue`, or without it where there are none."""
    properties = dict(node["properties"])
    issue = issuing.node(properties.pop("issue"), types)
    return {**node, "properties": properties | ({"issue": issue} if issue else {})}


def _source(reference: schema.Schema, sources: Sequence[Source]) -> schema.Schema:
    """Gives the schema of the source Secret with its layouts and their options."""
    fields = "Each field under its own name, the provider's usual environment variable, or what `keys` says."
    titles = {credential.FIELDS: fields, **{layout.name: layout.source_title for layout in sources}}
    options = {credential.FIELDS: {}, **{layout.name: schema.of(layout.source_options) for layout in sources}}
    keys = values.Rule(
        rule=f"!has(self.format) || self.format == '{credential.FIELDS}' || !has(self.keys) || "
        "size(self.keys) == 0",
        message=f"must be set for the format {credential.FIELDS} only: the others know where their fields stand",
        expression=f"'must be set for the format {credential.FIELDS} only: ' + self.format + "
        "' knows where its fields stand; remove it'",
        path=".keys",
    )
    return _laid_out(reference, dict(sorted(titles.items())), options, [keys])


def _laid_out(
    node: schema.Schema,
    titles: Mapping[str, str],
    options: dict[str, schema.Schema],
    rules: Sequence[values.Rule],
) -> schema.Schema:
    """Gives the schema of a Secret with the layouts that it may have, their options, and rules about both."""
    properties = dict(node["properties"])
    lines = [f"* {name}: {title}" for name, title in titles.items()]
    default = properties["format"].get("default")
    properties["format"] = {
        "description": "\n".join(["The layout of the Secret.", "", *lines]),
        "type": "string",
        "enum": [*titles],
        **({"default": default} if default else {}),
    }
    union = schema.union(options, "format")
    properties["options"] = {
        "description": properties["options"]["description"],
        "type": "object",
        "properties": union,
    }
    if not union:
        del properties["options"]
    own = [*rules, *_option_rules(options, sorted(union))]
    return {
        **node,
        "properties": properties,
        schema.RULES: [*values.rules_of(node), *(rule.document() for rule in own)],
    }


def _key_rules(keyed: Sequence[str]) -> Iterator[values.Rule]:
    """Says which formats take their keys from the target."""
    takes = f"self.format in {values.listed(keyed)}"
    yield values.Rule(
        rule=f"({takes}) == (has(self.keys) && size(self.keys) > 0)",
        message=f"must be set for the format {' or '.join(keyed)}, and for no other",
        expression=f"{takes} ? "
        "'must be set for the format ' + self.format + ': write the Secret\\'s keys and their fields' : "
        "'must not be set for the format ' + self.format + ', which has keys of its own: remove it, or write "
        f"format: {' or '.join(keyed)}'",
        path=".keys",
    )


def _option_rules(options: dict[str, schema.Schema], union: Sequence[str]) -> Iterator[values.Rule]:
    """Says which options a format takes, and which it needs."""
    yield from alternatives.by_words(
        {f"self.format == '{name}'": _options_of(name, document, union) for name, document in options.items()}
    )


def _options_of(name: str, document: schema.Schema, union: Sequence[str]) -> Iterator[alternatives.Worded]:
    known = sorted(document.get("properties", {}))
    foreign = " || ".join(f"has(self.options.{option})" for option in union if option not in known)
    takes = f"the options {', '.join(known)}" if known else "no options"
    if foreign:
        yield (
            "must be options that the format takes",
            values.Rule(
                rule=f"!has(self.options) || !({foreign})",
                message=f"format {name} takes {takes}: remove the others",
                path=".options",
            ),
        )
    for option in sorted({*document.get("required", ())} & {*known}):
        yield (
            "must have the options that the format needs",
            values.Rule(
                rule=f"has(self.options) && has(self.options.{option})",
                message=f"format {name} needs the option {option}",
                path=".options",
            ),
        )


def _secret_type_rules(formats: Sequence[Format]) -> Iterator[values.Rule]:
    """Says that a Secret's type cannot change, once there are two."""
    if len({layout.secret_type for layout in formats}) == 1:
        return
    kinds = "{" + ", ".join(f"'{layout.name}': '{layout.secret_type}'" for layout in formats) + "}"
    yield values.Rule(
        rule=f"self.name != oldSelf.name || {kinds}[self.format] == {kinds}[oldSelf.format]",
        message="the Secret of the new format has another type, which no existing Secret can take: "
        "give the target another name",
        path=".format",
    )
