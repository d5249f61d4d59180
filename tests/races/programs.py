"""Programs: what a few people do to one namespace at the same time, drawn from a seed. Pure.

A program is its actors' steps with the pauses before them. What comes of it is a matter of timing: each run
of it is another interleaving.
"""

import dataclasses
import random
from collections.abc import Mapping
from typing import Any

CREDENTIAL_NAMES = ("a", "b")
CLAIM_NAMES = ("c0", "c1", "c2", "c3")
HANDOUT_NAMES = ("d0", "d1")
"""Of the Secrets that are distributed, from either Credential."""
HOLDERS = {"h0": "Job", "h1": "Pod"}
"""Name -> kind."""
GRACES = ("0s", "2s", "1h")
"""How long the targets of revoked references stay."""
LEASE = 10
"""Seconds of the shortest lease that there can be."""
SKEW = 300
"""Seconds by which the clocks of holders are off."""

THEMES: Mapping[str, Mapping[str, int]] = {
    "a reference is made while its Credential is deleted": {"claim": 6, "delete": 4, "unclaim": 3},
    "a reference is deleted and made again at once": {"reclaim": 6, "delete": 3, "unclaim": 1, "claim": 1},
    "a Credential is deleted and made again with the same name": {"replace": 6, "claim": 5, "delete": 2},
    "a namespace ends while it is written to": {
        "leave": 2,
        "claim": 5,
        "delete": 3,
        "renew": 2,
        "replace": 1,
    },
    "leases lapse and are renewed": {"lease": 5, "renew": 6, "delete": 4, "unclaim": 1},
    "owners change their minds": {"cordon": 4, "uncordon": 5, "force": 1, "claim": 5, "delete": 4},
    "references wait for their own finalizers": {"finalize": 4, "unclaim": 4, "free": 3, "delete": 3},
    "a grant is taken back and given again": {
        "share": 6,
        "borrow": 3,
        "rotate": 6,
        "label": 2,
        "unlabel": 1,
        "give back": 1,
        "delete": 1,
        "force": 1,
    },
    "a neighbour goes while its targets are written": {
        "depart": 2,
        "arrive": 2,
        "borrow": 5,
        "rotate": 3,
        "share": 2,
        "delete": 2,
    },
    "an owner goes while others borrow": {"leave": 1, "borrow": 5, "share": 3, "replace": 2, "rotate": 1},
    "an owner distributes, and thinks again": {
        "distribute": 6,
        "share": 2,
        "label": 3,
        "unlabel": 2,
        "rotate": 3,
        "employ": 1,
        "delete": 2,
        **dict.fromkeys(("replace", "force", "leave", "depart", "arrive", "ask"), 1),
    },
    "neighbours do what they like with what they were given": {
        "distribute": 3,
        **dict.fromkeys(("reject", "ask", "plant", "seize"), 3),
        **dict.fromkeys(("keep", "uproot", "employ", "dismiss", "label", "rotate", "delete"), 2),
        "share": 1,
        "unlabel": 1,
    },
    "holders come late, finish, and come again": {
        "await": 5,
        "start": 5,
        "finish": 3,
        "end": 3,
        "restart": 3,
        "let go": 2,
        "delete": 3,
        "unclaim": 1,
    },
    "anything": {
        **dict.fromkeys(("borrow", "share", "await", "start"), 4),
        **dict.fromkeys(("give back", "rotate", "finish", "end", "restart", "let go", "label", "unlabel"), 2),
        **dict.fromkeys(("claim", "delete", "unclaim"), 5),
        **dict.fromkeys(("replace", "create", "reclaim", "lease", "renew", "finalize", "free"), 3),
        **dict.fromkeys(("cordon", "uncordon", "distribute", "reject", "ask"), 2),
        **dict.fromkeys(("force", "keep", "plant", "seize", "uproot", "employ", "dismiss"), 1),
    },
}
"""What a program is about: how often each verb comes."""
ON_CREDENTIALS = frozenset(
    {"create", "delete", "replace", "cordon", "uncordon", "force", "share", "distribute"}
)
ON_HANDOUTS = frozenset({"reject", "ask", "keep", "plant"})
"""Verbs on references that have the names of Credentials."""
ON_SECRETS = frozenset({"seize", "uproot", "employ", "dismiss"})
ON_HOLDERS = frozenset({"start", "finish", "end", "restart", "let go"})
ON_NAMESPACES = frozenset({"leave", "depart", "arrive", "label", "unlabel", "rotate"})
AMONG_NEIGHBOURS = frozenset({"borrow", "depart", "arrive", "distribute"})
FIRST = ("lease", "borrow", "await", "distribute")
"""What is done before actors begin, if the theme has it; else something is claimed."""
PAUSES = (0.0, 0.0, 0.02, 0.1, 0.3, 1.2)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that somebody does: after a pause in seconds, to an object of that name."""

    pause: float
    verb: str
    name: str = ""
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        fields = "".join(f" {name}={value}" for name, value in self.fields.items())
        return f"{self.verb} {self.name}{fields}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is there at first, one step after the other, and then what each actor does.

    `neighbourly`: somebody borrows from a namespace beside.
    """

    theme: str
    begins: float
    neighbourly: bool
    first: tuple[Step, ...]
    actors: tuple[tuple[Step, ...], ...]


def draw(seed: str, *, seconds: float, theme: str = "") -> Program:
    """Draws a program that begins at some moment of the weather's so many seconds, about a theme or any."""
    source = random.Random(seed)
    theme = theme or source.choice(sorted(THEMES))
    first = [_step(source, "create", name, pause=0.0) for name in _some(source, CREDENTIAL_NAMES)]
    verb = next((one for one in FIRST if one in THEMES[theme]), "claim")
    first += [_step(source, verb, name, pause=0.0) for name in _some(source, _names(verb)[:2])]
    settled = source.choice((0.0, 0.1, 0.5, 1.5))
    actors = [_actor(source, theme, settled) for _ in range(source.randint(2, 4))]
    return Program(
        theme=theme,
        begins=source.uniform(0.0, max(0.5, seconds - 6.0)),
        neighbourly=not AMONG_NEIGHBOURS.isdisjoint(THEMES[theme]),
        first=tuple(first),
        actors=tuple(actors),
    )


def _some(source: random.Random, names: tuple[str, ...]) -> list[str]:
    """Chooses at least one."""
    return sorted(source.sample(names, source.randint(1, len(names))))


def _actor(source: random.Random, theme: str, settled: float) -> tuple[Step, ...]:
    weights = THEMES[theme]
    verbs = source.choices(list(weights), list(weights.values()), k=source.randint(2, 6))
    steps = []
    for number, verb in enumerate(verbs):
        pause = source.choice(PAUSES) * source.random() * 2 + (settled if number == 0 else 0.0)
        steps.append(_step(source, verb, source.choice(_names(verb)), pause=pause))
    return tuple(steps)


def _names(verb: str) -> tuple[str, ...]:
    if verb in ON_CREDENTIALS | ON_HANDOUTS:
        return CREDENTIAL_NAMES + CREDENTIAL_NAMES[:1] * 3
    if verb in ON_SECRETS:
        return HANDOUT_NAMES
    return tuple(HOLDERS) if verb in ON_HOLDERS else CLAIM_NAMES


def _step(source: random.Random, verb: str, name: str, *, pause: float) -> Step:
    return Step(
        pause=pause, verb=verb, name="" if verb in ON_NAMESPACES else name, fields=_fields(source, verb)
    )


def _fields(source: random.Random, verb: str) -> Mapping[str, Any]:
    match verb:
        case "create" | "replace":
            held = source.choice(("Hold", "Hold", "Hold", "Refuse"))
            return {"whenReferenced": held, **_grant(source, ("name", "name", "name", "label", "nobody"))}
        case "delete":
            return {"propagation": source.choice(("Background", "Background", "Foreground"))}
        case "claim" | "finalize":
            return {"credential": source.choice("aaab")}
        case "lease":
            length = source.choice((LEASE, LEASE, 3600))
            return {"credential": source.choice("aaab"), "seconds": length, "skew": _skew(source)}
        case "renew":
            return {"skew": _skew(source)}
    return _holder(source, verb) | _loan(source, verb) | _handout(source, verb)


def _loan(source: random.Random, verb: str) -> dict[str, Any]:
    """Gives the fields of what is between an owner, a neighbour, and a holder's reference; none for other verbs."""
    match verb:
        case "share":
            return _grant(source, ("name", "name", "label", "another", "nobody"))
        case "borrow":
            return {"credential": source.choice("aaab"), "target": source.choice((True, True, True, False))}
        case "rotate":
            return {"key": f"value {source.randrange(1000)}"}
        case "await":
            holder, removed = source.choice(tuple(HOLDERS)), source.choice((False, False, True))
            return {"credential": source.choice("aaab"), "holder": holder, "removed": removed}
    return {}


def _handout(source: random.Random, verb: str) -> dict[str, Any]:
    """Gives the fields of what is done about a distribution; none for other verbs."""
    match verb:
        case "distribute":
            how = source.choice(("target", "target", "target", "offer", "offer", "nothing"))
            return {"how": how, "target": source.choice(HANDOUT_NAMES)}
        case "ask":
            return {"target": source.choice((*HANDOUT_NAMES, ""))}
        case "plant":
            label = source.choice(("", "", "target", "offer"))
            return {"credential": source.choice(CREDENTIAL_NAMES), "label": label}
    return {}


def _grant(source: random.Random, ways: tuple[str, ...]) -> dict[str, Any]:
    return {"with": source.choice(ways), "grace": source.choice(GRACES)}


def _holder(source: random.Random, verb: str) -> dict[str, Any]:
    """Gives the fields of what becomes of a holder; none for other verbs."""
    match verb:
        case "start" | "restart":
            return {"stays": source.choice((False, False, True))}
        case "finish":
            return {"well": source.choice((True, False))}
        case "end":
            return {"propagation": source.choice(("Background", "Foreground"))}
    return {}


def _skew(source: random.Random) -> int:
    """Gives how far a holder's clock is ahead."""
    return source.choice((0, 0, SKEW, -SKEW))
