"""The rules of short-lived keys: which kinds there are, for whom, in which formats, and what each needs to know."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from cluster.cases.case import Case, probing
from cluster.crds import Json, spec
from credential_operator import formats, providers
from credential_operator.api import issuing
from credential_operator.providers import issue

NEEDED: dict[str, Json] = {
    "ImpersonatedAccessToken": {"serviceAccount": "backup@example-project.iam.gserviceaccount.com"},
    "RegistryPassword": {"registry": "registry.example.com"},
}
"""What a kind needs to know -> what is written for it."""
FIELDS = (
    ("duration", "must be a duration from 15m to 12h", "15m", "5m"),
    (
        "roleARN",
        "must be the ARN of a role",
        "arn:aws:iam::123456789012:role/backup",
        "arn:aws:iam::123456789012:user/backup",
    ),
    ("externalID", "must be an external ID", "5f0c6e0e", "5f0c 6e0e"),
    ("sessionTags", "every key must be a tag's key", {"team": "b"}, {"team!": "b"}),
    (
        "serviceAccount",
        "must be the email of a service account",
        "backup@example-project.iam.gserviceaccount.com",
        "backup",
    ),
    (
        "scopes[0]",
        "must be a scope without white space",
        ["https://www.googleapis.com/auth/cloud-platform"],
        ["a b"],
    ),
    ("registry", "must be a registry's host", "europe-docker.pkg.dev", "https://europe-docker.pkg.dev"),
    ("sessionTags[team]", "must be a tag's value", {"team": "$(namespace)"}, {"team": "$(uid)"}),
)
"""Fields of kinds: what is said, something good and something bad."""


def kinds() -> Iterator[tuple[Any, Any]]:
    """Yield every type with each of its kinds."""
    for provider in providers.find().values():
        for kind in issue.kinds(provider).values():
            yield provider, kind


def form(name: str, **changes: Any) -> Json:
    """Return an `issue` of a kind."""
    return {"kind": name, **NEEDED.get(name, {}), **changes}


def typed(provider: Any, **changes: Any) -> Json:
    """Return a spec of a type."""
    return {**spec(without="aws", **changes), provider.name: dict(provider.example)}


def issued(provider: Any, name: str, **changes: Any) -> Json:
    """Return a spec of a type whose target has a short-lived key."""
    return _targeted(provider, "env", form(name, **changes))


def _targeted(provider: Any, layout: str, issue: Json) -> Json:
    return typed(provider, targets=[{"name": "a", "format": layout, "issue": issue}])


def keyed(provider: Any, name: str, field: str) -> Json:
    """Return a spec of a type whose target has a field of a short-lived key under a key of its own."""
    target = {"name": "a", "format": "fields", "keys": {"it": field}, "issue": form(name)}
    return typed(provider, targets=[target])


def shared(provider: Any, **forms: Any) -> Json:
    """Return a spec of a type that others get in certain forms."""
    return typed(provider, allowedNamespaces={"all": True, "as": forms})


def of_kinds() -> Iterator[tuple[str, Case]]:
    """Yield the examples of the rules that each kind of each type brings."""
    for provider, kind in kinds():
        name = f"{kind.name} of {provider.name}"
        served = issuing.formats_of(kind, formats.find().values())
        others = sorted(set(formats.find()) - set(served))
        if others:
            yield (
                f"the {name} has a format that can hold it",
                Case(
                    "spec.targets",
                    f"must have formats that can serve the {name}: ",
                    good=issued(provider, kind.name),
                    bad=_targeted(provider, others[0], form(kind.name)),
                ),
            )
        yield (
            f"a target's keys take the fields of the {name}",
            Case(
                "spec.targets",
                f"must take their keys from the fields of the {name}: ",
                good=keyed(provider, kind.name, "expiresAt"),
                bad=keyed(provider, kind.name, "unheard"),
            ),
        )


def of_types() -> Iterator[tuple[str, Case]]:
    """Yield the examples of the rules that each type with kinds brings."""
    every = {kind.name for _, kind in kinds()}
    for provider in providers.find().values():
        own = issue.kinds(provider)
        foreign = sorted(every - set(own))
        if own and foreign:
            says = f"issue must be a kind that {provider.name} has: {', '.join(own)}"
            yield (
                f"{provider.name} has a kind of its own",
                Case(
                    "spec.targets",
                    says,
                    good=issued(provider, next(iter(own))),
                    bad=issued(provider, foreign[0]),
                ),
            )
            yield (
                f"others get a kind that {provider.name} has",
                Case(
                    "spec.allowedNamespaces",
                    f"as.{says}",
                    good=shared(provider, issue=form(next(iter(own)))),
                    bad=shared(provider, issue=form(foreign[0])),
                ),
            )


def of_fields() -> Iterator[tuple[str, Case]]:
    """Yield the examples of the rules of what kinds need to know."""
    for path, says, good, bad in FIELDS:
        field = path.partition("[")[0]
        provider, kind = next(
            (provider, kind)
            for provider, kind in kinds()
            if field in {one.alias for one in kind.options.model_fields.values()}
        )
        yield (
            f"a short-lived key has a {path} that there can be",
            Case(
                f"spec.targets[0].issue.{path}",
                says,
                good=issued(provider, kind.name, **{field: good}),
                bad=issued(provider, kind.name, **{field: bad}),
            ),
        )
    taken: dict[str, tuple[Any, Any]] = {kind.name: (provider, kind) for provider, kind in kinds()}
    aliases = {
        name: {one.alias for one in kind.options.model_fields.values()} for name, (_, kind) in taken.items()
    }
    for name, (provider, _) in taken.items():
        if foreign := sorted(set().union(*aliases.values()) - aliases[name]):
            yield (
                f"a {name} is told what it takes",
                Case(
                    "spec.targets[0].issue",
                    f"kind {name} takes {', '.join(sorted(aliases[name])) or 'nothing'} besides: remove the others",
                    good=issued(provider, name),
                    bad=issued(provider, name, **{foreign[0]: _some(foreign[0])}),
                ),
            )
        for field in NEEDED.get(name, ()):
            yield (
                f"a {name} is told its {field}",
                Case(
                    "spec.targets[0].issue",
                    f"kind {name} needs {field}",
                    good=issued(provider, name),
                    bad=issued(provider, name, **{field: None}),
                ),
            )


def _some(field: str) -> Any:
    """Return something good for a field."""
    known = {path: good for path, _, good, _ in FIELDS}
    return known.get(field) or next(needed[field] for needed in NEEDED.values() if field in needed)


def for_others(cases: dict[str, Case]) -> dict[str, Case]:
    """Return the examples of rules that an `issue` has, for what others get."""
    return {
        f"{name} (for others)": dataclasses.replace(
            case,
            path=case.path.replace("spec.targets[0].issue", "spec.allowedNamespaces.as.issue"),
            good=_granting(case.good),
            bad=_granting(case.bad),
        )
        for name, case in cases.items()
    }


def _granting(whole: Json) -> Json:
    (target,) = whole["targets"]
    others = {name: value for name, value in whole.items() if name != "targets"}
    return {**others, "allowedNamespaces": {"all": True, "as": {"issue": target["issue"]}}}


AWS = providers.find()["aws"]
OWN = dict(of_fields())
CASES = {
    "others get a key in some form": Case(
        "spec.allowedNamespaces.as",
        "must say in which forms: formats, issue or both",
        good=shared(AWS, issue=form("SessionToken")),
        bad=shared(AWS),
    ),
    "short-lived keys are issued where a provider makes some": Case(
        "spec.targets",
        "short-lived keys can be issued for the types ",
        good=issued(AWS, "SessionToken"),
        bad=probing("basic") | {"targets": [{"name": "a", "format": "env", "issue": form("SessionToken")}]},
    ),
    "others are given short-lived keys where a provider makes some": Case(
        "spec.allowedNamespaces",
        "short-lived keys can be issued for the types ",
        good=shared(AWS, issue=form("SessionToken")),
        bad=probing("basic") | {"allowedNamespaces": {"all": True, "as": {"issue": form("SessionToken")}}},
    ),
    **dict(of_types()),
    **dict(of_kinds()),
    **OWN,
    **for_others(OWN),
}
