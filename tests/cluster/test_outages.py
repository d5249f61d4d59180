"""Providers that are down, slow, throttling or lying: what was proved stays so, and nobody else waits."""

import time
from collections.abc import Callable, Iterator

import pytest

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import Json, Space
from emulators.aws import AwsEmulator
from emulators.faults import Faults

MANY = 50
OUTAGE = 6.0
"""Seconds."""
WAIT = 6
"""Seconds that a provider asks for."""
AT_ONCE = 32
"""Calls that are made to one endpoint at the same time, and so before its outage is noticed."""
CHECK = "credential-operator.io/reconcile-at"

TROUBLE: dict[str, tuple[Callable[[Faults], None], str]] = {
    "cut off": (lambda faults: faults.cut(), "ProviderUnreachable"),
    "cut off in the middle": (lambda faults: faults.cut(middle=True), "ProviderUnreachable"),
    "an error of the server": (lambda faults: faults.error(status=503), "ProviderUnreachable"),
    "silent": (lambda faults: faults.delay(3.0), "ProviderUnreachable"),
    "byte by byte": (lambda faults: faults.drip(0.1), "ProviderUnreachable"),
    "a page to sign in": (lambda faults: faults.html(), "ProviderUnreachable"),
    "nothing at all": (lambda faults: faults.empty(), "ProviderUnreachable"),
    "an error without a word": (lambda faults: faults.empty(status=403), "ProviderUnreachable"),
    "somebody else's document": (lambda faults: faults.answer("<Hello/>"), "ProviderUnreachable"),
    "throttling": (lambda faults: faults.throttle(), "RateLimited"),
    "a clock ahead": (lambda faults: faults.skew(3600), "ClockSkew"),
    "a clock behind": (lambda faults: faults.skew(-3600), "ClockSkew"),
}


@pytest.fixture(autouse=True)
def _mended(aws: AwsEmulator) -> Iterator[None]:
    yield
    aws.faults.clear()


@pytest.fixture(scope="module")
def patient(site: Site) -> Space:
    """A Credential that all kinds of trouble come to, one after another."""
    space = site.space("patient")
    space.published(validation={"timeout": "1s"})
    return space


@pytest.mark.parametrize(("begin", "reason"), TROUBLE.values(), ids=TROUBLE)
def test_what_was_proved_stays_so_while_the_provider_gives(
    patient: Space, aws: AwsEmulator, begin: Callable[[Faults], None], reason: str
) -> None:
    key, generation = patient.key_in(), _generation(patient)
    begin(aws.faults)

    patient.kubectl("annotate", "credential", "backups", f"{CHECK}={time.time()}", "--overwrite")
    patient.becomes(
        Reconciling=f"True {reason}",
        Ready="True Available",
        Validated="True Accepted",
        Synced="True Published",
        Stalled=None,
    )
    aws.faults.clear()

    patient.becomes(Reconciling=None, Ready="True Available")
    assert (patient.key_in(), _generation(patient)) == (key, generation)


def _generation(space: Space) -> str:
    return str(space.get("secret", "backups-env")["metadata"]["annotations"][spaces.GENERATION])


def test_a_key_that_nobody_could_be_asked_about_is_not_published_unless_that_is_wanted(
    space: Space, aws: AwsEmulator
) -> None:
    space.new_user()
    key = space.new_key()
    aws.faults.error(status=503)

    space.apply(
        space.source(key),
        space.credential(),
        space.credential("bold", validation={"policy": "BestEffort"}),
    )
    space.becomes(
        Ready="False ProviderUnreachable", Validated="Unknown ProviderUnreachable", Synced="Unknown Pending"
    )
    space.becomes("bold", Ready="True AvailableUnchecked", Synced="True Published")
    assert space.find("secret", "backups-env") is None
    assert space.key_in("bold-env") == key

    aws.faults.clear()
    for name in ("backups", "bold"):
        space.becomes(name, Ready="True Available", Validated="True Accepted", Reconciling=None)


def test_a_provider_that_says_when_to_ask_again_is_not_asked_before(space: Space, aws: AwsEmulator) -> None:
    space.new_user()
    key = space.new_key()
    aws.reset_calls()
    aws.faults.throttle(count=1, retry_after=WAIT)
    began = time.monotonic()

    space.apply(space.source(key), space.credential())
    space.becomes(Reconciling="True RateLimited")
    space.until(lambda: len([call for call in aws.calls if call.access_key_id == key[0]]) > 1, "asked again")

    assert time.monotonic() - began > WAIT
    space.becomes(Ready="True Available")


def test_one_provider_s_outage_costs_few_calls_delays_nobody_else_and_ends_for_all_at_once(
    site: Site, space: Space
) -> None:
    with AwsEmulator(tls=False) as other:
        many = Space(space.cluster, other, space.name, space.hint)
        many.new_user()
        names = [f"many-{number}" for number in range(MANY)]
        many.apply(many.source(many.new_key(), "many"), *(_of_many(many, name) for name in names))
        many.until(lambda: _available(many) == MANY, "all are available", seconds=120)

        # It hangs, and all are to be checked.
        other.reset_calls()
        other.faults.delay(1.5)
        began = time.monotonic()
        many.kubectl("annotate", "credentials", "--all", f"{CHECK}=1")
        many.until(lambda: _left(many), "the outage is noticed")
        space.new_user()
        space.apply(space.source(space.new_key()), space.credential())
        space.becomes(Ready="True Available")
        many.until(lambda: len(_left(many)) == MANY, "the outage is told of all")
        many.until(lambda: time.monotonic() > began + OUTAGE, "the outage has lasted", seconds=OUTAGE)
        calls = len(other.calls)
        other.faults.clear()
        ended = time.monotonic()

        assert _available(many) == MANY + 1
        assert calls <= AT_ONCE + 8

        many.until(lambda: not _left(many), "all are checked", seconds=120)
        # A wait is twice the one before, so none is longer than all before it; some is for a busy machine.
        assert time.monotonic() - ended < (ended - began) * 1.2 + 30
        assert len(other.calls) <= calls + MANY + AT_ONCE


def _left(space: Space) -> list[str]:
    """Return the Credentials whose provider has not answered."""
    found = space.all("credentials")
    reason = "True ProviderUnreachable"
    return [one["metadata"]["name"] for one in found if spaces.conditions(one).get("Reconciling") == reason]


def _of_many(space: Space, name: str) -> Json:
    return space.credential(name, secretRef={"name": "many"}, validation={"timeout": "1s"})


def _available(space: Space) -> int:
    return sum(spaces.conditions(one).get("Ready") == "True Available" for one in space.all("credentials"))
