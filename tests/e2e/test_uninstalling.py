"""The end of a namespace with everything in it, and of the installation."""

import functools

from cluster.space import FINALIZER, Space
from e2e import pods
from e2e.world import HERE, SECONDS, World
from replica.install import RELEASE

ENV = "backups-env"


def _in_use(space: Space, borrower: Space, world: World) -> None:
    """Make a Credential that everything uses: Pods, a lease, and another namespace."""
    space.published(allowedNamespaces={"names": [borrower.name]})
    template = functools.partial(pods.consumer, world.image, world.cloud.url, ENV)
    leased = space.reference("leased")
    leased["spec"]["leaseDurationSeconds"] = 3600
    borrowed = borrower.reference("borrowed")
    borrowed["spec"] |= {
        "credentialRef": {"name": "backups", "namespace": space.name},
        "target": {"name": ENV, "format": "env"},
    }
    api, whole = pods.deployment("api", template("env")), pods.pod("whole", template("volume"))
    space.apply(leased, space.reference(), api, whole)
    borrower.apply(borrowed, pods.pod("theirs", template("env")))
    borrower.becomes("borrowed", "credentialreference", Synced="True Published")
    for owner, name in ((space, "deployment/api"), (space, "pod/whole"), (borrower, "pod/theirs")):
        condition = "Available" if name.startswith("deployment") else "Ready"
        owner.kubectl("wait", name, f"--for=condition={condition}", f"--timeout={SECONDS:.0f}s")


def test_a_namespace_is_deleted_with_everything_in_it(
    space: Space, world: World, measured: list[str]
) -> None:
    borrower = world.space(f"{space.name}-b")
    _in_use(space, borrower, world)

    space.kubectl("delete", "namespace", space.name, "--wait=false")
    took = space.until(space.gone("namespace", space.name), "it is gone", seconds=SECONDS)
    measured.append(f"a namespace with all in it was gone after {took:.1f} s")

    borrower.becomes("borrowed", "credentialreference", Bound="False NotGranted")
    borrower.kubectl("delete", "namespace", borrower.name, f"--timeout={SECONDS:.0f}s")


def test_an_uninstalled_operator_leaves_what_is_in_use_and_takes_it_up_again(
    space: Space, world: World
) -> None:
    borrower = world.space(f"{space.name}-b")
    _in_use(space, borrower, world)
    before = space.data(ENV)

    world.cluster.helm("uninstall", RELEASE, HERE, "--wait", f"--timeout={SECONDS:.0f}s")
    world.home().until(lambda: world.pods() == [], "its Pods are gone", seconds=SECONDS)
    assert FINALIZER not in space.get("credential", "backups")["metadata"].get("finalizers", [])
    assert (space.data(ENV), borrower.data(ENV)) == (before, before)
    assert world.home().all("jobs") == []

    world.upgrade()
    space.until(
        lambda: FINALIZER in space.get("credential", "backups")["metadata"].get("finalizers", []),
        "it is taken up again",
        seconds=SECONDS,
    )
    key = space.new_key()
    space.apply(space.source(key))
    space.until(lambda: space.key_in() == key == borrower.key_in(ENV), "both follow", seconds=SECONDS)
