"""What docs/operating.md says of a restore: nothing is lost or doubled, in whatever order things come back."""

import pytest

from cluster.sites import Site
from cluster.space import Json, Space

GIVEN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "finalizers")
"""What the API server gives to an object, and a backup's tool does not bring back."""


def kept(space: Space, kind: str, name: str) -> Json:
    """Return an object as a backup has it."""
    found = space.get(kind, name)
    metadata = {field: value for field, value in found["metadata"].items() if field not in GIVEN}
    metadata.pop("ownerReferences", None)
    return {**found, "metadata": metadata}


def lose(space: Space) -> None:
    """Delete what was kept, as when a namespace is lost."""
    space.kubectl("annotate", "credential", "backups", "credential-operator.io/force-delete=lost")
    space.kubectl("delete", "credential", "backups")
    space.kubectl("delete", "credentialreference", "nightly")
    space.kubectl("delete", "secret", "keys")
    space.until(space.gone("secret", "backups-env"), "the target goes with its Credential")


@pytest.mark.parametrize("published", [True, False], ids=["with its target", "without its target"])
def test_a_credential_that_is_restored_works_as_before(space: Space, site: Site, *, published: bool) -> None:
    key = space.published()
    space.apply(space.reference())
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    reference, credential, source, target = (
        kept(space, kind, name)
        for kind, name in (
            ("credentialreference", "nightly"),
            ("credential", "backups"),
            ("secret", "keys"),
            ("secret", "backups-env"),
        )
    )
    lose(space)

    first = [target] if published else []
    space.run("create", "--filename=-", documents=(*first, reference, credential))
    space.becomes(Synced="False SourceNotFound")
    space.run("create", "--filename=-", documents=(source,))
    found = space.becomes(Ready="True Available", Synced="True Published")
    assert space.key_in() == key
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    owners = space.get("secret", "backups-env")["metadata"]["ownerReferences"]
    assert [one["uid"] for one in owners] == [found["metadata"]["uid"]]
