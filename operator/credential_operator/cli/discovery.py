"""Secrets that look like keys, and what could be made of them: by the names of their keys, never by values. Pure."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from credential_operator import errors, formats, layouts, providers
from credential_operator.api import credential, installed, schema
from credential_operator.cli import manifests, trial
from credential_operator.cli.documents import GROUP
from credential_operator.cli.making import New
from credential_operator.cli.proposals import Proposal
from credential_operator.formats import contract as layout_contract
from credential_operator.providers import contract

Json = Mapping[str, Any]
Provider = contract.Provider[Any, Any]
Place = tuple[str, str]
"""Namespace and name."""

TYPES = frozenset({"Opaque", "kubernetes.io/basic-auth", "kubernetes.io/dockerconfigjson"})
"""Types of Secrets that people keep keys in."""
TOO_GENERAL: Mapping[str, frozenset[str]] = {"apiKey": frozenset({"key"})}
"""Names of fields that say nothing of what stands under them, by the type that has them."""
NOT_PROPOSED = frozenset({"opaque", "azureEnterprise"})
"""Types that anything would be, or nobody should have any more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a Secret may be: its type, its layout, the public fields that it says, and the keys that tell."""

    provider: Provider
    layout: str
    config: Mapping[str, str]
    keys: Sequence[str]
    reference: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What `secretRef` says besides the name and the layout."""


def proposals(secrets: Iterable[Json], credentials: Iterable[Json]) -> Iterator[Proposal]:
    """Gives a proposal for each Secret that looks like a key and that no Credential has."""
    known = {place for one in credentials for place in named_by(one)}
    for secret in secrets:
        metadata = secret["metadata"]
        if (metadata["namespace"], metadata["name"]) in known or not _is_peoples(secret):
            continue
        guess = best(trial.data(secret))
        if guess is not None:
            yield proposal(metadata["namespace"], metadata["name"], guess)


def best(data: Mapping[str, bytes]) -> Guess | None:
    """Gives what explains the most of a Secret's keys; None where nothing does."""
    found = [guess for provider in providers.find().values() for guess in _guesses(provider, data)]
    # Where two explain the same, the one that is known by more of what is public is more special.
    return max(found, key=lambda one: (len(one.keys), len(one.config)), default=None)


def _guesses(provider: Provider, data: Mapping[str, bytes]) -> Iterator[Guess]:
    """Gives the layouts in which a Secret is a whole key of a type, as far as can be told without a call."""
    if provider.name in NOT_PROPOSED:
        return
    for name, found in _readings(provider, data):
        config = dict(public(provider, found.facts))
        if not found.values or not required(provider) <= config.keys():
            continue
        reading = trial.Reading()
        try:
            read = reading.read(provider.config, config, "spec")
            reading.end()
            provider.inspect(read, contract.load(provider, found.values, {}))
        except errors.CredentialError:
            continue
        yield Guess(provider=provider, layout=name, config=config, keys=_explained(name, found, config, data))


def _readings(provider: Provider, data: Mapping[str, bytes]) -> Iterator[tuple[str, layout_contract.Found]]:
    """Reads a Secret in every layout that a type has."""
    yield credential.FIELDS, _by_name(provider, data)
    sources = formats.sources()
    for name in installed.sources_of(provider, sources.values()):
        source = sources[name]
        if name == "env":
            continue
        for chosen in source.choices(data) if isinstance(source, layout_contract.Choosing) else [{}]:
            asked = layout_contract.Asked(
                secret=frozenset(installed.secret_fields(provider)), variables=provider.variables, spec=chosen
            )
            try:
                found = source.read(data, source.source_options(), asked)
            except errors.CredentialError:
                continue
            yield name, dataclasses.replace(found, facts={**found.facts, **chosen})


def _by_name(provider: Provider, data: Mapping[str, bytes]) -> layout_contract.Found:
    """Takes fields by their own names, or the provider's usual variables."""
    secret = installed.secret_fields(provider)
    there = {
        field: next((one for one in spelt if one in data), "") for field, spelt in spellings(provider).items()
    }
    return layout_contract.Found(
        values={field: data[there[field]] for field in secret if there[field]},
        facts={
            field: data[name].decode(errors="replace").strip()
            for field, name in there.items()
            if name and field not in secret
        },
        places=there,
    )


def spellings(provider: Provider) -> dict[str, list[str]]:
    """Gives the names under which each field may stand: its own, and the provider's usual variables."""
    general = TOO_GENERAL.get(provider.name, frozenset())
    return {
        field: [name for name in (field, *provider.variables.get(field, ())) if name not in general]
        for field in (*installed.secret_fields(provider), *provider.variables)
    }


def public(provider: Provider, facts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Gives public fields that have the form of one: what has none may be key material in the wrong place."""
    forms = {
        field.alias or name: field.rebuild_annotation()
        for name, field in provider.config.model_fields.items()
    }
    for field, value in sorted(facts.items()):
        if field in forms and layouts.has_form(forms[field], value):
            yield field, value


def required(provider: Provider) -> set[str]:
    """Names the public fields that a type cannot do without."""
    return {*schema.of(provider.config).get("required", ())}


def _explained(
    layout: str, found: layout_contract.Found, config: Mapping[str, str], data: Mapping[str, bytes]
) -> list[str]:
    """Names the keys of a Secret that a reading accounts for; a file accounts for the one that it is."""
    if layout != credential.FIELDS:
        return sorted(data)[:1]
    return sorted({found.places[field] for field in (*found.values, *config)})


def named_by(one: Json) -> Iterator[Place]:
    """Names the Secrets that a Credential has: its source, the keys that are made for it, its targets."""
    spec, namespace = one["spec"], one["metadata"]["namespace"]
    names = [(spec.get("secretRef") or {}).get("name"), (spec.get("rotation") or {}).get("store")]
    yield from (
        (namespace, str(name))
        for name in (*names, *(each["name"] for each in spec.get("targets", ())))
        if name
    )


def _is_peoples(secret: Json) -> bool:
    """Tells whether people keep it: of a type for keys, and not written by the operator."""
    metadata = secret["metadata"]
    ours = any(name.startswith(f"{GROUP}/") for name in metadata.get("labels") or ())
    return secret.get("type", "Opaque") in TYPES and not ours


def proposal(namespace: str, name: str, guess: Guess) -> Proposal:
    """Gives a Credential for a Secret that stays as it is."""
    own = name.removesuffix("-keys").removesuffix("-credentials")[:63].strip(".-") or name
    layout = {} if guess.layout == credential.FIELDS else {"format": guess.layout}
    reference = {"name": name, **layout, **guess.reference}
    spec = {guess.provider.name: dict(guess.config), "secretRef": reference}
    return Proposal(
        name=f"Secret {namespace}/{name}",
        new=New(credential=manifests.credential(own, namespace, spec, {}), secret=None),
        said=[f"Known by its {'keys' if guess.keys[1:] else 'key'} {', '.join(guess.keys)}."],
    )
