"""Who uses Secrets beside workloads: custom resources, by rules that are data (consumers.yaml). Pure."""

import functools
import importlib.resources
import pathlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import jmespath
import jmespath.exceptions
import jmespath.functions
import jmespath.parser
import pydantic
import yaml

MOST_RULES, MOST_SECRETS, MOST_VERSIONS = 256, 64, 8
BUILT_IN = "consumers.yaml"

# The file is read at every start, and libyaml does it in a sixth of the time where it is there.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FAILURES = (jmespath.exceptions.JMESPathError, ArithmeticError, RecursionError, TypeError, ValueError)
"""What a search can raise over a document that an expression was not written for."""


@functools.cache
def _compile(expression: str) -> Any:
    """Gives a compiled expression; raises ValueError naming it where it is none, or calls what does not exist."""
    try:
        compiled = jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
        raise ValueError(f"{expression!r} is not a JMESPath expression: {problem}") from None
    unknown = set(_functions(compiled.parsed)) - jmespath.functions.Functions.FUNCTION_TABLE.keys()
    if unknown:
        raise ValueError(f"{expression!r} calls {', '.join(sorted(unknown))}, which JMESPath does not have")
    return compiled


def _functions(node: Any) -> Iterator[str]:
    """Yields the functions in a syntax tree: that one does not exist would be noticed no earlier than it is called."""
    if not isinstance(node, dict):  # the bounds of a slice
        return
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        yield from _functions(child)


def _compilable(expression: str) -> str:
    _compile(expression)
    return expression


Expression = Annotated[
    str, pydantic.Field(min_length=1, max_length=512), pydantic.AfterValidator(_compilable)
]
Group = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=253)]
Version = Annotated[str, pydantic.Field(pattern=r"^v[0-9]+((alpha|beta)[0-9]+)?$", max_length=63)]
Kind = Annotated[str, pydantic.Field(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=63)]
Resource = Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9]*$", max_length=63)]
Namespace = Annotated[str, pydantic.Field(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", max_length=63)]


class Rule(pydantic.BaseModel):
    """Where the custom resources of one kind name Secrets: see the head of consumers.yaml."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    project: Annotated[str, pydantic.Field(min_length=1, max_length=63)]
    group: Group
    versions: Annotated[tuple[Version, ...], pydantic.Field(min_length=1, max_length=MOST_VERSIONS)]
    kind: Kind
    resource: Resource
    scope: Literal["namespaced", "cluster"]
    namespace: Namespace = ""
    secrets: Annotated[tuple[Expression, ...], pydantic.Field(max_length=MOST_SECRETS)]

    @pydantic.model_validator(mode="after")
    def _agree(self) -> "Rule":
        if self.namespace and self.scope != "cluster":
            raise ValueError(
                "namespace is for scope cluster: an object in a namespace names Secrets of its own"
            )
        return self

    @property
    def key(self) -> tuple[str, str]:
        """Group and kind: what a rule is known by."""
        return self.group, self.kind


_Rules = pydantic.TypeAdapter(Annotated[tuple[Rule, ...], pydantic.Field(max_length=MOST_RULES)])


def load(extra: str = "") -> tuple[Rule, ...]:
    """Gives the built-in rules and those of an administrator's file, which win; without those that name nothing.

    Raises OSError where the file cannot be read, and ValueError naming file, rule and field where it is wrong.
    """
    text = importlib.resources.files(__package__).joinpath(BUILT_IN).read_text(encoding="utf-8")
    rules = _parse(text, BUILT_IN)
    if extra:
        rules |= _parse(pathlib.Path(extra).read_text(encoding="utf-8"), extra)
    return tuple(rule for rule in rules.values() if rule.secrets)


def _parse(text: str, file: str) -> dict[tuple[str, str], Rule]:
    try:
        written = _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    try:
        rules = _Rules.validate_python(written if written is not None else ())
    except pydantic.ValidationError as error:
        raise ValueError("\n".join(_problems(error, written, file))) from None
    found: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        if rule.key in found:
            raise ValueError(f"{file}: there are two rules for {rule.kind} of {rule.group}: make them one")
        found[rule.key] = rule
    return found


def _problems(error: pydantic.ValidationError, written: Any, file: str) -> Iterator[str]:
    """Yields what is wrong, a line each: file, which rule, which field, and why."""
    for problem in error.errors(include_url=False, include_context=False):
        first, *rest = problem["loc"] or ("",)
        rule = written[first] if isinstance(first, int) and isinstance(written, list) else None
        kind = f" ({rule.get('kind', 'no kind')})" if isinstance(rule, dict) else ""
        where = f", rule {first + 1}{kind}" if isinstance(first, int) else ""
        field = f", {'.'.join(map(str, rest))}" if rest else ""
        yield f"{file}{where}{field}: {problem['msg'].removeprefix('Value error, ')}"


def secrets(rule: Rule, document: Any) -> frozenset[tuple[str, str]]:
    """Gives namespace and name of every Secret that a custom resource names; what has another form names none."""
    own = rule.namespace if rule.scope == "cluster" else _namespace(document)
    return frozenset(_named((_search(expression, document) for expression in rule.secrets), own))


def _namespace(document: Any) -> Any:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    return metadata.get("namespace") if isinstance(metadata, dict) else None


def _search(expression: str, document: Any) -> Any:
    try:
        return _compile(expression).search(document)
    except _FAILURES:
        return None


def _named(found: Iterable[Any], own: Any) -> Iterator[tuple[str, str]]:
    """Yields the Secrets in what was found: strings, and objects with a name, in lists as deep as they like."""
    waiting = list(found)
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str):
            waiting.append({"name": one})
        elif isinstance(one, dict):
            namespace, name = one.get("namespace") or own, one.get("name")
            if isinstance(namespace, str) and isinstance(name, str) and namespace and name:
                yield namespace, name
