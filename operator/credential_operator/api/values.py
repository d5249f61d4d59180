"""What fields are made of: durations, times and patterns, and the rules that the API server enforces."""

import dataclasses
import datetime
import functools
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import alias_generators
from pydantic_core import core_schema

DURATION = r"^([0-9]{1,6}[hms]){1,3}$"
"""What Go, CEL and this module all read as a duration."""

UNITS = {"h": 3600, "m": 60, "s": 1}
"""Seconds of each unit of a duration."""

TIME = (
    r"^[0-9]{4}-"
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""RFC 3339, with a day that the month has."""

SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""The name of most Kubernetes objects."""

SECRET_KEY = r"^[-._a-zA-Z0-9]+$"  # noqa: S105 (the form of a key, not a key)
"""The name of an entry in a Secret's data."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A CEL rule beside the field or the model it constrains; what it does not hold for is refused.

    `message` says what is wrong and what to write instead, for people; `expression` says the same in
    CEL where the value can be named; `path` is the child field that the refusal points at. With
    `optional_old_self` the rule can let stored values pass: `oldSelf.hasValue() || …` (the API server's
    documentation has the details).
    """

    rule: str
    message: str
    expression: str | None = None
    path: str | None = None
    optional_old_self: bool = False

    def document(self) -> dict[str, Any]:
        """Gives the entry of `x-kubernetes-validations`."""
        entry = {
            "rule": self.rule,
            "message": self.message,
            "messageExpression": self.expression,
            "fieldPath": self.path,
            "optionalOldSelf": self.optional_old_self or None,
        }
        return {word: value for word, value in entry.items() if value}

    def __get_pydantic_json_schema__(
        self, inner: core_schema.CoreSchema, handler: pydantic.GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Adds the rule to the schema of the field that is annotated with it."""
        schema = handler(inner)
        return {**schema, "x-kubernetes-validations": [*rules_of(schema), self.document()]}


def rules_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Gives the rules of one schema, without those of its children."""
    return list(schema.get("x-kubernetes-validations", ()))


def listed(texts: Iterable[str]) -> str:
    """Writes texts as a list of CEL's."""
    return f"[{', '.join(map(repr, texts))}]"


class Model(pydantic.BaseModel):
    """A part of a kind: camelCase outside, described by the docstrings under its fields, with its rules."""

    model_config = pydantic.ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=alias_generators.to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    joint_rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules about fields that credential types have rules about too: `joint` puts them together."""


@dataclasses.dataclass(frozen=True, slots=True)
class Matching:
    """A string of a pattern; the API server's refusal says in words what it must be.

    The pattern has to be understood alike by Python's `re` and by RE2; the field needs a `max_length`.
    """

    pattern: str
    must_be: str

    def rule(self) -> Rule:
        """Gives the pattern as the API server checks it."""
        return Rule(rule=f"self.matches(r'{self.pattern}')", message=f"must be {self.must_be}")

    def __get_pydantic_core_schema__(
        self, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Checks the pattern after everything else."""
        fits = re.compile(self.pattern).fullmatch

        def check(value: str | None) -> str | None:
            if value is not None and not fits(value):
                raise ValueError(f"must be {self.must_be}")
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, inner: core_schema.CoreSchema, handler: pydantic.GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Adds the rule to the field's schema."""
        return self.rule().__get_pydantic_json_schema__(inner, handler)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A `datetime.timedelta`, written like 30m or 1h30m; `zero` says what 0s means where it is allowed."""

    minimum: str
    maximum: str
    zero: str | None = None

    def rule(self) -> Rule:
        """Gives form and bounds in one rule, so that one refusal says everything."""
        bounds = (
            f"duration(self) >= duration('{self.minimum}') && duration(self) <= duration('{self.maximum}')"
        )
        allowed = f"(duration(self) == duration('0s') || {bounds})" if self.zero else bounds
        return Rule(rule=f"self.matches(r'{DURATION}') && {allowed}", message=f"must be {self.must_be()}")

    def must_be(self) -> str:
        """Gives the bounds in words."""
        exception = f", or 0s: {self.zero}" if self.zero else ""
        return f"a duration from {self.minimum} to {self.maximum}, written like 90s, 30m or 1h30m{exception}"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Reads a string (or takes a timedelta) and checks the bounds; writes a string."""
        return core_schema.no_info_plain_validator_function(
            self._reader(),
            serialization=core_schema.plain_serializer_function_ser_schema(duration_text, when_used="json"),
        )

    def __get_pydantic_json_schema__(
        self, inner: core_schema.CoreSchema, handler: pydantic.GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Says that it is a short string, with its rule."""
        return {
            "type": "string",
            "maxLength": 20,
            "x-kubernetes-validations": [self.rule().document()],
        }

    def _reader(self) -> Callable[[object], datetime.timedelta]:
        shortest, longest, nothing = duration(self.minimum), duration(self.maximum), datetime.timedelta(0)

        def read(value: object) -> datetime.timedelta:
            length = value if isinstance(value, datetime.timedelta) else duration(value)
            if shortest <= length <= longest or (self.zero and length == nothing):
                return length
            raise ValueError(f"must be {self.must_be()}")

        return read


def duration(text: object) -> datetime.timedelta:
    """Reads a duration such as 1h30m; raises ValueError."""
    if not isinstance(text, str) or not re.fullmatch(DURATION, text):
        raise ValueError("must be a duration, written like 90s, 30m or 1h30m")
    return _length(text)


@functools.lru_cache(256)
def _length(text: str) -> datetime.timedelta:
    parts = re.findall(r"([0-9]+)([hms])", text)
    return datetime.timedelta(seconds=sum(int(count) * UNITS[unit] for count, unit in parts))


def duration_text(length: datetime.timedelta) -> str:
    """Writes a duration as people do: 1h, 1h30m, 0s; whole seconds."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


@dataclasses.dataclass(frozen=True, slots=True)
class _Moment:
    """A time that a person writes: the API server's refusal shows the form to write it in."""

    def __get_pydantic_json_schema__(
        self, inner: core_schema.CoreSchema, handler: pydantic.GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # Not `format: date-time`: the API server would refuse in its own words, which show no example.
        form = Rule(
            rule=f"self.matches(r'{TIME}') && timestamp(self) > timestamp('2000-01-01T00:00:00Z')",
            message="must be a time with its zone, such as 2027-01-31T00:00:00Z",
        )
        return {"type": "string", "maxLength": 40, "x-kubernetes-validations": [form.document()]}


Moment = Annotated[pydantic.AwareDatetime, _Moment()]
"""A time in a spec."""

_LETTERS = "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit, such as"

SecretName = Annotated[
    str,
    pydantic.Field(max_length=253),
    Matching(SUBDOMAIN, f"the name of a Secret: {_LETTERS} backups-keys"),
]
"""The name of a Secret."""

CredentialName = Annotated[
    str, pydantic.Field(max_length=63), Matching(SUBDOMAIN, f"the name of a Credential: {_LETTERS} backups")
]
"""The name of a Credential, which a label on its targets holds."""

NamespaceName = Annotated[
    str,
    pydantic.Field(max_length=63),
    Matching(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "the name of a namespace: lower-case letters, digits and '-', beginning and ending with a letter or digit",
    ),
]
"""The name of a namespace."""

SecretKey = Annotated[
    str,
    pydantic.Field(max_length=253),
    Matching(SECRET_KEY, "a key of a Secret: letters, digits, '-', '_' and '.', such as access-key"),
]
"""The name of an entry in a Secret's data."""

METADATA_KEY = rf"^({SUBDOMAIN[1:-1]}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?$"
"""The key of a label or an annotation; a prefix has at most 253 characters besides."""

MetadataKey = Annotated[
    str, Matching(METADATA_KEY, "a label or annotation key, such as app or example.com/team")
]
"""The key of a label or an annotation."""

METADATA_KEYS = Rule(
    rule="self.all(key, key.indexOf('/') <= 253 && !key.startsWith('credential-operator.io/'))",
    message="must have prefixes of at most 253 characters other than credential-operator.io, "
    "which the operator itself uses: choose another prefix",
)
"""What a pattern cannot say of the keys of labels and annotations."""

LabelValue = Annotated[
    str,
    pydantic.Field(max_length=63),
    Matching(
        r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        "a label value: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
    ),
]
"""The value of a label."""


class LabelRequirement(Model):
    """A condition on one label (meta/v1 LabelSelectorRequirement)."""

    rules = (
        Rule(
            rule="self.operator in ['In', 'NotIn'] == (has(self.values) && size(self.values) > 0)",
            message="must be set for the operators In and NotIn, and for no other",
            path=".values",
        ),
    )

    key: MetadataKey = pydantic.Field(max_length=317)
    """The label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """What is asked of it."""
    values: Annotated[tuple[LabelValue, ...], pydantic.Field(max_length=32)] = ()
    """The values that In and NotIn compare it with."""


class LabelSelector(Model):
    """A selection by labels (meta/v1 LabelSelector); every condition must hold."""

    rules = (
        Rule(
            rule="(has(self.matchLabels) && size(self.matchLabels) > 0) || "
            "(has(self.matchExpressions) && size(self.matchExpressions) > 0)",
            message="must not be empty, which would select everything: name a label",
        ),
    )

    match_labels: dict[MetadataKey, LabelValue] = pydantic.Field(default={}, max_length=16)
    """Labels and their values."""
    match_expressions: Annotated[tuple[LabelRequirement, ...], pydantic.Field(max_length=16)] = ()
    """Conditions on labels."""


AnnotationValue = Annotated[str, pydantic.Field(max_length=4096)]
"""The value of an annotation."""


def keyed_by(field: str) -> dict[str, Any]:
    """Says of a list that no two items share this field, and that the API server merges it by that."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [field]}
