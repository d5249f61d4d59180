"""Workloads that wait for a Secret that is not published are told why, on a Pod of theirs."""

import json
from typing import Any

from cluster import workloads
from cluster.sites import Site
from cluster.space import Space
from credential_operator import waiting

Json = dict[str, Any]
TOLD = "TargetNotPublished"


def told(space: Space) -> list[Json]:
    """Return the events that say why somebody waits."""
    found = space.kubectl("get", "events", f"--field-selector=reason={TOLD}", "--output=json")
    return list(json.loads(found)["items"])


def unpublished(space: Space) -> None:
    """Make a Credential whose source is not there."""
    space.apply(space.credential())
    space.becomes(Synced="False SourceNotFound")


def test_a_workload_of_many_pods_is_told_once_on_its_first(space: Space, site: Site) -> None:
    space.apply(workloads.deployment("api", "backups-env", replicas=100))
    unpublished(space)
    space.until(lambda: told(space), "somebody is told")
    space.until(
        lambda: len(json.loads(space.kubectl("get", "pods", "-o=json"))["items"]) == 100, "all are there"
    )

    (event,) = told(space)
    pod = event["involvedObject"]
    assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
    assert pod["name"].startswith("api-")
    assert "Secret backups-env, which Credential backups has not got (SourceNotFound)" in event["message"]
    assert TOLD in space.kubectl("describe", "pod", pod["name"])
    looks = [one for one in site.proxy.requests if f"/namespaces/{space.name}/pods/" in one.path]
    assert len(looks) == 1


def test_who_comes_later_is_told_too_and_a_restart_tells_nobody_again(space: Space, site: Site) -> None:
    unpublished(space)
    space.apply(workloads.pod("first", "backups-env"))
    space.until(lambda: len(told(space)) == 1, "the first is told")
    space.apply(workloads.pod("second", "backups-env"))
    space.until(lambda: len(told(space)) == 2, "the second is told")

    site.operator.stop()
    site.operator.start()
    space.apply(workloads.pod("third", "backups-env"))
    space.until(
        lambda: "third" in {one["involvedObject"]["name"] for one in told(space)}, "the third is told"
    )
    assert len(told(space)) == 3

    space.new_user()
    key = space.new_key()
    space.apply(space.source(key))
    space.becomes(Ready="True Available")
    assert space.key_in("backups-env") == key
    assert len(told(space)) == 3


def test_of_a_storm_of_pods_without_controllers_so_many_are_told(space: Space) -> None:
    unpublished(space)
    space.new_user()
    space.apply(*(workloads.pod(f"pod-{number}", "backups-env") for number in range(waiting.MOST + 10)))
    space.until(lambda: len(told(space)) == waiting.MOST, "as many as are told at most")
    space.apply(workloads.pod("one-more", "backups-env"), space.source(space.new_key()))
    space.becomes(Ready="True Available")
    assert len(told(space)) == waiting.MOST


def test_who_waits_for_what_is_not_granted_is_told_what_the_reference_says(space: Space, site: Site) -> None:
    other = site.space(f"{space.name[:50]}-b")
    space.published()
    borrowed = other.reference("borrowed")
    borrowed["spec"]["credentialRef"]["namespace"] = space.name
    borrowed["spec"]["target"] = {"name": "borrowed-env", "format": "env"}
    other.apply(borrowed, workloads.pod("job", "borrowed-env"))
    other.until(lambda: told(other), "it is told")
    (event,) = told(other)
    assert event["involvedObject"]["name"] == "job"
    assert "CredentialReference borrowed has not got (NotGranted)" in event["message"]
