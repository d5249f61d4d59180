"""What a CredentialReference says, and what that is about: read off the API's own objects."""

from collections.abc import Mapping

from races import history
from races.borrowers import SELECTOR
from races.history import CLAIMS, CREDENTIALS, JOBS, NAMESPACES, PODS, Event, Name

State = Mapping[Name, Event]

REVOKED, FINISHED = "Revoked", "Finished"
HOLDERS = {"Job": JOBS, "Pod": PODS}


def named(claim: Event) -> Name:
    """Gives the place of the Credential that a reference names."""
    reference = claim.object["spec"]["credentialRef"]
    return Name(CREDENTIALS, reference.get("namespace", claim.namespace), reference["name"])


def naming(state: State, credential: Event) -> list[Event]:
    """Gives the references that name a Credential, from wherever."""
    return [one for one in state.values() if one.kind == CLAIMS and named(one) == credential.name]


def bound_to(claim: Event) -> str:
    """Gives the uid of the Credential that a reference says it is bound to."""
    if claim.condition("Bound")[0] != "True":
        return ""
    return str((claim.object["status"].get("credential") or {}).get("uid", ""))


def told(claim: Event) -> str:
    """Gives the reason of Bound."""
    return claim.condition("Bound")[1]


def told_at(claim: Event) -> float:
    """Gives since when Bound is what it is, by the operator's clock."""
    (bound,) = (one for one in claim.object["status"]["conditions"] if one["type"] == "Bound")
    return history.seconds(bound["lastTransitionTime"])


def lease_end(claim: Event) -> float | None:
    """Gives when a lease ends; a renewal counts from its own time, never from later than it was seen."""
    seconds = claim.object["spec"].get("leaseDurationSeconds")
    if seconds is None:
        return None
    known = claim.object.get("status") or {}
    if known.get("observedGeneration") == claim.metadata["generation"] and "expiresAt" in known:
        return history.seconds(known["expiresAt"])
    renewed = claim.object["spec"].get("renewTime") or claim.metadata["creationTimestamp"]
    return min(history.seconds(renewed), claim.at) + float(seconds)


# Claims from other namespaces


def foreign(claim: Event) -> bool:
    """Tells whether a reference names a Credential of another namespace."""
    return named(claim).namespace != claim.namespace


def granted(claim: Event, credential: Event, state: State) -> bool:
    """Tells whether the owner of a Credential allows a reference's namespace."""
    return (
        not foreign(claim)
        or shared_by_name(credential, claim.namespace)
        or (shared_by_label(credential) and trusted(state.get(Name(NAMESPACES, *[claim.namespace] * 2))))
    )


def shared_by_name(credential: Event, namespace: str) -> bool:
    """Tells whether a Credential names a namespace that may use it."""
    return namespace in shared_with(credential)


def shared_with(credential: Event) -> list[str]:
    """Gives the namespaces that a Credential names as those that may use it."""
    names: list[str] = (credential.object["spec"].get("allowedNamespaces") or {}).get("names") or []
    return names


def shared_by_label(credential: Event) -> bool:
    """Tells whether a Credential may be used by namespaces with the label."""
    return (credential.object["spec"].get("allowedNamespaces") or {}).get("selector") == SELECTOR


def trusted(namespace: Event | None) -> bool:
    """Tells whether a namespace has the label."""
    labels = {} if namespace is None else namespace.metadata.get("labels") or {}
    return SELECTOR["matchLabels"].items() <= labels.items()


# Holders


def holder(claim: Event) -> Name | None:
    """Gives the place of the object that a reference waits for the end of; None: it does not."""
    if claim.object["spec"].get("until") != "HolderFinished":
        return None
    found = claim.object["spec"]["holder"]
    return Name(HOLDERS[found["kind"]], claim.namespace, found["name"])


def seen_holder(claim: Event) -> str:
    """Gives the uid of the holder that was seen."""
    return str((claim.object.get("status") or {}).get("holder", {}).get("uid", ""))


def unheld(claim: Event, state: State) -> bool:
    """Tells whether the holder that a reference waits for was seen, and is complete, failed or gone."""
    place = holder(claim)
    if place is None:
        return False
    seen, there = seen_holder(claim), state.get(place)
    return bool(seen) and (there is None or there.uid != seen or finished(there))


def finished(one: Event) -> bool:
    """Tells whether a Job or a Pod is complete or failed."""
    status = one.object.get("status") or {}
    if one.kind == PODS:
        return status.get("phase") in ("Succeeded", "Failed")
    ends = (each for each in status.get("conditions") or () if each["type"] in ("Complete", "Failed"))
    return any(each["status"] == "True" for each in ends)
