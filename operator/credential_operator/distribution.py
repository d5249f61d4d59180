"""Distribution: which references the operator keeps for a Credential in the namespaces of others. Pure."""

import dataclasses
from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any, NamedTuple

from credential_operator import cluster, findings, grants, handouts, inventory, objects, references
from credential_operator.handouts import OFFER, TARGET

Json = dict[str, Any]
Labels = Mapping[str, str] | None
"""The labels of a namespace; None where they are not known."""

SHOWN = 10
"""How many names a status lists."""
LONGEST_MESSAGE = 1024
"""How many characters of the API server's words it shows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What there is of a distribution, and what is to be done about it.

    `wanted`: how many namespaces are to have a reference, `made`: how many have it, `published`: how many of these
    have a Secret. `conflicts`: whose name is taken by somebody's own. Then the namespaces in which to make one, the
    references whose target is to be changed, and those to remove.
    """

    wanted: int = 0
    made: int = 0
    published: int = 0
    conflicts: tuple[findings.User, ...] = ()
    make: tuple[str, ...] = ()
    change: tuple[objects.Key, ...] = ()
    remove: tuple[objects.Key, ...] = ()

    @property
    def due(self) -> bool:
        """Whether there is anything to be done."""
        return bool(self.make or self.change or self.remove)


def plan(
    credential: Json,
    places: Mapping[str, Labels],
    *,
    leaving: Container[str],
    there: Container[objects.Key],
    given: handouts.Handouts,
) -> Plan:
    """Decides what to do for a Credential.

    `places` are the namespaces that are served; of those in `leaving`, which are being deleted, nothing is touched.
    `there` has all references that there are, `given` those that the operator made.
    """
    key = inventory.key_of(credential)
    if "deletionTimestamp" in credential["metadata"]:
        # Who has it keeps it, and nobody else gets it; the release clears up.
        return _counted(given.of(key).values())
    wanted = [objects.Key(place, key.name) for place in _wanted(credential, places, leaving)]
    found = [_look(at, credential, there, given) for at in wanted]
    good = {at: made for at, made, _ in found if made is not None}
    return dataclasses.replace(
        _counted(good.values()),
        wanted=len(wanted),
        conflicts=tuple(conflict for _, _, conflict in found if conflict is not None),
        make=tuple(at.namespace for at, _, _ in found if at not in there and references.accepts(credential)),
        change=tuple(at for at, made in good.items() if _differs(made, credential)),
        remove=tuple(
            at for at, made in given.of(key).items() if at not in good and _removable(at, made, leaving)
        ),
    )


class _Look(NamedTuple):
    """What is at a place: the reference that is to be there, or who has its name or that of its target."""

    at: objects.Key
    made: handouts.Handout | None
    conflict: findings.User | None


def _look(
    at: objects.Key, credential: Json, there: Container[objects.Key], given: handouts.Handouts
) -> _Look:
    made = given.get(at)
    if made is None or made.credential != inventory.key_of(credential):
        taken = findings.User(inventory.REFERENCE, *at) if at in there else None
        return _Look(at, None, taken)
    if made.leaving or not fits(made.form, handouts.form_for(credential), asked=bool(made.asked)):
        return _Look(at, None, None)
    return _Look(at, made, findings.User("Secret", at.namespace, made.taken) if made.taken else None)


def _differs(made: handouts.Handout, credential: Json) -> bool:
    """Tells whether a reference asks for another target than its owner wants; an offer's is its namespace's choice."""
    return made.form == TARGET and made.asked != handouts.mark(_target(credential))


def fits(form: str, wanted: str, *, asked: bool) -> bool:
    """Tells whether a reference may stay as it was made; `asked`: it asks for a target.

    What a namespace chose from an offer is not taken away by an owner who comes to choose for all.
    """
    return form == wanted or (form == OFFER and wanted == TARGET and asked)


def admits(reference: Json, credential: Json) -> bool:
    """Tells whether the owner of a Credential still wants a reference, where the operator made that for them.

    What it makes has the Credential's name; another one only says so.
    """
    form, asked = handouts.form_of(reference), "target" in reference["spec"]
    ours = reference["metadata"]["name"] == credential["metadata"]["name"]
    return not form or (ours and fits(form, handouts.form_for(credential), asked=asked))


def open_offer(reference: Json) -> bool:
    """Tells whether a reference is an offer that its namespace has not taken up."""
    return handouts.form_of(reference) == OFFER and "target" not in reference["spec"]


def manifest(credential: Json, place: str) -> Json:
    """Words the reference for a namespace."""
    metadata, target = credential["metadata"], _target(credential)
    return {
        "apiVersion": cluster.GROUP_VERSION,
        "kind": inventory.REFERENCE,
        "metadata": {
            "namespace": place,
            "name": metadata["name"],
            "labels": {
                "app.kubernetes.io/managed-by": cluster.MANAGER,
                handouts.LABEL: handouts.form_for(credential),
            },
        },
        "spec": {
            "credentialRef": {name: metadata[name] for name in ("namespace", "name")},
            **({} if target is None else {"target": target}),
        },
    }


def retargeting(credential: Json) -> Json:
    """Words the change that brings the target of a reference to what its owner wants."""
    return {"op": "add", "path": "/spec/target", "value": _target(credential)}


def rotated(places: Sequence[str], turn: int) -> Sequence[str]:
    """Gives places in their order, beginning at another one with each turn."""
    begin = turn % len(places) if places else 0
    return [*places[begin:], *places[:begin]]


def taken(found: Plan) -> str:
    """Words that names are somebody else's, for people."""
    users = sorted(found.conflicts)
    names = ", ".join(f"{user.kind} {user.namespace}/{user.name}" for user in users[:SHOWN])
    more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
    return f"Not distributed where somebody else has the name, which is left alone: {names}{more}."


def status(credential: Json, found: Plan, trouble: str) -> Json | None:
    """Gives what a Credential's status says of its distribution; None where there is none, and none is left.

    `trouble` is why what was to be done was not.
    """
    if not (handouts.form_for(credential) or found.made):
        return None
    items = [user._asdict() for user in sorted(found.conflicts)[:SHOWN]]
    return {
        "observedGeneration": credential["metadata"]["generation"],
        "wanted": found.wanted,
        "made": found.made,
        "published": found.published,
        "conflicts": len(found.conflicts),
        **({"items": items} if items else {}),
        **({"message": trouble[:LONGEST_MESSAGE]} if trouble else {}),
    }


def _target(credential: Json) -> Json | None:
    target: Json | None = credential["spec"].get("distribute", {}).get("target")
    return target


def _wanted(credential: Json, places: Mapping[str, Labels], leaving: Container[str]) -> list[str]:
    own = credential["metadata"]["namespace"]
    if not handouts.form_for(credential):
        return []
    return sorted(
        place
        for place, labels in places.items()
        if place != own and place not in leaving and grants.allows(credential, place, labels)
    )


def _removable(at: objects.Key, made: handouts.Handout, leaving: Container[str]) -> bool:
    """Tells whether a reference can go: its target went before, in the time that its owner gives."""
    return not (made.secret or made.leaving or at.namespace in leaving)


def _counted(made: Collection[handouts.Handout]) -> Plan:
    return Plan(wanted=len(made), made=len(made), published=sum(bool(one.secret) for one in made))
