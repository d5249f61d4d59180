"""What docs/security.md says of each right: what it is for is shown by taking it away."""

import contextlib
import datetime
import json
import urllib.error
from collections.abc import Callable, Iterator

import pytest

from cluster import endings, handouts, rights, sites
from cluster.rights import Row
from cluster.sites import Site
from cluster.space import Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator

LEASE, KEY = "credential-operator", "credential-operator-installation-key"
FORBIDDEN = "False Forbidden"
OURS = {"", "apps", "batch", "credential-operator.io", "coordination.k8s.io", "apiextensions.k8s.io"}
"""API groups of the rights that the page names one by one."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane of this file's own: its operator lacks rights for moments."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture(scope="module")
def site(plane: ControlPlane, aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation of this file's own."""
    with sites.site(plane, aws, tmp_path_factory.mktemp("site")) as started:
        yield started


def test_the_page_names_every_right_and_no_other(site: Site) -> None:
    for kind in ("clusterrole", "role"):
        role = rights.role(site, kind)
        ours = {**role, "rules": [rule for rule in role["rules"] if OURS.issuperset(rule["apiGroups"])]}
        named = {right for row in rights.rows() if row.kind == kind for right in row.rights}
        assert set(rights.granted(ours)) == named


# What is lost with each


def _nothing_works(site: Site, space: Space, row: Row) -> None:
    """A replica that starts says what it may not, and that it is not ready."""
    with _anew(site, row):
        sites.wait(lambda: _says(site, "cannot list resource"), "it says what it may not", seconds=90)
        with pytest.raises(urllib.error.HTTPError):
            site.operator.get("/readyz")
        space.new_user()
        space.apply(space.source(space.new_key()), space.credential())
        assert "conditions" not in space.get("credential", "backups").get("status", {})
    space.becomes(Ready="True Available", seconds=90)


def _stays_in_deletion(site: Site, space: Space, row: Row) -> None:
    space.published()
    with rights.without(site, row):
        space.kubectl("delete", "credential", "backups", "--wait=false")
        space.until(lambda: ("Warning", "Forbidden") in space.events(), "it says why")
        assert "deletionTimestamp" in space.get("credential", "backups")["metadata"]


def _says_nothing_of_credentials(site: Site, space: Space, row: Row) -> None:
    space.new_user()
    with rights.without(site, row):
        space.apply(space.source(space.new_key()), space.credential())
        _refusal_of(site, row)
        assert "conditions" not in space.get("credential", "backups").get("status", {})


def _says_nothing_of_references(site: Site, space: Space, row: Row) -> None:
    space.published()
    with rights.without(site, row):
        space.apply(space.reference())
        _refusal_of(site, row)
        assert "conditions" not in space.get("credentialreference", "nightly").get("status", {})
        assert space.run("delete", "credential", "backups", check=False).returncode != 0


def _gives_nothing_to_who_comes(site: Site, space: Space, row: Row) -> None:
    handouts.distributed(space)
    with rights.without(site, row), _team(site, space) as other:
        _refusal_of(site, row)
        said = handouts.counted(space, wanted=1, made=0)
        assert "cannot create" in said["message"]
        assert other.find("credentialreference", "backups") is None


def _gives_what_it_gave(site: Site, space: Space, row: Row) -> None:
    with _team(site, space) as other:
        handouts.got(other, handouts.distributed(space))
        with rights.without(site, row):
            space.patch("credential", "backups", {"spec": {"distribute": {"target": handouts.FILE}}})
            _refusal_of(site, row)
            assert other.get("credentialreference", "backups")["spec"]["target"] == handouts.ENV


def _keeps_what_has_ended(site: Site, space: Space, row: Row) -> None:
    space.published()
    with rights.without(site, row):
        over = space.reference()
        renewed = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).isoformat().replace("+00:00", "Z")
        over["spec"] |= {"leaseDurationSeconds": 10, "renewTime": renewed, "ttlSecondsAfterFinished": 0}
        space.apply(over)
        _refusal_of(site, row)
        assert space.find("credentialreference", "nightly") is not None
        space.delete_when_free()


def _cannot_read_sources(site: Site, space: Space, row: Row) -> None:
    key = space.published()
    with rights.without(site, row):
        space.apply(space.source(space.new_key()))
        _refusal_of(site, row)
        assert space.key_in() == key


def _publishes_nothing_new(site: Site, space: Space, row: Row) -> None:
    space.new_user()
    with rights.without(site, row):
        space.apply(space.source(space.new_key()), space.credential())
        _refusal_of(site, row)
        space.becomes(Ready=FORBIDDEN, Synced=FORBIDDEN, Validated="True Accepted")


def _publishes_no_new_key(site: Site, space: Space, row: Row) -> None:
    key = space.published()
    with rights.without(site, row):
        space.apply(space.source(space.new_key()))
        _refusal_of(site, row)
        space.becomes(Synced=FORBIDDEN)
        assert space.key_in() == key


def _leaves_what_is_named_no_more(site: Site, space: Space, row: Row) -> None:
    space.published()
    with rights.without(site, row):
        space.patch("credential", "backups", {"spec": {"targets": [{"name": "other-env", "format": "env"}]}})
        space.until(lambda: space.key_in("other-env"), "the other one is there")
        _refusal_of(site, row)
        assert space.key_in("backups-env")


def _tells_nobody(site: Site, space: Space, row: Row) -> None:
    space.published()
    with rights.without(site, row):
        key = space.new_key()
        space.apply(space.source(key))
        space.until(lambda: space.key_in() == key, "the new key is published")
        _refusal_of(site, row)
        assert space.events() == []


def _keeps_namespaces(site: Site, space: Space, row: Row) -> None:
    borrower = site.space(f"{space.name}-lent"[-63:].strip("-"))
    endings.in_use(space, borrower)
    with rights.without(site, row):
        site.plane.kubectl("delete", "namespace", space.name, "--wait=false")
        _refusal_of(site, row)
        assert "deletionTimestamp" in space.get("credential", "backups")["metadata"]


def _compares_no_schema(site: Site, space: Space, row: Row) -> None:
    with _anew(site, row):
        sites.wait(lambda: _says(site, "cannot read the served schema"), "it says so", seconds=90)


def _nobody_leads(site: Site, space: Space, row: Row) -> None:
    with _anew(site, row):
        sites.wait(lambda: _says(site, "could not take or renew the lease"), "it says so", seconds=90)
        assert site.operator.metric("credential_operator_leader") == 0


def _nobody_leads_at_first(site: Site, space: Space, row: Row) -> None:
    site.operator.stop()
    _drop(site, "lease", LEASE)
    _nobody_leads(site, space, row)


def _nobody_begins(site: Site, space: Space, row: Row) -> None:
    with _anew(site, row):
        sites.wait(lambda: _says(site, "could not begin to work"), "it says so", seconds=90)
        _refusal_of(site, row)


def _nobody_begins_at_first(site: Site, space: Space, row: Row) -> None:
    site.operator.stop()
    _drop(site, "secret", KEY)
    _nobody_begins(site, space, row)


BESIDES = {
    "credentials: release": {("credentials", "patch")},  # by the policy that asks for that verb
}
"""What else is refused."""
LOSSES: dict[str, Callable[[Site, Space, Row], None]] = {
    "credentials: get, list, watch": _nothing_works,
    "credentials: patch": _stays_in_deletion,
    "credentials: release": _stays_in_deletion,
    "credentials/status: patch": _says_nothing_of_credentials,
    "credentialreferences: list, watch": _nothing_works,
    "credentialreferences: create": _gives_nothing_to_who_comes,
    "credentialreferences: patch": _gives_what_it_gave,
    "credentialreferences: delete": _keeps_what_has_ended,
    "credentialreferences/status: patch": _says_nothing_of_references,
    "secrets: get": _cannot_read_sources,
    "secrets: list, watch": _nothing_works,
    "secrets: create": _publishes_nothing_new,
    "secrets: patch": _publishes_no_new_key,
    "secrets: delete": _leaves_what_is_named_no_more,
    "events: create": _tells_nobody,
    "pods, serviceaccounts: get, list, watch": _stays_in_deletion,
    "deployments, statefulsets, daemonsets, replicasets: get, list, watch": _stays_in_deletion,
    "jobs, cronjobs: get, list, watch": _stays_in_deletion,
    "namespaces: get": _keeps_namespaces,
    "namespaces: list, watch": _nothing_works,
    "customresourcedefinitions: get, list, watch": _compares_no_schema,
    "leases: create": _nobody_leads_at_first,
    f"leases {LEASE}: get, update": _nobody_leads,
    f"secrets {KEY}: get": _nobody_begins,
}
KEPT_AT_HOME = Row("role", "secrets: create")
ROWS = {f"{row.kind} {row.words}": row for row in rights.rows() if not row.words.startswith(rights.CONSUMERS)}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_without_a_right_that_is_lost_which_it_is_for(site: Site, space: Space, row: Row) -> None:
    lose = LOSSES[row.words] if row != KEPT_AT_HOME else _nobody_begins_at_first
    site.proxy.forget()
    lose(site, space, row)
    assert rights.refused(site) <= row.requests | BESIDES.get(row.words, set())


# How


@contextlib.contextmanager
def _anew(site: Site, row: Row) -> Iterator[None]:
    """Start the operator without some rights, and once more with them."""
    site.operator.stop()
    site.proxy.forget()
    with rights.without(site, row):
        site.operator.log.write_text("")
        site.operator.start(wait=False)
        yield
        site.operator.stop()
    site.operator.start()


@contextlib.contextmanager
def _team(site: Site, space: Space) -> Iterator[Space]:
    """Make a namespace that the Credential of this one is shared with."""
    name = f"{space.name}-team"[-63:].strip("-")
    metadata = {"name": name, "labels": {"shared": space.name}}
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    site.plane.kubectl("create", "--filename=-", input=json.dumps(document))
    yield site.space_of(name)
    site.plane.kubectl("delete", "namespace", name, "--wait=false")


def _refusal_of(site: Site, row: Row) -> None:
    """Wait until the API server has refused the operator what the row is about."""
    sites.wait(
        lambda: not row.requests.isdisjoint(rights.refused(site)), f"{row.words} is refused", seconds=60
    )


def _says(site: Site, words: str) -> bool:
    """Tell whether the operator's log has some words."""
    return words in site.operator.log.read_text()


def _drop(site: Site, kind: str, name: str) -> None:
    site.plane.kubectl("delete", kind, name, f"--namespace={sites.NAMESPACE}")
