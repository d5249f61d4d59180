"""References: who claims a Credential, and what a CredentialReference is told. Pure."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from credential_operator import inventory, situation, status

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A CredentialReference that names a Credential: since when, and which one it was bound to."""

    key: inventory.Key
    created: str
    bound_to: str

    def __str__(self) -> str:
        return f"CredentialReference {self.key.name}"

    def counts_for(self, uid: str, deletion: str) -> bool:
        """Tells whether it holds back the deletion asked for at that time: claims made later are refused."""
        return self.bound_to == uid or self.created <= deletion


def claims(documents: Iterable[Json], credential: inventory.Key) -> list[Claim]:
    """Picks those CredentialReferences of its namespace that name a Credential, sorted."""
    return sorted(
        (
            Claim(
                key=inventory.Key(credential.namespace, document["metadata"]["name"]),
                created=document["metadata"]["creationTimestamp"],
                bound_to=((document.get("status") or {}).get("credential") or {}).get("uid", ""),
            )
            for document in documents
            if document["spec"]["credentialRef"]["name"] == credential.name
        ),
        key=lambda claim: claim.key,
    )


def after(reference: Json, credential: Json | None, now: datetime.datetime) -> Json:
    """Gives the status of a CredentialReference, from the Credential it names (None: there is none). Pure."""
    old = reference["status"]
    before = {condition["type"]: condition for condition in old.get("conditions", ())}
    generation = reference["metadata"]["generation"]
    bound, ready = _states(reference, credential)
    new: Json = {
        "observedGeneration": generation,
        "conditions": [
            status.condition(before.get(name), name, state, generation=generation, now=now)
            for name, state in (("Bound", bound), ("Ready", ready))
        ],
    }
    if bound.value == "True" and credential is not None:
        metadata = credential["metadata"]
        new["credential"] = {name: metadata[name] for name in ("namespace", "name", "uid")}
    return new


def _states(reference: Json, credential: Json | None) -> tuple[situation.State, situation.State]:
    """Gives Bound and Ready."""
    name = reference["spec"]["credentialRef"]["name"]
    if credential is None:
        missing = situation.State(
            "False", "NotGranted", f"There is no Credential {name} that this reference may use."
        )
        return missing, missing
    if not _counts(reference, credential["metadata"]):
        message = f"Credential {name} is being deleted and takes no new references."
        refused = situation.State("False", "CredentialTerminating", message)
        return refused, refused
    bound = situation.State("True", "Bound", f"Holds Credential {name}.")
    conditions = credential["status"].get("conditions", ())
    ready = next((one for one in conditions if one["type"] == "Ready"), None)
    if ready is None:
        return bound, situation.State("Unknown", "Pending", f"Credential {name} was not looked at yet.")
    return bound, situation.State(ready["status"], ready["reason"], f"Credential {name}: {ready['message']}")


def _counts(reference: Json, credential: Json) -> bool:
    if "deletionTimestamp" not in credential:
        return True
    claim = claims([reference], inventory.Key(credential["namespace"], credential["name"]))[0]
    return claim.counts_for(credential["uid"], credential["deletionTimestamp"])
