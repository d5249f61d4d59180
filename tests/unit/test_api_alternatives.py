"""Rules of which one at most applies, as one rule."""

import pytest

from credential_operator.api import alternatives
from credential_operator.api.values import Rule

A, B = "type == 'a'", "type == 'b'"


def test_rules_become_branches_with_their_own_words() -> None:
    rules = {
        A: Rule(rule="self.x > 1", message="a wants 'more'", path=".x"),
        B: Rule(rule="self.x > 2", message="b", expression="'b has ' + self.x", path=".x"),
    }
    assert alternatives.together(rules, "too little") == Rule(
        rule="type == 'a' ? (self.x > 1) : type == 'b' ? (self.x > 2) : true",
        message="too little",
        expression="type == 'a' ? ('a wants \\'more\\'') : type == 'b' ? ('b has ' + self.x) : 'too little'",
        path=".x",
    )


def test_the_first_of_each_go_together_then_the_second() -> None:
    def rule(name: str, number: int) -> Rule:
        return Rule(rule=f"self.{name} > {number}", message=name)

    a = [("m", rule("a", 1)), ("n", rule("a", 3)), ("m", rule("a", 2))]
    first, other, second = alternatives.by_words({A: a, "none": [], B: [("m", rule("b", 1))]})
    assert other.rule == "type == 'a' ? (self.a > 3) : true"
    assert first.rule == "type == 'a' ? (self.a > 1) : type == 'b' ? (self.b > 1) : true"
    assert second.rule == "type == 'a' ? (self.a > 2) : true"
    assert alternatives.by_words({}) == []


def test_what_all_let_pass_is_asked_before_who_is_meant() -> None:
    shared = "!has(self.x) || (has(self.y) && (has(self.z) || has(self.v))) || "
    rules = {
        A: Rule(rule=f"{shared}self.x in ['1'] || self.v", message="a"),
        B: Rule(rule=f"{shared}self.x.all(one, one == 1 || one == 2)", message="b"),
    }
    assert alternatives.together(rules, "m").rule == (
        f"{shared}(type == 'a' ? (self.x in ['1'] || self.v) : "
        "type == 'b' ? (self.x.all(one, one == 1 || one == 2)) : true)"
    )


def test_something_is_left_to_each() -> None:
    rules = {name: Rule(rule="!has(self.x) || self.x > 1", message=name) for name in (A, B)}
    assert alternatives.together(rules, "m").rule == (
        "!has(self.x) || (type == 'a' ? (self.x > 1) : type == 'b' ? (self.x > 1) : true)"
    )


def test_rules_about_several_fields_stay_several() -> None:
    rules = {A: Rule(rule="self.x > 1", message="x", path=".x"), B: Rule(rule="self.y > 1", message="y")}
    with pytest.raises(ValueError, match="too many values"):
        alternatives.together(rules, "m")
