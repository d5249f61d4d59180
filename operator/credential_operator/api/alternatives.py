"""Rules of which one at most applies, as one rule: each costs the API server time with every write.

Each becomes a branch (`type == 'aws' ? (…)`, `self.format == 'env' ? (…)`). What all of them let pass comes before
the branches, so that it is asked once.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from credential_operator.api import values

JOINT = " || "

Worded = tuple[str, values.Rule]
"""A rule, after the words for it whatever the case."""


def together(rules: Mapping[str, values.Rule], message: str) -> values.Rule:
    """Puts rules about one field into one; each comes with the CEL expression that tells whether it applies.

    `message` is for what has no words of its own. Raises ValueError for rules about several fields.
    """
    (path,) = {rule.path for rule in rules.values()}
    shared = beginning([rule.rule for rule in rules.values()])
    branches = (f"{applies} ? ({rule.rule[len(shared) :]})" for applies, rule in rules.items())
    said = (f"{applies} ? ({words(rule)})" for applies, rule in rules.items())
    chain = f"{' : '.join(branches)} : true"
    return values.Rule(
        rule=f"{shared}({chain})" if shared else chain,
        message=message,
        expression=f"{' : '.join(said)} : {quoted(message)}",
        path=path,
    )


def by_words(families: Mapping[str, Iterable[Worded]]) -> list[values.Rule]:
    """Puts together rules of several families, at most one of which applies: an expression tells which.

    The first rules of each family that have the same words go together, then the second of each.
    """
    found: dict[tuple[str, int], dict[str, values.Rule]] = {}
    for applies, family in families.items():
        ranks: dict[str, int] = {}
        for wording, rule in family:
            ranks[wording] = ranks.get(wording, 0) + 1
            found.setdefault((wording, ranks[wording]), {})[applies] = rule
    return [together(rules, wording) for (wording, _), rules in found.items()]


def beginning(rules: Sequence[str]) -> str:
    """Gives the alternatives that all rules begin with, each with the `||` after it; at least one is left to each."""
    alike = itertools.takewhile(
        lambda beginnings: len({*beginnings}) == 1, zip(*map(_beginnings, rules), strict=False)
    )
    return "".join(clause for clause, *_ in alike)


def _beginnings(rule: str) -> list[str]:
    """Takes a rule apart into the alternatives before its last one, each with the `||` after it."""
    found, depth, begin = [], 0, 0
    for place, sign in enumerate(rule):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and rule.startswith(JOINT, place):
            found.append(rule[begin : place + len(JOINT)])
            begin = place + len(JOINT)
    return found


def words(rule: values.Rule) -> str:
    """Gives what a rule says of what it does not hold for, as a CEL expression."""
    return quoted(rule.message) if rule.expression is None else rule.expression


def quoted(text: str) -> str:
    """Writes a text as CEL does."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
