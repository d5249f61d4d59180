"""Rules of which one at most applies, as one rule."""

import pytest

from credential_operator.api import alternatives
from credential_operator.api.values import Rule


def test_rules_become_branches_with_their_own_words() -> None:
    rules = [
        Rule(rule="!has(self.a) || self.x > 1", message="a wants 'more'", path=".x"),
        Rule(rule="!has(self.b) || self.x > 2", message="b", expression="'b has ' + self.x", path=".x"),
    ]
    assert alternatives.together(rules, "too little") == Rule(
        rule="has(self.a) ? (self.x > 1) : has(self.b) ? (self.x > 2) : true",
        message="too little",
        expression="has(self.a) ? ('a wants \\'more\\'') : has(self.b) ? ('b has ' + self.x) : 'too little'",
        path=".x",
    )


def test_the_value_of_a_field_is_a_way_to_apply_too() -> None:
    (rule,) = alternatives.by_words([[("m", Rule(rule="self.format != 'env' || has(self.y)", message="y"))]])
    assert rule.rule == "self.format == 'env' ? (has(self.y)) : true"


def test_the_first_of_each_go_together_then_the_second() -> None:
    def rule(name: str, number: int) -> Rule:
        return Rule(rule=f"!has(self.{name}) || self.x > {number}", message=name)

    a = [("m", rule("a", 1)), ("n", rule("a", 3)), ("m", rule("a", 2))]
    first, other, second = alternatives.by_words([a, [], [("m", rule("b", 1))]])
    assert other.rule == "has(self.a) ? (self.x > 3) : true"
    assert first.rule == "has(self.a) ? (self.x > 1) : has(self.b) ? (self.x > 1) : true"
    assert second.rule == "has(self.a) ? (self.x > 2) : true"
    assert [*alternatives.by_words([])] == []


def test_what_all_let_pass_is_asked_before_who_is_meant() -> None:
    shared = "!has(self.x) || (has(self.y) && (has(self.z) || has(self.v))) || "
    rules = [
        Rule(rule=f"!has(self.a) || {shared}self.x in ['1'] || self.v", message="a"),
        Rule(rule=f"!has(self.b) || {shared}self.x.all(one, one == 1 || one == 2)", message="b"),
    ]
    assert alternatives.together(rules, "m").rule == (
        f"{shared}(has(self.a) ? (self.x in ['1'] || self.v) : "
        "has(self.b) ? (self.x.all(one, one == 1 || one == 2)) : true)"
    )


def test_something_is_left_to_each() -> None:
    rules = [Rule(rule=f"!has(self.{name}) || !has(self.x) || self.x > 1", message=name) for name in "ab"]
    assert alternatives.together(rules, "m").rule == (
        "!has(self.x) || (has(self.a) ? (self.x > 1) : has(self.b) ? (self.x > 1) : true)"
    )


def test_a_rule_that_always_applies_is_no_alternative() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        alternatives.together([Rule(rule="self.x > 1", message="x")], "m")
