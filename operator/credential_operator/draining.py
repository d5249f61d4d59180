"""After a rotation: which workloads run the previous key still, until none does.

Decided on fresh lists of Pods: somebody will switch the previous key off because of it.
"""

import dataclasses
import datetime
import time
from collections.abc import Callable, Iterable
from typing import Any

from credential_operator import findings, inventory, objects, rotation, survey, view

Json = dict[str, Any]
Time = datetime.datetime

FIRST = datetime.timedelta(seconds=2)
"""How long after a rotation it is looked for the first time."""
APART = datetime.timedelta(seconds=10)
"""How long looks are apart at least, whatever Pods come and go."""
ANYWAY = datetime.timedelta(minutes=5)
"""How long after a look there is another one, whatever is heard of Pods."""


class Draining:
    """Looks who runs the previous keys of Credentials."""

    def __init__(
        self, known: inventory.Inventory, asked: survey.Survey, *, clock: Callable[[], Time]
    ) -> None:
        self._known = known
        self._survey = asked
        self._clock = clock
        self._looked: dict[objects.Key, float] = {}

    def forget(self, key: objects.Key) -> None:
        """Forgets a Credential that is gone."""
        self._looked.pop(key, None)
        self._survey.follow(key, ())

    async def look(self, seen: view.View, found: findings.Pass) -> findings.Pass:
        """Adds what is said of a rotation, and when to look again."""
        previous = rotation.begun(seen.status, found)
        if previous is not None:
            begun: Json = {"publishedAt": findings.show_time(self._clock())}
            begun |= {"previousKeyID": previous} if previous else {}
            if not self._survey.watches:
                return dataclasses.replace(found, rotation=begun)
            self._looked[seen.key] = time.monotonic() + (FIRST - APART).total_seconds()
            self._survey.follow(seen.key, self._published(seen, begun))
            return self._planned(found, begun | {"drained": False}, FIRST)
        known = seen.status.get("rotation")
        if known is None:
            return found
        if known.get("drained", True) or not self._survey.watches:
            return dataclasses.replace(found, rotation=known)
        return await self._again(seen, found, known)

    async def _again(self, seen: view.View, found: findings.Pass, known: Json) -> findings.Pass:
        remaining = self._looked.get(seen.key, 0.0) + APART.total_seconds() - time.monotonic()
        if seen.key in self._looked and remaining > 0:
            return self._planned(found, known, datetime.timedelta(seconds=remaining))
        published = self._published(seen, known)
        self._survey.follow(seen.key, published)
        behind = await self._survey.behind(published)
        self._looked[seen.key] = time.monotonic()
        told = rotation.told(known, behind.users, self._survey.unjudged(published))
        if told["drained"]:
            self.forget(seen.key)
            return dataclasses.replace(found, rotation=told)
        wait = ANYWAY if behind.until is None else max(behind.until - self._clock(), APART)
        return self._planned(found, told, min(wait, ANYWAY))

    def _planned(self, found: findings.Pass, told: Json, wait: datetime.timedelta) -> findings.Pass:
        looks = [self._clock() + wait, *([] if found.look_at is None else [found.look_at])]
        return dataclasses.replace(found, rotation=told, look_at=min(looks))

    def _published(self, seen: view.View, told: Json) -> dict[objects.Key, Time | None]:
        """Gives the Secrets whose users have the Credential's key, and since when each holds the new one."""
        since = findings.parse_time(told["publishedAt"])
        changed = findings.parse_time(seen.status.get("source", {}).get("changedAt"))
        own = {objects.Key(seen.key.namespace, target.name): since for target in seen.spec.targets}
        source = {} if seen.source_key is None else {seen.source_key: changed or since}
        # What was the source before the operator had keys made holds the first one for ever.
        left = {} if seen.left_key is None else {seen.left_key: None}
        return {**source, **left, **own, **dict(self._borrowed(seen))}

    def _borrowed(self, seen: view.View) -> Iterable[tuple[objects.Key, Time | None]]:
        version = seen.status.get("source", {}).get("resourceVersion")
        for key in self._known.references_to(seen.key):
            target = self._known.references[key].parse()["status"].get("target")
            if target is not None:
                renewed = target["source"].rpartition("/")[2] == version
                since = findings.parse_time(target["publishedAt"]) if renewed else None
                yield objects.Key(key.namespace, target["name"]), since
