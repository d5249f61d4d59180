"""Rules about one field, as one rule."""

import pytest

from credential_operator.api import joint
from credential_operator.api.values import Rule

FIELD = joint.Field(path=".boxes", unset="!has(self.boxes)", item="box")
TYPE = "[has(self.a) ? 'a' : has(self.b) ? 'b' : '']"


def test_a_list_is_gone_through_once_and_the_type_found_once() -> None:
    rules = [
        Rule(rule="box.size > 1", message="too small", path=".boxes"),
        Rule(rule="type in ['a']", message="only for a", path=".boxes"),
    ]
    assert FIELD.rule(rules, ["a", "b"]) == Rule(
        rule=f"!has(self.boxes) || {TYPE}.all(type, self.boxes.all(box, (box.size > 1) && (type in ['a'])))",
        message="too small; only for a",
        expression=f"{TYPE}.map(type, ((self.boxes.all(box, box.size > 1) ? '' : '; ' + ('too small')) + "
        "(self.boxes.all(box, type in ['a']) ? '' : '; ' + ('only for a'))).substring(2))[0]",
        path=".boxes",
    )


def test_a_field_that_is_no_list_is_what_its_rules_are_about() -> None:
    field = joint.Field(path=".box", unset="!has(self.box)")
    rule = field.rule([Rule(rule="self.box.size > 1", message="m", expression="'m'", path=".box")], [])
    assert rule.rule == "!has(self.box) || [''].all(type, ((self.box.size > 1)))"
    assert rule.expression == "[''].map(type, (((self.box.size > 1) ? '' : '; ' + ('m'))).substring(2))[0]"


def test_what_neighbours_begin_with_is_asked_once() -> None:
    texts = (
        "has(box.lid) || box.size > 1",
        "has(box.lid) || !has(box.key) || box.key > 1",
        "!has(box.lid) || box.lid",
    )
    rule = FIELD.rule([Rule(rule=text, message="m", path=".boxes") for text in texts], [])
    assert rule.rule.endswith(
        "(has(box.lid) || (box.size > 1) && (!has(box.key) || box.key > 1)) && (!has(box.lid) || box.lid)))"
    )


def test_a_message_that_would_be_taken_for_two_is_refused() -> None:
    with pytest.raises(ValueError, match="a; b"):
        FIELD.rule([Rule(rule="true", message="a; b", path=".boxes")], [])


def test_rules_go_to_the_fields_that_they_are_about_in_the_order_of_the_fields() -> None:
    texts = {".rotation": "true", ".targets": "false"}
    found = [Rule(rule=text, message=text, path=path) for path, text in texts.items()]
    assert [rule.path for rule in joint.rules(found, [])] == [".targets", ".rotation"]
    with pytest.raises(KeyError):
        joint.rules([Rule(rule="true", message="m", path=".elsewhere")], [])
