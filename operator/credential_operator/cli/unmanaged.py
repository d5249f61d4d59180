"""Secrets that workloads use for well-known keys and that no Credential manages: by what Pods say of them. Pure.

Nothing here has seen a Secret. `discovery` looks into those that its user may read.
"""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from credential_operator import providers
from credential_operator.api import credential, facts, installed, reports
from credential_operator.cli import discovery
from credential_operator.cli.description import Consumers
from credential_operator.cli.discovery import Guess, Place, Provider
from credential_operator.cli.documents import Credential, Reference
from credential_operator.cli.mentions import PULL_KEY, Mention

SAYS_NOTHING: Mapping[str, frozenset[str]] = {
    "jwt": frozenset({"token", "signingKey"}),
    "oracle": frozenset({"privateKey", "passphrase"}),
}
"""Fields whose own names say nothing where what stands under them cannot be looked at."""
POINTERS: Mapping[str, tuple[str, str]] = {
    "AWS_SHARED_CREDENTIALS_FILE": ("aws", "aws-credentials-file"),
    "GOOGLE_APPLICATION_CREDENTIALS": ("google", "google-key-file"),
    "AZURE_AUTH_LOCATION": ("azure", "azure-sdk-auth"),
    "AZURE_CREDENTIALS_FILE": ("azure", "velero"),
}
"""Variables that name a file -> the type of its key, and its layout."""
USUAL_FILES = frozenset({"credentials", "cloud", "credentials.json", "key.json"})
"""Where layouts look for their file by themselves."""
DEFAULT_REGISTRY = "docker.io"


def managed(credentials: Iterable[Credential], references: Iterable[Reference]) -> set[Place]:
    """Names the Secrets that Credentials have: sources, targets, and those of borrowers."""
    own = {place for one in credentials for place in discovery.named_by(one.document)}
    borrowed = {(one.user.namespace, str(one.target["name"])) for one in references if one.target}
    return own | borrowed


def loose(
    found: Iterable[Mention], known: Collection[Place], consumers: Consumers
) -> tuple[list[reports.Loose], list[reports.Loose]]:
    """Gives those that hold well-known keys, and those that nobody can tell of without reading them."""
    told, unseen = [], []
    for mention in found:
        place = (mention.namespace, mention.name)
        if place in known:
            continue
        users = tuple(facts.User(**user._asdict()) for user in consumers.get(place, ()))
        about = {"namespace": mention.namespace, "name": mention.name, "users": users}
        said = _said(mention)
        if said is not None:
            told.append(reports.Loose(**about, keys=tuple(sorted(mention.keys)), **said))
        elif mention.whole and not mention.keys:
            unseen.append(reports.Loose(**about))
    return told, unseen


@dataclasses.dataclass(frozen=True, slots=True)
class _Lead:
    """What a Secret may be, and the fields of that which no Pod says anything of."""

    guess: Guess
    lacking: Sequence[str]

    @property
    def weight(self) -> tuple[bool, int, int]:
        """What explains all comes first, then what explains more of it."""
        return not self.lacking, len(self.guess.keys), len(self.guess.config)


def _said(mention: Mention) -> dict[str, Any] | None:
    """Says what a Secret may be, and proposes a Credential; None where nothing tells that it is a key."""
    named = [lead for one in providers.find().values() for lead in _by_names(one, mention)]
    leads = [*named, *_by_files(mention)]
    types = sorted({lead.guess.provider.name for lead in leads})
    look = f"kubectl credential import --discover -n {mention.namespace}"
    if not leads:
        return None
    if len(types) > 1 and not named:
        return {"said": (f"It holds a file for {' or '.join(types)}: `{look}` tells which.",)}
    best = max(leads, key=lambda lead: lead.weight)
    made = discovery.proposal(mention.namespace, mention.name, best.guess)
    told: dict[str, Any] = {"type": best.guess.provider.name}
    if best.lacking:
        needed = f"{', '.join(best.lacking)}: needed, and no Pod says it. `{look}` looks into the Secret."
        return {**told, "said": (*made.said, needed)}
    return {**told, "said": tuple(made.said), "manifest": made.new.credential if made.new else None}


def _by_names(provider: Provider, mention: Mention) -> Iterator[_Lead]:
    """Yields the type whose fields a Secret has under their own names, or containers under the usual variables."""
    if provider.name in discovery.NOT_PROPOSED:
        return
    secret = installed.secret_fields(provider)
    there = {field: key for field in secret if (key := _key_of(provider, field, mention))}
    needed = [name for name in _needed(provider) if name not in there]
    specific = any(
        "_" in name
        for field, key in there.items()
        for name in {key, *mention.keys[key]} & {*provider.variables.get(field, ())}
    )
    if not there or (needed and not specific):
        return
    renamed = {field: key for field, key in there.items() if key not in discovery.spellings(provider)[field]}
    yield _lead(
        provider,
        mention,
        keys=[*there.values()],
        lacking=needed,
        reference={"keys": renamed} if renamed else {},
    )


def _key_of(provider: Provider, field: str, mention: Mention) -> str:
    """Gives the key of a Secret under which a field stands; nothing where none is it."""
    mute = SAYS_NOTHING.get(provider.name, frozenset())
    names = [name for name in discovery.spellings(provider)[field] if name not in mute]
    own = (key for key in names if key in mention.keys)
    variables = {*provider.variables.get(field, ())}
    held = (key for key, used in sorted(mention.keys.items()) if variables & used)
    return next(own, "") or next(held, "")


def _needed(provider: Provider) -> list[str]:
    return [field.alias or name for name, field in provider.keys.model_fields.items() if field.is_required()]


def _by_files(mention: Mention) -> Iterator[_Lead]:
    """Yields the types that keep their keys in a file that containers are pointed to, or pull images with."""
    known = providers.find()
    if PULL_KEY in mention.keys:
        yield _lead(known["registry"], mention, layout="docker-registry", keys=[PULL_KEY])
    for key, used in sorted(mention.keys.items()):
        for name, layout in sorted({POINTERS[variable] for variable in used & POINTERS.keys()}):
            reference = {} if key in USUAL_FILES else {"options": {"key": key}}
            yield _lead(known[name], mention, layout=layout, keys=[key], reference=reference)


def _lead(
    provider: Provider,
    mention: Mention,
    *,
    keys: Sequence[str],
    layout: str = credential.FIELDS,
    lacking: Sequence[str] = (),
    reference: Mapping[str, Any] = MappingProxyType({}),
) -> _Lead:
    config = dict(_public(provider, mention))
    needed = sorted(discovery.required(provider) - config.keys())
    guess = Guess(provider=provider, layout=layout, config=config, keys=sorted({*keys}), reference=reference)
    return _Lead(guess, [*lacking, *needed])


def _public(provider: Provider, mention: Mention) -> Iterator[tuple[str, str]]:
    """Gives the public fields that stand in plain beside the key, and alike wherever they do."""
    said = {
        field: {value for name in names for value in mention.beside.get(name, ())}
        for field, names in provider.variables.items()
        if field not in installed.secret_fields(provider)
    }
    hosts = {_host(image) for image in mention.images}
    said |= {"host": said.get("host") or hosts} if provider.name == "registry" else {}
    alike = {field: next(iter(values)) for field, values in said.items() if len(values) == 1}
    yield from discovery.public(provider, alike)


def _host(image: str) -> str:
    """Gives the registry of an image: what stands before the first slash, where that is the name of a host."""
    first, slash, _ = image.partition("/")
    return first if slash and (set(".:") & set(first) or first == "localhost") else DEFAULT_REGISTRY
