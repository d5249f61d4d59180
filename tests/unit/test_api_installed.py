"""What credential types and formats bring into the schema, shown with some of this test's own."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Annotated, Any

import pydantic
import pytest

from credential_operator.api import installed, kinds, schema, values
from credential_operator.providers import contract
from unit import comparison

Short = Annotated[str, pydantic.Field(max_length=63)]


class _Config(values.Model):
    """Public fields."""

    region: Short | None = None
    """The region."""


class _Keys(pydantic.BaseModel):
    user_name: pydantic.SecretStr = pydantic.Field(alias="userName")
    word: pydantic.SecretStr


class _AnyKeys(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")


class _Nothing(values.Model):
    """No options."""


class _Profile(values.Model):
    """An option with a default."""

    profile: Short = "default"
    """The profile."""


class _Host(values.Model):
    """An option that is needed."""

    host: Short
    """The host."""


class _Keyed(values.Model):
    """Keys of the target's own."""

    keys: dict[str, str] = pydantic.Field(default={})
    """The keys."""


class _OtherProfile(values.Model):
    """An option by a name that is taken."""

    profile: Annotated[str, pydantic.Field(max_length=1)] = "x"
    """Something else."""


class _Ruled(values.Model):
    """Options with a rule of their own."""

    rules = (values.Rule(rule="true", message="no"),)


@dataclasses.dataclass(frozen=True)
class Type:
    """A credential type."""

    name: str
    variables: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=lambda: {"userName": (), "word": (), "region": ()}
    )
    title: str = "A type."
    config: type[pydantic.BaseModel] = _Config
    keys: type[pydantic.BaseModel] = _Keys


@dataclasses.dataclass(frozen=True)
class Format:
    """A format."""

    name: str
    options: type[pydantic.BaseModel] = _Nothing
    needs: frozenset[str] = frozenset()
    secret_type: str = "Opaque"
    title: str = "A format."

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether all that it needs is there."""
        return self.needs.issubset(fields)


PLAIN, KEYED = Format("plain"), Format("keyed", _Keyed)


@dataclasses.dataclass(frozen=True)
class Source:
    """A layout of source Secrets."""

    name: str
    source_options: type[pydantic.BaseModel] = _Nothing
    needs: frozenset[str] = frozenset()
    source_title: str = "A layout."

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether all that it needs is there."""
        return self.needs.issubset(fields)


def spec_of(
    types: Collection[Type], formats: Collection[Format], sources: Collection[Source] = ()
) -> dict[str, Any]:
    crd, _ = kinds.crds([*types], [*formats], [*sources])
    document: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return document


def target_of(*formats: Format) -> dict[str, Any]:
    document: dict[str, Any] = spec_of([Type("one")], formats)["properties"]["targets"]["items"]
    return document


def rule_about(document: dict[str, Any], message: str) -> dict[str, Any]:
    (rule,) = (rule for rule in comparison.each(document) if message in rule["message"])
    return rule


def test_every_type_is_a_field_under_its_title() -> None:
    properties = spec_of([Type("one"), Type("two", title="Another.")], [KEYED])["properties"]
    assert properties["two"]["description"] == "Another."
    assert "region" in properties["two"]["properties"]


def test_exactly_one_type_is_asked_for_by_name() -> None:
    rule = rule_about(spec_of([Type("one"), Type("two")], [KEYED]), "exactly one credential type")
    assert rule["rule"] == "[has(self.one), has(self.two)].exists_one(given, given)"
    assert "one of one, two" in rule["messageExpression"]


def test_the_type_stays() -> None:
    rule = rule_about(spec_of([Type("one"), Type("two")], [KEYED]), "cannot change")
    assert rule["rule"] == (
        "has(oldSelf.one) ? has(self.one) : has(oldSelf.two) ? has(self.two) : !has(self.one) && !has(self.two)"
    )


def test_the_source_secrets_keys_are_for_secret_fields_by_their_public_names() -> None:
    rule = rule_about(spec_of([Type("one")], [KEYED]), "must name fields of one: userName, word")
    assert rule["fieldPath"] == ".secretRef.keys"
    assert "field in ['userName', 'word']" in rule["rule"]


def test_a_targets_keys_are_for_public_and_secret_fields() -> None:
    rule = rule_about(spec_of([Type("one")], [KEYED]), "must take their keys from the fields of one")
    assert "in ['region', 'userName', 'word']" in rule["rule"]


def test_a_type_that_every_format_serves_has_no_rule_about_it() -> None:
    assert not [
        rule for rule in values.rules_of(spec_of([Type("one")], [PLAIN, KEYED])) if "serve" in rule["message"]
    ]


def test_a_format_that_cannot_serve_a_type_is_refused_with_those_that_can() -> None:
    formats = [KEYED, PLAIN, Format("demanding", needs=frozenset({"token"}))]
    rule = rule_about(spec_of([Type("one")], formats), "formats that can serve one: keyed, plain")
    assert rule["rule"].startswith("!has(self.one) || ")
    assert "target.format in ['keyed', 'plain']" in rule["rule"]


def test_a_type_of_any_fields_has_no_rule_that_lists_them() -> None:
    open_ended = Type("open", keys=_AnyKeys, variables={})
    rules = [*comparison.each(spec_of([Type("one"), open_ended], [PLAIN, KEYED]))]
    (readable,) = [rule for rule in rules if "open" in rule["message"]]
    assert readable["message"] == "must be a format that open can be read from: fields"
    assert [rule for rule in rules if "must name fields of one" in rule["message"]]


def test_a_format_that_needs_certain_fields_cannot_serve_a_type_of_any() -> None:
    formats = [KEYED, PLAIN, Format("demanding", needs=frozenset({"token"}))]
    open_ended = Type("open", keys=_AnyKeys, variables={})
    rule = rule_about(spec_of([open_ended], formats), "formats that can serve open: keyed, plain")
    assert "target.format in ['keyed', 'plain']" in rule["rule"]


def test_formats_are_listed_with_their_titles() -> None:
    field = target_of(PLAIN, KEYED)["properties"]["format"]
    assert field["enum"] == ["plain", "keyed"]
    assert "* plain: A format." in field["description"]


def test_without_options_there_is_no_field_for_them() -> None:
    assert "options" not in target_of(PLAIN, KEYED)["properties"]


def test_options_of_all_formats_are_described_together_and_without_defaults() -> None:
    options = target_of(Format("a", _Profile), Format("b", _Host), KEYED)["properties"]["options"]
    assert options["properties"].keys() == {"profile", "host"}
    assert "default" not in options["properties"]["profile"]
    assert options["properties"]["profile"]["description"] == "The profile. Default: default."
    assert "required" not in options


def test_an_option_of_another_format_is_refused_with_the_known_ones() -> None:
    target = target_of(Format("a", _Profile), Format("b", _Host), KEYED)
    assert rule_about(target, "format a takes the options profile: remove the others")["rule"] == (
        "self.format != 'a' || !has(self.options) || !(has(self.options.host))"
    )
    assert (
        "has(self.options.host) || has(self.options.profile)"
        in rule_about(target, "format keyed takes no options")["rule"]
    )


def test_an_option_that_a_format_needs_is_asked_for() -> None:
    rule = rule_about(
        target_of(Format("a", _Profile), Format("b", _Host), KEYED), "format b needs the option host"
    )
    assert rule["rule"] == "self.format != 'b' || has(self.options) && has(self.options.host)"


def test_two_formats_cannot_mean_different_things_by_one_option() -> None:
    with pytest.raises(ValueError, match="field profile: format b"):
        target_of(Format("a", _Profile), Format("b", _OtherProfile), KEYED)


def test_rules_across_options_are_refused_since_nobody_would_enforce_them() -> None:
    with pytest.raises(ValueError, match="format a"):
        target_of(Format("a", _Ruled), KEYED)


def test_keys_go_with_the_formats_that_have_them_as_an_option() -> None:
    target = target_of(PLAIN, KEYED)
    assert rule_about(target, "must be set for the format keyed")["rule"] == (
        "(self.format in ['keyed']) == (has(self.keys) && size(self.keys) > 0)"
    )


def test_while_all_secrets_are_of_one_type_any_format_can_follow_another() -> None:
    assert not [rule for rule in values.rules_of(target_of(PLAIN, KEYED)) if "oldSelf" in rule["rule"]]


def test_a_format_of_another_secret_type_needs_another_name() -> None:
    rule = rule_about(
        target_of(PLAIN, KEYED, Format("image", secret_type="docker")),
        "give the target another name",
    )
    kinds_of = "{'plain': 'Opaque', 'keyed': 'Opaque', 'image': 'docker'}"
    assert (
        rule["rule"] == f"self.name != oldSelf.name || {kinds_of}[self.format] == {kinds_of}[oldSelf.format]"
    )


def source_of(*sources: Source) -> dict[str, Any]:
    document: dict[str, Any] = spec_of([Type("one")], [KEYED], sources)["properties"]["secretRef"]
    return document


def test_without_layouts_a_source_has_its_fields_under_keys_of_their_own() -> None:
    properties = source_of()["properties"]
    assert properties["format"]["enum"] == ["fields"]
    assert "options" not in properties


def test_layouts_of_sources_are_listed_with_their_titles_and_fields_is_the_default() -> None:
    field = source_of(Source("zip"), Source("env"))["properties"]["format"]
    assert field["enum"] == ["env", "fields", "zip"]
    assert field["default"] == "fields"
    assert "* zip: A layout." in field["description"]


def test_keys_of_a_source_go_with_the_default_layout_only() -> None:
    rule = rule_about(source_of(Source("zip")), "must be set for the format fields only")
    assert rule["fieldPath"] == ".keys"
    assert rule["rule"].startswith("!has(self.format) || self.format == 'fields' || !has(self.keys)")


def test_an_option_of_another_layout_of_sources_is_refused_with_the_known_ones() -> None:
    source = source_of(Source("zip", _Profile), Source("tar", _Host))
    assert source["properties"]["options"]["properties"].keys() == {"profile", "host"}
    assert rule_about(source, "format zip takes the options profile: remove the others")["rule"] == (
        "self.format != 'zip' || !has(self.options) || !(has(self.options.host))"
    )
    assert rule_about(source, "format tar needs the option host")


def test_a_layout_that_a_type_cannot_be_read_from_is_refused_with_those_that_it_can() -> None:
    layouts = [Source("zip"), Source("demanding", needs=frozenset({"token"}))]
    rule = rule_about(
        spec_of([Type("one")], [KEYED], layouts), "a format that one can be read from: fields, zip"
    )
    assert rule["rule"] == (
        "!has(self.one) || self.?secretRef.?format.orValue('fields') == 'fields' || "
        "self.secretRef.format in ['fields', 'zip']"
    )
    assert rule["fieldPath"] == ".secretRef.format"


def test_a_type_with_an_undescribed_or_unbounded_field_is_refused() -> None:
    sloppy = pydantic.create_model("Sloppy", text=(str, ...))
    with pytest.raises(ValueError, match=r"Credential\.spec\.one\.text: has no description"):
        spec_of([Type("one", config=sloppy)], [KEYED])


def test_secret_fields_have_their_public_names() -> None:
    assert installed.secret_fields(Type("one")) == ["userName", "word"]


def test_the_schema_of_the_models_is_not_changed_by_what_is_installed() -> None:
    before = schema.of(_Config)
    spec_of([Type("one")], [KEYED])
    assert schema.of(_Config) == before


class _Role(contract.WorkloadIdentity):
    """A role besides."""

    role: Short
    """The role."""


class _Account(contract.WorkloadIdentity):
    """An account besides."""

    account: Short | None = None
    """The account."""


@dataclasses.dataclass(frozen=True)
class Keyless(Type):
    """A type that needs no stored key."""

    workload_identity: type[pydantic.BaseModel] = _Role


@dataclasses.dataclass(frozen=True)
class Telling(Type):
    """A type whose provider tells more."""

    grants: str = "yes"
    reach: str = "yes"


def test_what_only_some_types_can_do_is_refused_for_the_others_with_their_names() -> None:
    spec = spec_of([Type("one"), Telling("two"), Keyless("three")], [KEYED])
    permissions = rule_about(spec, "can be set for the types two: no other type's provider tells")
    assert permissions["rule"].endswith("|| type in ['two']")
    assert permissions["fieldPath"] == ".validation.permissions"
    assert rule_about(spec, "can be set for the types two: keys of other")["fieldPath"] == ".discoverReach"
    assert rule_about(spec, "can be set for the types three: a key")["fieldPath"] == ".workloadIdentity"


def test_without_such_types_nothing_of_the_kind_can_be_set() -> None:
    spec = spec_of([Type("one")], [KEYED])
    assert "workloadIdentity" not in spec["properties"]
    assert rule_about(spec, "keys of other types see no accounts")["rule"].endswith("|| type in []")


def test_identities_of_all_types_are_described_together_and_each_type_takes_its_own() -> None:
    spec = spec_of([Keyless("one"), Keyless("two", workload_identity=_Account)], [KEYED])
    identity = spec["properties"]["workloadIdentity"]
    assert identity["properties"].keys() == {"serviceAccountName", "audience", "role", "account"}
    assert identity["required"] == ["serviceAccountName"]
    takes = rule_about(spec, "takes audience, role, serviceAccountName for the type one: remove the others")
    assert takes["rule"] == (
        "!has(self.one) || !has(self.workloadIdentity) || !(has(self.workloadIdentity.account))"
    )
    assert rule_about(spec, "needs role for the type one")["rule"].endswith("has(self.workloadIdentity.role)")


def test_types_that_need_the_same_of_an_identity_have_no_rule_about_it() -> None:
    assert not [
        rule
        for rule in values.rules_of(spec_of([Keyless("one"), Keyless("two")], [KEYED]))
        if "takes" in rule["message"]
    ]
