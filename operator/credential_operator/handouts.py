"""What the operator hands out of itself, as it is known: who distributes, and the references made for them.

Pure memory, beside the inventory: ten thousand references are judged by what is kept of them here, not read anew.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from credential_operator import naming
from credential_operator.objects import Key

Json = dict[str, Any]

LABEL = "credential-operator.io/distributed"
"""Label of a CredentialReference that the operator made: in which form."""
TARGET, OFFER = "target", "offer"
"""The forms: with a Secret that the Credential's owner chose, or with the one that its namespace asks for, if any."""


class Handout(NamedTuple):
    """A reference that the operator made.

    `asked` is the mark of its `spec.target`; `secret` is the target that it has, `taken` the one that somebody
    else has, each empty where there is none. `leaving`: it is being deleted.
    """

    credential: Key
    form: str
    asked: bytes
    secret: str
    taken: str
    leaving: bool


def form_of(reference: Mapping[str, Any]) -> str:
    """Gives the form in which the operator made a reference; empty for one that is somebody's own."""
    form = (reference["metadata"].get("labels") or {}).get(LABEL, "")
    return form if form in (TARGET, OFFER) and "credentialRef" in reference["spec"] else ""


def form_for(credential: Mapping[str, Any]) -> str:
    """Gives the form in which a Credential is distributed; empty where it is not."""
    wanted = credential["spec"].get("distribute")
    if wanted is None:
        return ""
    return OFFER if wanted.get("advertise") else TARGET


def mark(target: Json | None) -> bytes:
    """Gives a short mark of a target as it is asked for; empty for none."""
    if target is None:
        return b""
    return hashlib.blake2b(orjson.dumps(target, option=orjson.OPT_SORT_KEYS), digest_size=8).digest()


class Handouts:
    """The Credentials that distribute, and the references made for them, in both directions."""

    def __init__(self) -> None:
        self._made: dict[Key, Handout] = {}
        self._of: dict[Key, set[Key]] = {}
        self._distributing: dict[str, set[Key]] = {}
        """Name -> the Credentials of that name that distribute: their references have it too."""

    def put_credential(self, key: Key, *, distributing: bool) -> None:
        """Says whether a Credential distributes, or its status still says that it did."""
        known = self._distributing.setdefault(key.name, set())
        (known.add if distributing else known.discard)(key)
        if not known:
            del self._distributing[key.name]

    def put_reference(self, key: Key, document: Mapping[str, Any]) -> None:
        """Takes in a reference; one that is somebody's own is forgotten."""
        self.drop_reference(key)
        made = _handout(document)
        if made is not None:
            self._made[key] = made
            self._of.setdefault(made.credential, set()).add(key)

    def drop_reference(self, key: Key) -> None:
        """Forgets a reference."""
        known = self._made.pop(key, None)
        if known is None:
            return
        self._of[known.credential].discard(key)
        if not self._of[known.credential]:
            del self._of[known.credential]

    def get(self, reference: Key) -> Handout | None:
        """Gives what is known of a reference that the operator made; None for any other."""
        return self._made.get(reference)

    def of(self, credential: Key) -> dict[Key, Handout]:
        """Gives the references that the operator made for a Credential, sorted."""
        return {key: self._made[key] for key in sorted(self._of.get(credential, ()))}

    def concerned(self, reference: Key) -> set[Key]:
        """Gives the Credentials to whose distribution it matters what becomes of a reference of this name."""
        made = self._made.get(reference)
        return {*self._distributing.get(reference.name, ()), *([] if made is None else [made.credential])}

    def distributing(self) -> list[Key]:
        """Gives the Credentials that distribute, sorted."""
        return sorted(key for keys in self._distributing.values() for key in keys)

    def concerns(self, credential: Key) -> bool:
        """Tells whether a Credential distributes, or has references left of when it did."""
        return credential in self._of or credential in self._distributing.get(credential.name, ())


def _handout(document: Mapping[str, Any]) -> Handout | None:
    form, named = form_of(document), naming.named_by(document)
    if not form or named is None:
        return None
    wanted, status = document["spec"].get("target"), document.get("status") or {}
    return Handout(
        credential=named,
        form=form,
        asked=mark(wanted),
        secret=status.get("target", {}).get("name", ""),
        taken="" if wanted is None or not _taken(status) else wanted["name"],
        leaving="deletionTimestamp" in document["metadata"],
    )


def _taken(status: Mapping[str, Any]) -> bool:
    return any(
        (one["type"], one["reason"]) == ("Synced", "TargetConflict") for one in status.get("conditions", ())
    )
