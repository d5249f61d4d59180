"""Which Credential a reference means: the one that it names, or the one that its selector finds. Pure."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from credential_operator import grants, inventory, naming, objects
from credential_operator.situation import State

Json = dict[str, Any]

SHOWN = 5
"""How many names a message lists."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The Credential that is meant, or why there is none to mean."""

    key: objects.Key | None = None
    refusal: State | None = None


def choose(reference: Json, candidates: Iterable[Json]) -> Choice:
    """Finds the Credential that a reference means.

    `candidates` are the Credentials of the selector's namespace that its owner shares with the reference's: what is
    not granted is not looked at, and a message that lists nothing else tells nothing else.
    """
    named = naming.named_by(reference)
    if named is not None:
        return Choice(key=named)
    selector = reference["spec"]["credentialSelector"]
    found = sorted(inventory.key_of(one) for one in candidates if matches(selector, one))
    if len(found) == 1:
        return Choice(key=found[0])
    if not found:
        return Choice(
            refusal=State("False", "NotGranted", "There is no Credential that matches and may be used.")
        )
    names = ", ".join(key.name for key in found[:SHOWN]) + (" and others" if len(found) > SHOWN else "")
    message = f"{len(found)} Credentials match, and must be one: {names}. Name one, or more of its labels."
    return Choice(refusal=State("False", "Ambiguous", message))


def matches(selector: Json, credential: Json) -> bool:
    """Tells whether a selector matches a Credential: one of its types, and all of its labels."""
    types, labels = selector.get("types"), credential["metadata"].get("labels", {})
    if types and not any(name in credential["spec"] for name in types):
        return False
    return grants.selects({"matchLabels": selector.get("matchLabels", {})}, labels)


def bound_to(reference: Json, credential: Json) -> bool:
    """Tells whether a Credential is the one that a selecting reference was bound to, if it was to any."""
    known = reference["status"].get("credential")
    if "credentialSelector" not in reference["spec"] or known is None:
        return True
    return bool(known["uid"] == credential["metadata"]["uid"])
