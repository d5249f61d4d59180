"""Rules of which one at most applies, as one rule: each costs the API server time with every write.

A rule that begins by asking whether it applies (`!has(self.aws) || …`, `self.format != 'env' || …`) becomes a branch.
What all of them let pass comes before the branches, so that it is asked once: to see whether an object has a
field, the API server copies the list of all fields that there can be.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from credential_operator.api import values

APPLIES = re.compile(r"!has\(self\.\w+\) \|\| |self\.\w+ != '[^']*' \|\| ")

JOINT = " || "


def together(rules: Sequence[values.Rule], message: str) -> values.Rule:
    """Puts rules about one field into one, of which at most one applies; `message` is for what has no words of its own.

    Raises ValueError for rules that do not begin with whether they apply, or are about several fields.
    """
    (path,) = {rule.path for rule in rules}
    asked = [_asked(rule.rule) for rule in rules]
    shared = _shared([rest for _, rest in asked])
    branches = (f"{asks} ? ({rest[len(shared) :]})" for asks, rest in asked)
    words = (f"{asks} ? ({_words(rule)})" for (asks, _), rule in zip(asked, rules, strict=True))
    chain = f"{' : '.join(branches)} : true"
    return values.Rule(
        rule=f"{shared}({chain})" if shared else chain,
        message=message,
        expression=f"{' : '.join(words)} : {_quoted(message)}",
        path=path,
    )


def by_words(families: Iterable[Iterable[tuple[str, values.Rule]]]) -> Iterator[values.Rule]:
    """Puts together rules of several families, at most one of which applies.

    Each rule comes with the words for it whatever the family; the first of these words of each family go
    together, then the second of each.
    """
    found: dict[tuple[str, int], list[values.Rule]] = {}
    for family in families:
        ranks: dict[str, int] = {}
        for words, rule in family:
            ranks[words] = ranks.get(words, 0) + 1
            found.setdefault((words, ranks[words]), []).append(rule)
    return (together(rules, words) for (words, _), rules in found.items())


def _asked(rule: str) -> tuple[str, str]:
    """Takes a rule apart: whether it applies, and what it says then."""
    found = APPLIES.match(rule)
    if found is None:
        raise ValueError(f"does not begin with whether it applies: {rule}")
    asks = found[0].removesuffix(" || ")
    positive = asks.removeprefix("!") if asks.startswith("!") else asks.replace(" != ", " == ")
    return positive, rule[found.end() :]


def _shared(rests: Sequence[str]) -> str:
    """Gives the alternatives that all rules begin with, each with the `||` after it; at least one is left to each."""
    alike = itertools.takewhile(
        lambda beginnings: len({*beginnings}) == 1, zip(*map(_beginnings, rests), strict=False)
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


def _words(rule: values.Rule) -> str:
    return _quoted(rule.message) if rule.expression is None else rule.expression


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
