"""Rules of which one at most applies, as one rule: each costs the API server time with every write.

A rule that begins by asking whether it applies (`!has(self.aws) || …`, `self.format != 'env' || …`) becomes a branch.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from credential_operator.api import values

APPLIES = re.compile(r"!has\(self\.\w+\) \|\| |self\.\w+ != '[^']*' \|\| ")


def together(rules: Sequence[values.Rule], message: str) -> values.Rule:
    """Puts rules about one field into one, of which at most one applies; `message` is for what has no words of its own.

    Raises ValueError for rules that do not begin with whether they apply, or are about several fields.
    """
    (path,) = {rule.path for rule in rules}
    asked = [_asked(rule.rule) for rule in rules]
    branches = (f"{asks} ? ({rest})" for asks, rest in asked)
    words = (f"{asks} ? ({_words(rule)})" for (asks, _), rule in zip(asked, rules, strict=True))
    return values.Rule(
        rule=f"{' : '.join(branches)} : true",
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


def _words(rule: values.Rule) -> str:
    return _quoted(rule.message) if rule.expression is None else rule.expression


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
