"""What was good under one CRD and is not under another: for objects that were stored under the first.

Rules are compared as text, in the forms that credential_operator.api writes. A rule that only speaks of
fields and values that are new says nothing about stored objects.
"""

import re
from collections.abc import Iterator
from typing import Any

from credential_operator.api import schema

LOWERED = ("maxLength", "maxItems", "maxProperties", "maximum")
RAISED = ("minLength", "minItems", "minProperties", "minimum")
MERGED = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
JOINT = re.compile(
    r"(?P<unset>.*?) \|\| \[(?:has\(self\.\w+\) \? '\w+' : )*''\]\.all\(type, "
    r"(?:(?P<each>self\.\w+\.all\(\w+, )|\()(?P<all>.*)\)\)"
)
"""Rules about one field that are put together: where it is unset, what is said of each item or of itself."""
SAID = re.compile(
    r"\[(?:has\(self\.\w+\) \? '\w+' : )*''\]\.map\(type, \((?P<all>.*)\)\.substring\(2\)\)\[0\]"
)
"""What such rules say."""
CHAIN = (" : true", " : true)")
"""How rules end of which one at most applies."""
RESERVED = ("as",)
"""Names of fields that rules write otherwise: they mean something in CEL."""
FIXED = ("type", "format", "pattern", "default", *MERGED)

Json = dict[str, Any]


def broken(old: Json, new: Json) -> list[str]:
    """Names everything that is good under the old CRD and not under the new one."""
    return [*_names(old, new), *_versions(old, new)]


def _names(old: Json, new: Json) -> Iterator[str]:
    was, now = old["spec"], new["spec"]
    for path in (("group",), ("scope",), ("names", "kind"), ("names", "plural"), ("names", "singular")):
        if at(was, path) != at(now, path):
            yield f"{'.'.join(path)} was {at(was, path)} and is {at(now, path)}"
    if gone := sorted({*was["names"]["shortNames"]} - {*now["names"]["shortNames"]}):
        yield f"names.shortNames lost {', '.join(gone)}"


def at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def _versions(old: Json, new: Json) -> Iterator[str]:
    served = {version["name"]: version for version in new["spec"]["versions"] if version["served"]}
    for version in old["spec"]["versions"]:
        name = version["name"]
        if name not in served:
            yield f"{name} is not served any more"
            continue
        if version["subresources"].keys() - served[name]["subresources"].keys():
            yield f"{name} lost a subresource"
        was, now = (each["schema"]["openAPIV3Schema"] for each in (version, served[name]))
        yield from _narrowed(was, now, old["spec"]["names"]["kind"])


def _narrowed(old: Json, new: Json, path: str) -> Iterator[str]:
    """Names what one schema, and those below it, accept less than before."""
    yield from _keywords(old, new, path)
    was, now = old.get("properties", {}), new.get("properties", {})
    yield from (f"{path}.{name} is gone" for name in sorted(was.keys() - now.keys()))
    required = {name for name in new.get("required", ()) if "default" not in now[name]}
    yield from (f"{path}.{name} is newly required" for name in sorted(required - {*old.get("required", ())}))
    for name in sorted(was.keys() & now.keys()):
        yield from _narrowed(was[name], now[name], f"{path}.{name}")
    for word, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if (word in old) != (word in new):
            yield f"{path}: {word} came or went"
        elif word in old:
            yield from _narrowed(old[word], new[word], f"{path}{mark}")
    yield from _rules(old, new, path)


def _keywords(old: Json, new: Json, path: str) -> Iterator[str]:
    for word in FIXED:
        if old.get(word) != new.get(word):
            yield f"{path}: {word} was {old.get(word)} and is {new.get(word)}"
    for words, sign in ((LOWERED, 1), (RAISED, -1)):
        for word in words:
            bound, unbounded = new.get(word), float("inf")
            if bound is not None and sign * old.get(word, sign * unbounded) > sign * bound:
                yield f"{path}: {word} was {old.get(word)} and is {bound}"
    if "enum" in new and ("enum" not in old or {*old["enum"]} - {*new["enum"]}):
        yield f"{path}: enum was {old.get('enum')} and is {new['enum']}"


def _rules(old: Json, new: Json, path: str) -> Iterator[str]:
    """Names rules that might refuse what was good; one that only speaks of what is new does not."""
    was = [rule["rule"] for rule in each(old)]
    news = _News(old, new)
    for rule in each(new):
        seen = news.as_stored_objects_see(rule["rule"])
        passes = rule.get("optionalOldSelf") and rule["rule"].startswith("oldSelf.hasValue() ||")
        if not (seen is None or passes or any(news.no_stricter(each, seen) for each in was)):
            yield f"{path}: rule is new or stricter: {rule['rule']}"


def each(node: Json) -> Iterator[Json]:
    """Yields the rules of a schema; one that puts several together as those that it puts together."""
    for rule in node.get(schema.RULES, ()):
        texts, messages = [*_taken_apart(rule["rule"])], [*_sayings(rule)]
        if texts == [rule["rule"]]:
            yield rule
            continue
        alone = {word: value for word, value in rule.items() if word != "messageExpression"}
        for text, message in zip(texts, messages, strict=True):
            yield {**alone, "rule": text, "message": message}


def _taken_apart(rule: str) -> Iterator[str]:
    """Yields rules that are put together, each as if it stood alone."""
    found = JOINT.fullmatch(rule)
    if found is None:
        yield from _conjuncts(rule) if rule.endswith(CHAIN) else [rule]
        return
    for one in _conjuncts(found["all"]):
        typed = re.match(r"type != '(\w+)' \|\| ", one)
        guard = f"!has(self.{typed[1]}) || " if typed else ""
        rest = one[typed.end() :] if typed else one
        yield f"{guard}{found['unset']} || " + (f"{found['each']}{rest})" if found["each"] else rest)


def _conjuncts(text: str) -> list[str]:
    """Gives what has to hold for a CEL expression to hold: a branch as what holds where it is not taken, or it is."""
    if _enclosed(text):
        return _conjuncts(text[1:-1])
    whole = _split(text, " && ")
    if len(whole) > 1 and len(_split(text, " || ")) == 1:
        return [one for part in whole for one in _conjuncts(part)]
    if len(branches := _split(text, " : ")) > 1 and branches[-1] == "true":
        return [_unless(*_split(branch, " ? ")) for branch in branches[:-1]]
    *before, last = _split(text, " || ")
    if before and (_enclosed(last) or len(_split(last, " && ")) > 1):
        return [_after(" || ".join(before), one) for one in _conjuncts(last)]
    return [text]


def _unless(asked: str, then: str) -> str:
    return f"{asked.replace(' == ', ' != ')} || {then[1:-1]}"


def _after(before: str, rule: str) -> str:
    """Puts alternatives before a rule, but behind the one that tells whether it applies at all."""
    applies = re.match(r"(type|self\.\w+) != '[^']*' \|\| ", rule)
    return f"{applies[0] if applies else ''}{before} || {rule[applies.end() :] if applies else rule}"


def _sayings(rule: Json) -> Iterator[str]:
    """Yields what each of several rules says that are put together; else what the rule says."""
    said = rule.get("messageExpression", "")
    if (found := SAID.fullmatch(said)) is not None:
        for part in _split(found["all"], " + "):
            words = _split(part[1:-1], " : ", most=1)[1].removeprefix("'; ' + ")[1:-1]
            yield from _branches(words)
    elif rule["rule"].endswith(CHAIN):
        yield from _branches(said)
    else:
        yield rule["message"]


def _branches(words: str) -> list[str]:
    """Gives the words of every branch; a text without its quotes, an expression without the first."""
    *branches, last = _split(words, " : ")
    found = [_split(branch, " ? ")[1][1:-1] for branch in branches] or [last]
    return [
        one[1:-1].replace("\\'", "'") if re.fullmatch(r"'([^'\\]|\\.)*'", one) else one.lstrip("'")
        for one in found
    ]


def _enclosed(text: str) -> bool:
    return text.startswith("(") and next(end for end, depth in _depths(text) if depth == 0) == len(text) - 1


def _split(text: str, joint: str, most: int = -1) -> list[str]:
    """Splits an expression where a sign stands outside of brackets and texts."""
    found: list[str] = []
    begin = 0
    for place, depth in _depths(text):
        if depth == 0 and place >= begin and text.startswith(joint, place) and len(found) != most:
            found.append(text[begin:place])
            begin = place + len(joint)
    return [*found, text[begin:]]


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Yields every place outside of texts with the number of brackets that are open after it."""
    depth, quoted, escaped = 0, False, False
    for place, sign in enumerate(text):
        if quoted:
            quoted, escaped = sign != "'" or escaped, sign == "\\" and not escaped
            continue
        quoted = sign == "'"
        depth += (sign in "([{") - (sign in ")]}")
        yield place, depth


class _News:
    """What a schema has that stored objects cannot have: fields and values."""

    def __init__(self, old: Json, new: Json) -> None:
        self.fields = [*_new_fields(old, new, "self")]
        self.parts = [*_new_item_fields(old, new)]
        self.values = {value for _, value in [*_new_values(old, new, "self"), *_new_item_values(old, new)]}
        self.guards = [f"{field} != '{value}' || " for field, value in _new_values(old, new, "self")]
        self.inner = [*_inner_guards(old, new)]
        self.old = old

    def as_stored_objects_see(self, rule: str) -> str | None:
        """Gives what a rule says where nothing is new; None where it says nothing."""
        if self._is_of_news(rule) or self._says_nothing(rule):
            return None
        rule = self._without_parts(rule)
        for value in self.values:
            rule = re.sub(rf"'{re.escape(value)}': '[^']*'(, )?", "", rule).replace(", }", "}")
        for field in self.fields:
            has, had = f"has({field})", f"has({field.replace('self', 'oldSelf', 1)})"
            if re.match(rf"(!has\([\w.]+\) \|\| )*!{re.escape(has)} \|\| ", rule):
                return None
            rule = rule.replace(f"{had} ? {has} : ", "").replace(f" && !{has}", "").replace(f"!{has} && ", "")
            for joint in (", ", " || "):
                rule = rule.replace(f"{joint}{has}", "").replace(f"{has}{joint}", "")
            if rule.endswith(f" || !({has})"):
                return None
        return rule

    def _without_parts(self, rule: str) -> str:
        """Takes out of a rule about each item of a list what asks for parts that are new in it."""
        for part in self.parts:
            rule = rule.replace(f"has({part}) || ", "")
        return rule

    def _is_of_news(self, rule: str) -> bool:
        """Tells whether a rule holds wherever nothing is new."""
        if any(rule.startswith(guard) for guard in self.guards):
            return True
        if any(f", {guard}" in rule or f"|| {guard}" in rule for guard in self.inner):
            return True
        return any(f".exists({part.partition('.')[0]}, has({part}))" in rule for part in self.parts)

    def _says_nothing(self, rule: str) -> bool:
        """Tells whether a rule holds for every value that there was: it lists all, or maps all to the same.

        Or it asks for a field that had to be there.
        """
        if found := re.match(r"has\(self\.(\w+)\)( \|\| |$)", rule):
            return found[1] in self.old.get("required", ())
        if found := re.search(r"self\.(\w+)\.all\((\w+), (?:.* \|\| )?\2\.(\w+) in \[([^]]*)\]\)$", rule):
            field = at(self.old, ("properties", found[1], "items", "properties", found[3]))
            return {*field.get("enum", [None])} <= {*re.findall(r"'([^']*)'", found[4])}
        if found := re.fullmatch(r"\{(.*)\}\[self\.(\w+)\] == \{\1\}\[oldSelf\.\2\]", rule):
            known = dict(re.findall(r"'([^']*)': '([^']*)'", found[1]))
            return len({known[value] for value in at(self.old, ("properties", found[2], "enum"))}) == 1
        return False

    def no_stricter(self, old: str, new: str) -> bool:
        """Tells whether a rule is another one with longer lists of what is good."""
        lists = r"\bin \[([^]]*)\]"
        if re.sub(lists, "in []", old) != re.sub(lists, "in []", new):
            return False
        pairs = zip(re.findall(lists, old), re.findall(lists, new), strict=True)
        more = [({*re.findall(r"'([^']*)'", was)}, {*re.findall(r"'([^']*)'", now)}) for was, now in pairs]
        loosens = not re.search(r"!\(|==|!=", re.sub(r"!has\([\w.]+\)", "", old))
        return all(was <= now and (loosens or now - was <= self.values) for was, now in more)


def _new_fields(old: Json, new: Json, path: str, depth: int = 3) -> Iterator[str]:
    was, now = old.get("properties", {}), new.get("properties", {})
    for name in now:
        spelt = f"{path}.__{name}__" if name in RESERVED else f"{path}.{name}"
        if name not in was:
            yield spelt
        elif depth > 1:
            yield from _new_fields(was[name], now[name], spelt, depth - 1)


def _new_item_fields(old: Json, new: Json) -> Iterator[str]:
    for name, field in new.get("properties", {}).items():
        was = old.get("properties", {}).get(name)
        if was is not None and "items" in field:
            yield from _new_fields(was["items"], field["items"], name.removesuffix("s"))


def _new_item_values(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    for name, field in new.get("properties", {}).items():
        was = old.get("properties", {}).get(name)
        if was is not None and "items" in field:
            yield from _new_values(was["items"], field["items"], name.removesuffix("s"))


def _inner_guards(old: Json, new: Json) -> Iterator[str]:
    """Gives how rules about each item of a list begin that only speak of what is new in it.

    Such a rule calls the items of `targets` `target`.
    """
    for name, field in new.get("properties", {}).items():
        was = old.get("properties", {}).get(name)
        if was is None or "items" not in field:
            continue
        item = name.removesuffix("s")
        yield from (f"!has({one}) || " for one in _new_fields(was["items"], field["items"], item))
        for part, inner in field["items"].get("properties", {}).items():
            values = _new_values(was["items"].get("properties", {}).get(part, {}), inner, f"{item}.{part}")
            yield from (f"{one} != '{value}' || " for one, value in values)


def _new_values(old: Json, new: Json, path: str) -> Iterator[tuple[str, str]]:
    for name, field in new.get("properties", {}).items():
        was = old.get("properties", {}).get(name, {})
        for value in {*field.get("enum", ())} - {*was.get("enum", ())}:
            yield f"{path}.{name}", value
