"""Keys that renew themselves, with a provider that counts them: made, published, drained, ended; killed anywhere."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster import sites, test_secrecy, workloads
from cluster.sites import Site
from cluster.space import Json, Key, Space, conditions, message
from controlplane import ControlPlane
from credential_operator.providers import _azure_rotate, _google_rotate
from emulators.aws import AwsEmulator, allow
from emulators.azure import AzureEmulator
from emulators.google import Google
from providers import entra

STORE = "backups-kept"
ROTATE_AT = "credential-operator.io/rotate-at"
ROTATION = "credential-operator.io/rotation"
SECONDS = 90.0
"""How long a rotation may take: it is drained by looks that are ten seconds apart."""


@pytest.fixture(scope="module")
def site(aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An operator that is killed often, so one that need not wait for the end of its own lease."""
    alone = {"leader_election": "false", "cluster_name": "blue"}
    with (
        ControlPlane() as plane,
        sites.site(plane, aws, tmp_path_factory.mktemp("rotation"), settings=alone) as started,
    ):
        yield started


def rotated(space: Space, **rotation: str) -> Json:
    """A Credential whose key renews itself."""
    where = {"region": "eu-west-1", "endpoint": space.aws.url, "iamEndpoint": space.aws.url}
    wanted = {"interval": "8760h", "keepOld": "0s", "store": STORE, **rotation}
    return space.credential(aws=where, rotation=wanted)


def begin(space: Space, **rotation: str) -> Key:
    """Have a key published and kept from now on; gives it."""
    space.new_user(allow("iam:*"))
    key = space.new_key()
    space.apply(space.source(key), rotated(space, **rotation))
    space.becomes(Ready="True Available")
    space.until(lambda: managed(space).get("keyID") == key[0] and source(space) == STORE, "the key is kept")
    return key


def managed(space: Space) -> Json:
    """Return which key is which."""
    status = space.get("credential", "backups").get("status", {})
    return dict(status.get("rotation", {}).get("managed", {}))


def source(space: Space) -> str:
    """Return the name of the Secret that the status calls the source."""
    return str(space.get("credential", "backups")["status"].get("source", {}).get("secretName"))


def rotate(space: Space) -> None:
    """Ask for a new key."""
    space.kubectl("annotate", "--overwrite", "credential", "backups", f"{ROTATE_AT}={time.time()}")


def published(space: Space) -> str:
    """Return the id of the key that consumers have."""
    found = space.key_in()
    return "" if found is None else found[0]


def at_provider(space: Space) -> list[str]:
    """Return the ids of the user's keys."""
    return [key_id for key_id, _ in space.aws.keys(space.name)]


def settled(space: Space, old: str) -> Callable[[], bool]:
    """Return the question whether another key is published, and the only one that there is."""
    return lambda: published(space) not in {"", old} and at_provider(space) == [published(space)]


def test_a_new_key_is_made_published_and_the_one_before_ended(site: Site, space: Space) -> None:
    old = begin(space)
    before = space.get("secret", "keys")["metadata"]["resourceVersion"]
    assert "nextTime" in managed(space)

    rotate(space)
    space.until(settled(space, old[0]), "the key is replaced", seconds=SECONDS)

    new = space.key_in()
    assert new is not None
    assert space.data(STORE) == space.fields(new)
    assert space.get("secret", "keys")["metadata"]["resourceVersion"] == before
    space.until(lambda: managed(space).keys() == {"keyID", "nextTime"}, "it is told")
    status = space.becomes(Ready="True Available", Synced="True Published", RotationFailing=None)["status"]
    assert status["key"]["id"] == status["rotation"]["managed"]["keyID"] == new[0]
    assert (status["source"]["secretName"], status["rotation"]["previousKeyID"]) == (STORE, old[0])
    reasons = ["RotationBegun", "KeyMade", "KeyReplaced", "PreviousKeyDisabled", "PreviousKeyDeleted"]
    space.until(lambda: {*reasons} <= {reason for _, reason in space.events()}, "people are told")
    assert test_secrecy.leaked(site, [old[1], new[1]]) == {}


def test_no_key_is_ended_while_a_workload_runs_it(space: Space) -> None:
    old = begin(space)
    space.apply(workloads.pod("api", "backups-env"), workloads.pod("direct", "keys"))
    for pod in ("api", "direct"):
        patch = workloads.started(_told(time.time()))
        space.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", f"--patch={patch}")
    rotate(space)
    space.until(lambda: published(space) != old[0], "the new key is published", seconds=SECONDS)
    stale = ["api", "direct"]

    def told() -> bool:
        rotation = space.get("credential", "backups")["status"]["rotation"]
        return [one["name"] for one in rotation.get("stale", ())] == stale

    space.until(told, "they are named", seconds=SECONDS)
    assert managed(space)["previousKeyID"] == old[0]
    assert old[0] in at_provider(space)

    space.kubectl("delete", "pod", "api", "--force", "--grace-period=0")
    stale.remove("api")
    space.until(told, "who reads what was the source holds the old key", seconds=SECONDS)
    assert old[0] in at_provider(space)

    space.kubectl("delete", "pod", "direct", "--force", "--grace-period=0")
    space.until(settled(space, old[0]), "the key is ended", seconds=SECONDS)


CALLS = ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "TagUser"]
WRITES = range(1, 8)


@pytest.mark.parametrize("call", CALLS)
def test_an_operator_killed_in_a_call_to_the_provider_leaves_a_good_key_and_no_other(
    site: Site, space: Space, aws: AwsEmulator, call: str
) -> None:
    old = begin(space) if call != "TagUser" else ("", "")
    # What the provider was asked for it does, though nobody waits for the answer any more.
    aws.faults.delay(2, action=call, count=1)
    if call == "TagUser":
        space.new_user(allow("iam:*"))
        old = space.new_key()
        space.apply(space.source(old), rotated(space))
    else:
        rotate(space)
    space.until(lambda: not aws.faults.left, "the call is under way", seconds=SECONDS)
    site.operator.kill()
    time.sleep(3)
    site.operator.start()
    aws.faults.clear()
    if call == "TagUser":
        space.until(lambda: managed(space).get("keyID") == old[0], "the key is kept", seconds=SECONDS)
        rotate(space)
    finish(space, old[0])


@pytest.mark.parametrize("writes", WRITES)
def test_an_operator_killed_after_any_of_its_writes_leaves_a_good_key_and_no_other(
    site: Site, space: Space, writes: int
) -> None:
    old = begin(space)
    site.proxy.after_writes(writes, site.operator.kill)
    rotate(space)
    space.until(lambda: not site.operator.running, "it is killed", seconds=SECONDS)
    assert valid(space)
    site.operator.start()
    finish(space, old[0])


def finish(space: Space, old: str) -> None:
    """See the rotation through, with a good key for consumers all the time."""

    def done() -> bool:
        assert valid(space)
        hasten(space)
        return settled(space, old)()

    space.until(done, "there is one new key", seconds=2 * SECONDS)
    assert space.data(STORE)["accessKeyID"] == published(space)


def valid(space: Space) -> bool:
    """Tell whether consumers have a key that works."""
    return (published(space), "Active") in space.aws.keys(space.name)


def hasten(space: Space) -> None:
    """Set back the time of an order whose end is not known, which is waited for."""
    found = space.get("secret", STORE)["metadata"]
    said = json.loads(found["annotations"][ROTATION])
    if "ordered" not in said or time.time() - _moment(said["ordered"][-1]) > 60:
        return
    earlier = [_told(_moment(one) - 120) for one in said["ordered"]]
    text = json.dumps(said | {"ordered": earlier})
    tests = {"op": "test", "path": "/metadata/resourceVersion", "value": found["resourceVersion"]}
    place = f"/metadata/annotations/{ROTATION.replace('/', '~1')}"
    patch = json.dumps([tests, {"op": "add", "path": place, "value": text}])
    space.run("patch", "secret", STORE, "--type=json", f"--patch={patch}", check=False)
    space.kubectl("annotate", "--overwrite", "credential", "backups", "tests/look=again")


def _moment(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone


def _told(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def test_a_principal_is_rotated_by_one_and_others_are_told_by_whom(site: Site, space: Space) -> None:
    key = begin(space)
    other = site.space(f"{space.name}-b")
    where = {"region": "eu-west-1", "endpoint": space.aws.url, "iamEndpoint": space.aws.url}
    document = other.credential(aws=where, rotation={"interval": "1h", "store": STORE})
    other.apply(other.source(key), document)
    found = other.becomes(Ready="True Available", RotationFailing="True RotatedElsewhere")
    assert f"blue:{space.name}/backups rotates the keys of this principal" in message(
        found, "RotationFailing"
    )
    assert other.find("secret", STORE) is None


def test_what_the_provider_does_not_permit_is_told_with_what_to_allow(space: Space) -> None:
    space.new_user(allow("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"))
    space.apply(space.source(space.new_key()), rotated(space))
    found = space.becomes(Ready="True Available", RotationFailing="True PermissionDenied")
    assert "iam:CreateAccessKey" in message(found, "RotationFailing")


def test_the_keys_stay_when_the_credential_goes_and_serve_the_next_of_its_name(space: Space) -> None:
    old = begin(space)
    rotate(space)
    space.until(settled(space, old[0]), "the key is replaced", seconds=SECONDS)
    new = space.key_in()
    space.kubectl("delete", "credential", "backups", "--timeout=120s")
    assert new is not None
    assert space.data(STORE) == space.fields(new)
    space.until(lambda: ("Normal", "KeysLeft") in space.events(), "people are told")
    assert at_provider(space) == [new[0]]

    space.apply(rotated(space))
    space.becomes(Ready="True Available")
    assert space.key_in() == new, "not the one that a person gave long ago, which is ended"


def test_a_store_that_is_gone_is_told_and_what_was_published_stays(space: Space) -> None:
    key = begin(space)
    space.kubectl("delete", "secret", STORE)
    found = space.becomes(Ready="True HeldBack", Validated="False SourceNotFound")
    assert f"Secret {STORE}, in which the operator kept the keys" in message(found, "Validated")
    assert space.key_in() == key


def test_a_secret_of_somebody_else_is_no_store(space: Space) -> None:
    space.apply(space.secret(STORE, {"theirs": "x"}))
    space.new_user(allow("iam:*"))
    space.apply(space.source(space.new_key()), rotated(space))
    space.becomes(Ready="True Available", RotationFailing="True TargetConflict")
    assert space.data(STORE) == {"theirs": "x"}


def test_a_key_in_the_store_is_published_whoever_wrote_it(space: Space) -> None:
    begin(space)
    mine = space.new_key()
    data = {name: base64.b64encode(text.encode()).decode() for name, text in space.fields(mine).items()}
    space.patch("secret", STORE, {"data": data})
    space.until(lambda: space.key_in() == mine, "it is published")
    assert not re.search("RotationFailing", str(conditions(space.get("credential", "backups"))))


def test_a_google_key_renews_itself(space: Space) -> None:
    email = "backup@example-project.iam.gserviceaccount.com"
    with Google() as google:
        google.create_account(email, project="example-project")
        google.grant_on(email, f"serviceAccount:{email}", *_google_rotate.NEEDS)
        old = google.create_key(email, created=_told(time.time()))
        config = {"tokenURL": google.token_url, "apiEndpoint": google.url, "caBundle": google.ca_pem.decode()}
        space.apply(space.secret("keys", {"key.json": json.dumps(old)}), renewing(space, google=config))
        space.until(lambda: "nextTime" in managed(space), "the key is kept")
        rotate(space)

        def key_in(name: str) -> Json:
            found = space.data(name)
            return dict(json.loads(found.get("GOOGLE_CREDENTIALS") or found["serviceAccountJSON"]))

        space.until(
            lambda: "previousKeyID" in space.get("credential", "backups")["status"]["rotation"],
            "it is replaced",
        )
        new = key_in("backups-target")
        assert new["private_key_id"] != old["private_key_id"]
        assert key_in(STORE) == new
        space.until(
            lambda: managed(space).keys() == {"keyID", "nextTime"}, "the old one is gone", seconds=SECONDS
        )
        assert managed(space)["keyID"] == new["private_key_id"]
        space.becomes(Ready="True Available", RotationFailing=None)


def test_a_secret_of_entra_id_renews_itself(space: Space) -> None:
    with AzureEmulator() as azure:
        stage = entra.staged(azure)
        azure.set_graph_roles(entra.CLIENT, *_azure_rotate.NEEDS)
        azure.let_own(entra.CLIENT, entra.CLIENT)
        graph = {**entra.without(stage, "subscriptionID"), "resource": "graph"}
        config = {**graph, "caBundle": azure.ca_pem.decode()}
        space.apply(space.secret("keys", stage.good), renewing(space, azure=config))
        space.until(lambda: "nextTime" in managed(space), "the key is kept")
        first = managed(space)["keyID"]
        rotate(space)
        space.until(
            lambda: managed(space).get("keyID") not in {None, first}, "it is replaced", seconds=SECONDS
        )
        space.until(
            lambda: managed(space).keys() == {"keyID", "nextTime"}, "the old one is gone", seconds=SECONDS
        )
        status = space.becomes(Ready="True Available", RotationFailing=None)["status"]
        assert status["key"]["id"] == managed(space)["keyID"], "a secret has a name that people know"
        published = space.data("backups-target")["AZURE_CLIENT_SECRET"]
        assert published != stage.good["clientSecret"]
        assert space.data(STORE)["clientSecret"] == published


def renewing(space: Space, **config: Any) -> Json:
    """A Credential of another type whose key renews itself."""
    wanted = {"keepOld": "0s", "store": STORE}
    targets = [{"name": "backups-target", "format": "env"}]
    return space.credential(aws=None, targets=targets, rotation=wanted, **config)
