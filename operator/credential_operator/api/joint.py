"""Rules about one field of `spec`, as one rule: each costs the API server time with every write.

To see whether an object has a field, or to read it, the API server copies the list of all fields that there can be,
and `spec` has many. So a field is looked up once for all rules about it, and so is the credential type, which they
know as `type`; of a list they say what holds for each item.
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence

from credential_operator.api import alternatives, values

AND = "; "
"""What stands between the messages of rules that are one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field that several rules are about, by its path in `spec`.

    `unset` is the CEL expression that tells whether there is nothing to say about it; `item` is the name that its
    items have in the rules, where it is a list.
    """

    path: str
    unset: str
    item: str | None = None

    def rule(self, rules: Sequence[values.Rule], types: Collection[str]) -> values.Rule:
        """Puts its rules together; what is said names everything that is wrong.

        Raises ValueError for a message that would be taken for two.
        """
        if torn := [rule.message for rule in rules if AND in rule.message]:
            raise ValueError(f"{self.path}: a message has '{AND}' in it: {torn[0]}")
        found = f"[{type_of(types)}]"
        whole = self._holds(_all_of([rule.rule for rule in rules]))
        wrong = (
            f"({self._holds(rule.rule)} ? '' : '{AND}' + ({alternatives.words(rule)}))" for rule in rules
        )
        said = f"({' + '.join(wrong)}).substring({len(AND)})"
        return values.Rule(
            rule=f"{self.unset} || {found}.all(type, {whole})",
            message=AND.join(dict.fromkeys(rule.message for rule in rules)),
            expression=f"{found}.map(type, {said})[0]",
            path=self.path,
        )

    def _holds(self, rule: str) -> str:
        return f"self{self.path}.all({self.item}, {rule})" if self.item else f"({rule})"


def type_of(names: Collection[str]) -> str:
    """Gives the CEL expression for the name of an object's credential type; the empty string where it has none."""
    return "".join(f"has(self.{name}) ? '{name}' : " for name in names) + "''"


def _all_of(rules: Sequence[str]) -> str:
    """Puts rules into one that holds where all do; what neighbours begin with alike is asked once."""
    groups = ([*alike] for _, alike in itertools.groupby(rules, _first))
    return " && ".join(f"({_alike(group)})" if len(group) > 1 else f"({group[0]})" for group in groups)


def _first(rule: str) -> str:
    return rule.partition(alternatives.JOINT)[0]


def _alike(rules: Sequence[str]) -> str:
    shared = alternatives.beginning(rules)
    return shared + " && ".join(f"({rule[len(shared) :]})" for rule in rules)


_AS = "self.allowedNamespaces.__as__"
"""What others get: `as` is a word of CEL's own, which the API server writes so."""
FOR_OTHERS = f"{_AS}.issue"
NOT_COPIED = (
    "!has(self.distribute.target) || has(self.distribute.target.issue) || "
    f"(has(self.allowedNamespaces) && has({_AS}) && has({FOR_OTHERS}))"
)
"""Tells that `distribute` copies no key: it has no Secret, or what others get are short-lived keys."""

TARGETS = Field(path=".targets", unset="!has(self.targets)", item="target")
SHARED = Field(
    path=".allowedNamespaces",
    unset=f"!has(self.allowedNamespaces) || !has({_AS}) || !has({FOR_OTHERS})",
)
SOURCE_KEYS = Field(path=".secretRef.keys", unset="!self.?secretRef.?keys.hasValue()")
SOURCE_FORMAT = Field(path=".secretRef.format", unset="self.?secretRef.?format.orValue('fields') == 'fields'")
DISTRIBUTE = Field(path=".distribute", unset="!has(self.distribute)")

FIELDS = (
    SOURCE_KEYS,
    SOURCE_FORMAT,
    TARGETS,
    SHARED,
    DISTRIBUTE,
    Field(path=".workloadIdentity", unset="!has(self.workloadIdentity)"),
    Field(path=".rotation", unset="!has(self.rotation)"),
    Field(path=".validation.permissions", unset="!self.?validation.?permissions.hasValue()"),
    Field(path=".discoverReach", unset="!self.?discoverReach.orValue(false)"),
)
"""Everything in `spec` that depends on the credential type."""


def rules(found: Iterable[values.Rule], types: Collection[str]) -> Iterator[values.Rule]:
    """Puts rules together, those about each field."""
    about: dict[str | None, list[values.Rule]] = {field.path: [] for field in FIELDS}
    for rule in found:
        about[rule.path].append(rule)
    return (field.rule(about[field.path], types) for field in FIELDS if about[field.path])
