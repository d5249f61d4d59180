"""What can befall a key, and what the conditions of its Credential then say."""

import dataclasses
from collections.abc import Callable

from emulators.faults import Faults

FAR = 4000.0
"""Seconds between two clocks that nobody takes for a small difference."""
HANGS = 6.0


TOLD = {True: "published", False: "nothing published", None: "an empty target published"}


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Status and reason of two conditions, and whether the target is published; None where it holds nothing."""

    validated: str
    ready: str
    published: bool | None

    @property
    def word(self) -> str:
        """The reason of Validated, which no other verdict has."""
        return self.validated.partition(" ")[2]

    @property
    def undecided(self) -> bool:
        """Whether the operator asks again by itself."""
        return self.validated.startswith("Unknown") and self.published is False

    def __str__(self) -> str:
        return f"Validated {self.validated}, Ready {self.ready}, {TOLD[self.published]}"


ACCEPTED = Verdict("True Accepted", "True Available", published=True)
UNCHECKED = Verdict("Unknown NotCheckable", "True AvailableUnchecked", published=True)


def refused(reason: str) -> Verdict:
    """Gives the verdict on a key that someone must do something about."""
    return Verdict(f"False {reason}", f"False {reason}", published=False)


def undecided(reason: str) -> Verdict:
    """Gives the verdict on a key about which the provider could not say anything."""
    return Verdict(f"Unknown {reason}", f"False {reason}", published=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What befalls a key, and what is said of it wherever the provider tells.

    `fault` troubles the provider, whose good key must be accepted once that is over. Without one it is the
    key, its config or the provider's state that a script prepares. `stranger`: the config leads to a server
    under an authority that nobody trusts.
    """

    name: str
    text: str
    verdict: Verdict
    fault: Callable[[Faults], None] | None = None
    stranger: bool = False
    timeout: str = "10s"

    @property
    def prepared(self) -> bool:
        """Whether a script says how it comes about; in the others the good key is used."""
        return self.fault is None and not self.stranger

    @property
    def slug(self) -> str:
        """Its name as objects are named."""
        return self.name.replace(" ", "-").lower()


ALL = (
    Situation(name="good", text="The provider knows the key.", verdict=ACCEPTED),
    Situation(
        name="wrong secret",
        text="The secret does not belong to the id.",
        verdict=refused("Rejected"),
    ),
    Situation(name="unknown id", text="The provider has no such id.", verdict=refused("Rejected")),
    Situation(name="expired", text="The key's life is over.", verdict=refused("Expired")),
    Situation(
        name="disabled", text="The key, or whose it is, was switched off.", verdict=refused("KeyDisabled")
    ),
    Situation(
        name="no permission",
        text="The key is good and lacks what the config asks for.",
        verdict=refused("PermissionDenied"),
    ),
    Situation(
        name="misconfigured", text="A field of the config cannot be right.", verdict=refused("Misconfigured")
    ),
    Situation(
        name="broken TLS",
        text="The endpoint shows a certificate of an authority that is not trusted.",
        verdict=refused("Misconfigured"),
        stranger=True,
    ),
    Situation(
        name="throttled",
        text="The provider asks for fewer calls.",
        verdict=undecided("RateLimited"),
        fault=lambda faults: faults.throttle(),
    ),
    Situation(
        name="server error",
        text="The provider answers with status 500.",
        verdict=undecided("ProviderUnreachable"),
        fault=lambda faults: faults.error(status=500),
    ),
    Situation(
        name="timeout",
        text="The provider does not answer in time.",
        verdict=undecided("ProviderUnreachable"),
        fault=lambda faults: faults.delay(HANGS),
        timeout="2s",
    ),
    Situation(
        name="garbage",
        text="Something else answers in its place: a web page with status 200.",
        verdict=undecided("ProviderUnreachable"),
        fault=lambda faults: faults.html(),
    ),
    Situation(
        name="clock skew",
        text="The provider's clock is more than an hour ahead of the operator's.",
        verdict=undecided("ClockSkew"),
        fault=lambda faults: faults.skew(FAR),
    ),
)
"""In the order in which they are shown."""
