"""What a Secret held before it was adopted is kept, whatever happens between two writes."""

import os
import signal
from collections.abc import Iterator

import pytest

from cluster import adopting, sites
from cluster.adopting import ADOPTING, BACKUP, ENV, NEWER, OLD
from cluster.sites import Site
from cluster.space import OWNER, Space


@pytest.fixture(autouse=True)
def _mended(site: Site) -> Iterator[None]:
    """Leave the installation whole."""
    yield
    site.proxy.lift()
    site.proxy.after_writes(0, bool)
    if not site.operator.running:
        site.operator.start()


def _kill(site: Site) -> None:
    """Kill the operator, whose requests fail no more when it is back."""
    site.operator.kill()
    site.proxy.lift()
    site.operator.start()


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_kill_after_any_write_loses_nothing(space: Space, site: Site, writes: int) -> None:
    """The writes are: finalizer where no policy puts it on, backup, Secret, status, events."""
    space.apply(space.secret(ENV, OLD))
    space.new_user()
    key = space.new_key()
    space.apply(space.source(key))
    site.proxy.after_writes(writes, lambda: os.kill(site.operator.pid, signal.SIGKILL))
    space.apply(space.credential(targets=[ADOPTING]))

    sites.wait(lambda: not site.operator.running, "it is killed")
    site.operator.start()

    space.becomes(Ready="True Available", Synced="True Published", seconds=120)
    assert space.key_in() == key
    assert space.data(BACKUP) == OLD


def test_what_changes_after_it_was_kept_and_before_it_is_written_over_is_kept_too(
    space: Space, site: Site
) -> None:
    space.apply(space.secret(ENV, OLD))
    refused = site.proxy.fail(500, method="PATCH", path=f"/{space.name}/secrets/{ENV}$")
    key = adopting.wanted(space)
    space.until(lambda: refused.hits, "it is about to be written over")
    assert space.data(BACKUP) == OLD

    space.apply(space.secret(ENV, NEWER))
    _kill(site)

    space.becomes(Ready="True Available", seconds=120)
    assert space.key_in() == key
    assert space.data(BACKUP) == NEWER


def test_a_change_at_the_very_moment_is_not_written_over_unkept(space: Space, site: Site) -> None:
    space.apply(space.secret(ENV, OLD))
    late = site.proxy.delay(2, method="PATCH", path=f"/{space.name}/secrets/{ENV}$", times=1)
    key = adopting.wanted(space)
    space.until(lambda: late.hits, "it is about to be written over")

    space.apply(space.secret(ENV, NEWER))

    space.becomes(Ready="True Available")
    assert space.key_in() == key
    assert space.data(BACKUP) == NEWER


def test_our_own_data_never_replace_what_was_kept(space: Space, site: Site) -> None:
    space.apply(space.secret(ENV, OLD))
    unreported = site.proxy.fail(500, method="PATCH", path=f"/{space.name}/credentials/backups/status$")
    key = adopting.wanted(space)
    space.until(lambda: space.key_in() == key and unreported.hits, "it is taken over, and not reported")

    space.kubectl("label", "secret", ENV, f"{OWNER}-")
    _kill(site)

    space.becomes(Ready="True Available", seconds=120)
    assert space.get("secret", ENV)["metadata"]["labels"][OWNER] == "backups"
    assert space.data(BACKUP) == OLD


def test_what_cannot_be_kept_is_not_written_over(space: Space, site: Site) -> None:
    space.apply(space.secret(ENV, OLD))
    theirs = space.get("secret", ENV)
    full = site.proxy.fail(403, method="POST", path=f"/{space.name}/secrets$")

    key = adopting.wanted(space)
    space.becomes(Ready="False Forbidden", Synced="False Forbidden")
    assert space.get("secret", ENV) == theirs

    site.proxy.lift(full)
    space.kubectl("label", "secret", ENV, "example.com/looked-at=1")
    space.becomes(Ready="True Available")
    assert space.key_in() == key
    assert space.data(BACKUP) == OLD


def test_a_secret_of_the_backups_name_is_left_alone(space: Space) -> None:
    space.apply(space.secret(ENV, OLD), space.secret(BACKUP, {"theirs": "1"}))
    theirs = [space.get("secret", name) for name in (ENV, BACKUP)]

    key = adopting.wanted(space)
    assert f"Secret {BACKUP}" in adopting.says(space)
    assert [space.get("secret", name) for name in (ENV, BACKUP)] == theirs

    space.kubectl("delete", "secret", BACKUP)
    space.becomes(Ready="True Available", Stalled=None)
    assert space.key_in() == key
    assert space.data(BACKUP) == OLD


def test_another_secret_is_taken_over_when_the_backup_of_the_first_is_gone(space: Space, site: Site) -> None:
    key = adopting.adopted(space)
    late = site.proxy.delay(1.0, method="POST", path=f"/namespaces/{space.name}/secrets$")

    space.run("replace", "--force", "--filename=-", documents=(space.secret(ENV, NEWER),))
    assert f"Secret {BACKUP} keeps what another Secret" in adopting.says(space)
    site.proxy.lift(late)
    assert space.data(ENV) == NEWER
    assert space.data(BACKUP) == OLD

    space.kubectl("delete", "secret", BACKUP)
    space.becomes(Ready="True Available", Stalled=None)
    assert space.key_in() == key
    assert space.data(BACKUP) == NEWER
