"""Credentials that are distributed: one reference per allowed namespace, made and kept by the operator."""

import json
from collections.abc import Callable

from cluster import handouts
from cluster.handouts import ENV, FILE, LABEL, counted, distributed, got
from cluster.sites import Site
from cluster.space import Space

team = handouts.team


def test_every_allowed_namespace_has_one_now_and_later(space: Space, team: Callable[[], Space]) -> None:
    first = team()
    key = distributed(space)
    got(first, key)
    made = first.get("credentialreference", "backups")
    assert made["metadata"]["labels"][LABEL] == "target"
    assert made["spec"]["credentialRef"] == {"name": "backups", "namespace": space.name}
    assert space.find("credentialreference", "backups") is None, "its own namespace needs none"

    second = team()
    got(second, key)
    told = counted(space, wanted=2, made=2, published=2)
    assert told == {"observedGeneration": 1, "wanted": 2, "made": 2, "published": 2, "conflicts": 0}
    new = space.new_key()
    space.apply(space.source(new))
    second.until(lambda: second.key_in("shared-env") == new, "it follows the key")


def test_labels_of_a_namespace_give_and_take(space: Space, site: Site, team: Callable[[], Space]) -> None:
    other = team()
    key = distributed(space)
    got(other, key)

    site.plane.kubectl("label", "namespace", other.name, "shared-")
    other.until(other.gone("secret", "shared-env"), "its Secret goes after the grace period")
    other.until(other.gone("credentialreference", "backups"), "and then the reference")
    counted(space, wanted=0, made=0)

    site.plane.kubectl("label", "namespace", other.name, f"shared={space.name}")
    got(other, key)


def test_what_is_withdrawn_keeps_its_secret_for_the_time_of_grace(
    space: Space, team: Callable[[], Space]
) -> None:
    other = team()
    granted = {"selector": {"matchLabels": {"shared": space.name}}, "revocationGracePeriod": "1h"}
    key = distributed(space, allowedNamespaces=granted)
    got(other, key)

    space.patch("credential", "backups", {"spec": {"distribute": None}})
    other.becomes("backups", "credentialreference", Bound="False Revoked")
    assert other.key_in("shared-env") == key
    space.patch("credential", "backups", {"spec": {"allowedNamespaces": {"revocationGracePeriod": "0s"}}})
    other.until(other.gone("credentialreference", "backups"), "it goes")
    other.until(other.gone("secret", "shared-env"), "with its Secret")
    space.until(
        lambda: "distribution" not in space.get("credential", "backups")["status"], "nothing is said any more"
    )


def test_a_reference_that_is_deleted_or_changed_comes_back(space: Space, team: Callable[[], Space]) -> None:
    other = team()
    key = distributed(space)
    got(other, key)
    uid = other.get("credentialreference", "backups")["metadata"]["uid"]

    other.kubectl("delete", "credentialreference", "backups")
    other.until(
        lambda: (other.find("credentialreference", "backups") or {}).get("metadata", {}).get("uid") != uid,
        "there is another one",
    )
    got(other, key)

    other.patch("credentialreference", "backups", {"spec": {"target": FILE}})
    other.until(
        lambda: other.get("credentialreference", "backups")["spec"]["target"] == ENV, "it is as it was"
    )
    space.patch("credential", "backups", {"spec": {"distribute": {"target": FILE}}})
    other.until(lambda: other.find("secret", "shared-file"), "the other Secret is there")
    other.until(other.gone("secret", "shared-env"), "the first is gone")


def test_names_that_others_have_are_left_alone_and_said(space: Space, team: Callable[[], Space]) -> None:
    mine, theirs = team(), team()
    own = mine.reference("backups", "something-else")
    mine.apply(own)
    theirs.apply(theirs.secret("shared-env", {"their": "own"}))
    key = distributed(space)

    told = counted(space, wanted=2, made=1, published=0, conflicts=2)
    assert told["items"] == [
        {"kind": "CredentialReference", "namespace": mine.name, "name": "backups"},
        {"kind": "Secret", "namespace": theirs.name, "name": "shared-env"},
    ]
    assert mine.get("credentialreference", "backups")["spec"].items() >= own["spec"].items()
    assert theirs.data("shared-env") == {"their": "own"}
    space.until(lambda: ("Warning", "NameTaken") in space.events(), "people are told")

    mine.kubectl("delete", "credentialreference", "backups")
    got(mine, key)
    theirs.kubectl("delete", "secret", "shared-env")
    got(theirs, key)
    counted(space, made=2, published=2, conflicts=0)


def test_a_reference_whose_label_is_taken_off_is_its_namespaces_own(
    space: Space, team: Callable[[], Space]
) -> None:
    other = team()
    distributed(space)
    counted(space, made=1, published=1)
    other.kubectl("label", "credentialreference", "backups", f"{LABEL}-")
    counted(space, made=0, conflicts=1)
    space.until(
        lambda: space.get("credential", "backups")["status"]["references"]["declared"] == 1, "it counts now"
    )
    space.patch("credential", "backups", {"spec": {"distribute": None}})
    space.until(lambda: "distribution" not in space.get("credential", "backups")["status"], "it has ended")
    assert other.find("credentialreference", "backups")


def test_an_offer_is_shown_and_gets_a_secret_when_its_namespace_asks(
    space: Space, team: Callable[[], Space]
) -> None:
    other = team()
    granted = {"selector": {"matchLabels": {"shared": space.name}}, "as": {"formats": ["env", "velero"]}}
    key = distributed(space, allowedNamespaces=granted, distribute={"advertise": True})
    other.until(lambda: other.find("credentialreference", "backups"), "it has the offer")
    found = other.becomes("backups", "credentialreference", Bound="False Offered", Ready="False Offered")
    assert found["status"]["offer"] == {"type": "aws", "formats": ["env", "velero"]}
    assert "target" not in found["spec"]
    assert '["env","velero"]' in other.kubectl("get", "credref", "backups")
    assert space.get("credential", "backups")["status"]["references"]["count"] == 0

    other.patch("credentialreference", "backups", {"spec": {"target": {"name": "mine", "format": "env"}}})
    other.becomes("backups", "credentialreference", Bound="True Bound", Synced="True Published")
    assert other.key_in("mine") == key
    counted(space, made=1, published=1)
    assert space.get("credential", "backups")["status"]["references"]["count"] == 0

    # The owner who comes to choose for all takes nothing away that a namespace chose.
    space.patch("credential", "backups", {"spec": {"distribute": {"advertise": None, "target": ENV}}})
    space.becomes(Ready="True Available")
    late = team()
    got(late, key)
    assert other.get("credentialreference", "backups")["spec"]["target"]["name"] == "mine"

    space.kubectl("delete", "credential", "backups", "--timeout=120s")
    assert other.find("credentialreference", "backups") is None


def test_a_form_that_changes_is_withdrawn_and_made_anew(space: Space, team: Callable[[], Space]) -> None:
    other = team()
    got(other, distributed(space))
    space.patch("credential", "backups", {"spec": {"distribute": {"advertise": True, "target": None}}})
    other.until(other.gone("secret", "shared-env"), "its Secret goes after the grace period")
    other.until(
        lambda: (
            (other.find("credentialreference", "backups") or {})
            .get("metadata", {})
            .get("labels", {})
            .get(LABEL)
            == "offer"
        ),
        "it is an offer now",
    )


def test_what_is_refused_in_one_namespace_is_said_and_others_get_theirs(
    space: Space, site: Site, team: Callable[[], Space]
) -> None:
    refusing, other = team(), team()
    policy = f"refuses-{space.name}"[:60].strip("-")
    rules = [
        {
            "apiGroups": ["credential-operator.io"],
            "apiVersions": ["*"],
            "operations": ["CREATE"],
            "resources": ["credentialreferences"],
        }
    ]
    in_one = {"matchLabels": {"kubernetes.io/metadata.name": refusing.name}}
    kinds = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"
    documents = [
        {
            "apiVersion": kinds[0],
            "kind": kinds[1],
            "metadata": {"name": policy},
            "spec": {
                "matchConstraints": {"resourceRules": rules},
                "validations": [{"expression": "false", "message": "none here"}],
            },
        },
        {
            "apiVersion": kinds[0],
            "kind": f"{kinds[1]}Binding",
            "metadata": {"name": policy},
            "spec": {
                "policyName": policy,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": in_one},
            },
        },
    ]
    words = "\n---\n".join(map(json.dumps, documents))
    site.plane.kubectl("create", "--filename=-", input=words)
    try:
        probe = refusing.reference("probe")
        refusing.until(
            lambda: (
                refusing.run(
                    "create", "--dry-run=server", "--filename=-", documents=(probe,), check=False
                ).returncode
            ),
            "the policy is in force",
        )
        key = distributed(space)
        got(other, key)
        told = counted(space, wanted=2, made=1)
        assert "refuses" in told["message"]
    finally:
        site.plane.kubectl("delete", "--filename=-", input=words)
    refusing.until(
        lambda: (
            refusing.run(
                "create", "--dry-run=server", "--filename=-", documents=(probe,), check=False
            ).returncode
            == 0
        ),
        "the policy is gone",
    )
    site.plane.kubectl("label", "namespace", refusing.name, "again=true")
    got(refusing, key)
    assert "message" not in counted(space, wanted=2, made=2)


def test_a_cordon_makes_no_new_references(space: Space, team: Callable[[], Space]) -> None:
    first = team()
    key = distributed(space)
    got(first, key)
    space.patch("credential", "backups", {"spec": {"acceptReferences": False}})
    space.becomes(Ready="True Available")
    team()
    counted(space, wanted=2, made=1)


def test_a_restart_writes_nothing(space: Space, site: Site, team: Callable[[], Space]) -> None:
    others = [team(), team()]
    key = distributed(space)
    for each in others:
        got(each, key)
    counted(space, made=2, published=2)
    names = [space.name, *(each.name for each in others)]
    before = [site.settled(name) for name in names]

    assert site.operator.stop() == 0
    site.operator.start()
    late = team()
    got(late, key)
    assert [len(site.writes(name)) for name in names[1:]] == before[1:]
