"""What a CredentialReference says, and what that is about: read off the API's own objects."""

from collections.abc import Mapping

from races import history
from races.borrowers import LABEL, selector
from races.history import CLAIMS, CREDENTIALS, DISTRIBUTED, JOBS, NAMESPACES, PODS, SECRETS, Event, Json, Name

State = Mapping[Name, Event]

REVOKED, FINISHED = "Revoked", "Finished"
GRACE = 600.0
"""Seconds for which a revoked target stays where the owner does not say."""
FACTORS = {"s": 1.0, "m": 60.0, "h": 3600.0}
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
    return not foreign(claim) or shares_with(credential, claim.namespace, state)


def shares_with(credential: Event, namespace: str, state: State) -> bool:
    """Tells whether the owner of a Credential allows another namespace."""
    place = state.get(Name(NAMESPACES, namespace, namespace))
    return shared_by_name(credential, namespace) or (
        shared_by_label(credential) and place is not None and trusted_in(place) == credential.namespace
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
    return (credential.object["spec"].get("allowedNamespaces") or {}).get("selector") == selector(
        credential.namespace
    )


def trusted_in(namespace: Event) -> str:
    """Gives the namespace whose owners trust this one; empty where none do."""
    return namespace.labels.get(LABEL, "")


def grace(credential: Event | None) -> float:
    """Gives for how many seconds a revoked target stays."""
    spec = {} if credential is None else credential.object["spec"]
    told = (spec.get("allowedNamespaces") or {}).get("revocationGracePeriod")
    return GRACE if told is None else float(told[:-1]) * FACTORS[told[-1]]


# Claims that the operator makes for owners who distribute


def form(claim: Event) -> str:
    """Gives the form in which the operator made a reference, `target` or `offer`; empty for one of somebody's own."""
    return claim.labels.get(DISTRIBUTED, "")


def form_for(credential: Event) -> str:
    """Gives the form in which a Credential is distributed; empty where it is not."""
    wanted = credential.object["spec"].get("distribute")
    if wanted is None:
        return ""
    return "offer" if wanted.get("advertise") else "target"


def admitted(claim: Event, credential: Event, state: State) -> bool:
    """Tells whether the owner of a Credential allows a reference, and in its form where the operator made it.

    What a namespace chose from an offer stays when the owner comes to choose for all.
    """
    own, wanted = form(claim), form_for(credential)
    chosen = (own, wanted) == ("offer", "target") and "target" in claim.object["spec"]
    return granted(claim, credential, state) and (own in ("", wanted) or chosen)


def open_offer(claim: Event) -> bool:
    """Tells whether a reference is an offer that nobody has taken up."""
    return form(claim) == "offer" and "target" not in claim.object["spec"]


def secret(claim: Event) -> Name | None:
    """Gives the place of the Secret that a reference has; None where it has none."""
    had = (claim.object.get("status") or {}).get("target")
    return None if had is None else Name(SECRETS, claim.namespace, had["name"])


def users(secret: Name | None, state: State) -> list[Event]:
    """Gives the Jobs that use a Secret and have not finished."""
    return [
        one
        for one in state.values()
        if one.kind == JOBS and secret is not None and secret in _used(one) and not finished(one)
    ]


def _used(job: Event) -> list[Name]:
    pod: Json = job.object["spec"]["template"]["spec"]
    sources = [one for container in pod["containers"] for one in container.get("envFrom", ())]
    return [Name(SECRETS, job.namespace, one["secretRef"]["name"]) for one in sources]


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
