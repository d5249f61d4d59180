"""A change that would break stored objects, or manifests that people keep, does not go unnoticed.

`tests/golden/crds/v1beta1` holds the schemas of the last release. Releasing copies crds/*.yaml there.
"""

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pytest
import yaml

from credential_operator import formats, providers
from credential_operator.api import credential, kinds, reference, schema, values
from unit.comparison import at, broken

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "crds" / "v1beta1"
KINDS = ("credentials", "credentialreferences")

ACCEPTED: Mapping[str, str] = {}
"""Findings that are known to break nobody -> why. Emptied with every release."""

REMEDY = """

Objects in clusters, and manifests in people's repositories, were written for the last release. Either
  * make the change so that they stay good: keep the field, give a new one a default, let a new rule pass what
    is stored (`optional_old_self=True` and `oldSelf.hasValue() || ...`, or `!has(self.newField) || ...`), or
  * bring a new version of the API beside this one, with a conversion, or
  * where it is certain that nobody can be hit, add the line to ACCEPTED with the reason.
"""

Json = dict[str, Any]


def golden(kind: str) -> Json:
    return dict(yaml.safe_load((GOLDEN / f"{kind}.yaml").read_text()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_good_in_the_last_release_is_good_now(kind: str) -> None:
    now = yaml.safe_load((ROOT / "crds" / f"{kind}.yaml").read_text())
    findings = [finding for finding in broken(golden(kind), now) if finding not in ACCEPTED]
    assert not findings, "\n".join(["", *findings]) + REMEDY


@pytest.mark.parametrize("path", sorted((GOLDEN / "objects").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_operator_reads_the_objects_of_the_last_release(path: Path) -> None:
    for stored in yaml.safe_load_all(path.read_text()):
        if stored["kind"] == "CredentialReference":
            reference.Spec.model_validate(stored["spec"])
        else:
            name, config, rest = credential.split(stored["spec"])
            provider, spec = providers.find()[name], credential.Spec.model_validate(rest)
            provider.config.model_validate(config)
            if spec.secret_ref is not None and spec.secret_ref.format != credential.FIELDS:
                source = formats.sources()[spec.secret_ref.format]
                source.source_options.model_validate(spec.secret_ref.options)
            for target in spec.targets:
                keys = {"keys": target.keys} if target.keys else {}
                formats.find()[target.format].options.model_validate({**target.options, **keys})


# The comparison itself: each line changes the last release's schema in one way.

TARGET = ("properties", "spec", "properties", "targets", "items", "properties")
SPEC = ("properties", "spec")


def changed(change: Callable[[Json], object]) -> list[str]:
    old = golden("credentials")
    new = copy.deepcopy(old)
    change(new["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    return broken(old, new)


def setting(*path: str, **words: Any) -> Callable[[Json], object]:
    return lambda root: at(root, path).update(words)


def without(*path: str) -> Callable[[Json], object]:
    return lambda root: at(root, path[:-1]).pop(path[-1])


def rule(*path: str, text: str, **words: Any) -> Callable[[Json], object]:
    return lambda root: (
        at(root, path).setdefault(schema.RULES, []).append({"rule": text, "message": "", **words})
    )


BREAKING = {
    "a field goes": (without(*SPEC, "properties", "displayName"), "spec.displayName is gone"),
    "a field becomes required": (
        setting(*SPEC, required=["owner"]),
        "spec.owner is newly required",
    ),
    "a type changes": (
        setting(*SPEC, "properties", "suspend", type="string"),
        "spec.suspend: type was boolean",
    ),
    "a value goes": (
        setting(*SPEC, "properties", "whenReferenced", enum=["Refuse"]),
        "whenReferenced: enum was",
    ),
    "a free text gets values": (
        setting(*SPEC, "properties", "displayName", enum=["a"]),
        "displayName: enum was None",
    ),
    "a text gets shorter": (
        setting(*SPEC, "properties", "displayName", maxLength=9),
        "maxLength was 128 and is 9",
    ),
    "a text gets a least length": (
        setting(*SPEC, "properties", "displayName", minLength=1),
        "minLength was None",
    ),
    "a list gets shorter": (setting(*SPEC, "properties", "targets", maxItems=1), "targets: maxItems was 16"),
    "a pattern comes": (
        setting(*SPEC, "properties", "displayName", pattern="a"),
        "displayName: pattern was None",
    ),
    "a default changes": (
        setting(*SPEC, "properties", "suspend", default=True),
        "suspend: default was False",
    ),
    "a list merges otherwise": (
        setting(*SPEC, "properties", "targets", **{"x-kubernetes-list-type": "atomic"}),
        "x-kubernetes-list-type was map",
    ),
    "a map becomes an object": (
        without(*TARGET, "labels", "additionalProperties"),
        "additionalProperties came or went",
    ),
    "a text in a map gets shorter": (
        setting(*TARGET, "labels", "additionalProperties", maxLength=1),
        "labels.*: maxLength was 63",
    ),
    "a text in a list gets shorter": (
        setting(*TARGET, "name", maxLength=1),
        "targets[].name: maxLength was 253",
    ),
    "a rule comes": (rule(*SPEC, text="has(self.owner)"), "spec: rule is new or stricter: has(self.owner)"),
    "a rule comes for a text": (
        rule(*SPEC, "properties", "displayName", text="self != ''"),
        "rule is new or stricter",
    ),
    "a rule about a change comes": (
        rule(*SPEC, text="self == oldSelf"),
        "rule is new or stricter: self == oldSelf",
    ),
    "a rule wants a new field": (
        lambda root: (
            setting(*SPEC, "properties", aardvark={"type": "object"})(root),
            rule(*SPEC, text="has(self.aardvark)")(root),
        ),
        "rule is new or stricter: has(self.aardvark)",
    ),
}

HARMLESS = {
    "a description changes": setting(*SPEC, description="other words"),
    "a field comes": setting(*SPEC, "properties", note={"type": "string"}),
    "a required field with a default comes": lambda root: (
        setting(*SPEC, "properties", note={"type": "string", "default": "x"})(root),
        setting(*SPEC, required=["note"])(root),
    ),
    "a text gets longer": setting(*SPEC, "properties", "displayName", maxLength=999),
    "a value comes": setting(*SPEC, "properties", "whenReferenced", enum=["Refuse", "Hold", "Never"]),
    "a rule goes": lambda root: at(root, SPEC).pop(schema.RULES),
    "a rule comes for new values only": rule(
        *SPEC, "properties", "displayName", text="oldSelf.hasValue() || self != ''", optionalOldSelf=True
    ),
    "a rule about a new field comes": lambda root: (
        setting(*SPEC, "properties", aardvark={"type": "object"})(root),
        rule(*SPEC, text="!has(self.aardvark) || has(self.owner)")(root),
    ),
}


@pytest.mark.parametrize(("change", "finding"), BREAKING.values(), ids=BREAKING)
def test_a_change_that_breaks_is_found(change: Callable[[Json], object], finding: str) -> None:
    assert finding in "\n".join(changed(change))


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_breaks_nothing_is_let_pass(change: Callable[[Json], object]) -> None:
    assert changed(change) == []


@pytest.mark.parametrize(
    ("path", "finding"),
    [(("group",), "group was"), (("names", "kind"), "names.kind was"), (("scope",), "scope was")],
)
def test_another_name_is_found(path: tuple[str, ...], finding: str) -> None:
    old = golden("credentials")
    new = copy.deepcopy(old)
    at(new["spec"], path[:-1])[path[-1]] = "other"
    assert finding in "\n".join(broken(old, new))


def test_a_version_or_a_short_name_that_goes_is_found() -> None:
    old = golden("credentials")
    new = copy.deepcopy(old)
    new["spec"]["versions"][0]["served"] = False
    new["spec"]["names"]["shortNames"] = []
    assert broken(old, new) == ["names.shortNames lost cred", "v1beta1 is not served any more"]


def another(thing: Any, **changes: Any) -> Any:
    """A credential type or a format that differs from another in what is said here."""
    return type("Another", (type(thing),), changes)()


class _Options(values.Model):
    """Options of a format to come."""

    host: Annotated[str, pydantic.Field(max_length=63)]
    """The host."""


def test_more_credential_types_and_formats_break_nothing() -> None:
    """The rules that list them grow, and mean the same to stored objects."""
    types, layouts = [*providers.find().values()], [*formats.find().values()]
    sources = [*formats.sources().values()]
    docker = another(
        formats.find()["env"],
        name="docker",
        options=_Options,
        source_options=_Options,
        secret_type="docker",
        serves=lambda _, fields: "host" in fields,
    )
    keyed = another(formats.find()["fields"], name="keyed")
    zeta = another(docker, name="zeta", secret_type="zeta")
    first, last = (another(types[0], name=name) for name in ("aardvark", "zero"))
    releases = [
        kinds.crds(types, layouts, sources),
        kinds.crds([first, *types], [docker, *layouts], [docker, *sources]),
        kinds.crds([first, *types, last], [docker, keyed, *layouts, zeta], [docker, *sources, zeta]),
    ]
    for before, after in itertools.pairwise(releases):
        for old, new in zip(before, after, strict=True):
            assert broken(old, new) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("field in ['accessKeyID', ", "field in ["),
        ("in ['env-file', 'fields', 'ini', 'json']", "in ['env', 'env-file', 'fields', 'ini', 'json']"),
        ("!(has(self.options.profile))", "!has(self.options.profile) || false"),
    ],
    ids=["a field is lost", "an old format gets keys", "a rule is written otherwise"],
)
def test_a_list_that_changes_for_stored_objects_is_found(before: str, after: str) -> None:
    text = json.dumps(golden("credentials"))
    assert before in text
    assert broken(json.loads(text), json.loads(text.replace(before, after)))
