"""What must be true of who writes: a Credential is written to by who holds its shard's Lease, and by nobody else.

Of the operator's code it knows which shard a namespace has. It tells nothing of a replica that has stood still: what
that had begun to send goes out when it goes on, and does no harm by the version in it. Nor can it where clocks differ,
for a Lease says by its holder's clock since when it is held.
"""

import collections
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from credential_operator import leader, shards
from races.history import DELETED, LEASES, Story, seconds

CREDENTIAL = re.compile("/namespaces/([^/]+)/credentials/")

Turns = dict[str, list[tuple[float, str]]]


class Write(NamedTuple):
    """A request that a replica has sent: where to, and when, in seconds since 1970."""

    replica: str
    path: str
    at: float


def broken(writes: Iterable[Write], installed: Story, *, count: int) -> Iterator[tuple[str, str]]:
    """Says which Credentials were written to by a replica that did not lead, each with its namespace.

    `installed` is the story of the Leases' namespace, `count` how many shards there are.
    """
    turns = _turns(installed)
    for write in writes:
        if (found := CREDENTIAL.search(write.path)) is None:
            continue
        holder = _holder(turns[leader.lease_name(shards.of(found[1], count))], write.at)
        if holder != write.replica:
            yield (
                found[1],
                f"{write.replica} wrote to {write.path} at {write.at:.3f}: {holder or 'nobody'} led",
            )


def _turns(installed: Story) -> Turns:
    """Gives since when who has held each Lease; nobody since it was seen to be free."""
    found: Turns = collections.defaultdict(list)
    for event in installed:
        if event.kind != LEASES:
            continue
        spec = event.object["spec"]
        holder = "" if event.type == DELETED else spec.get("holderIdentity") or ""
        turns = found[event.metadata["name"]]
        if not turns or turns[-1][1] != holder:
            turns.append((seconds(spec["acquireTime"]) if holder else event.at, holder))
    return found


def _holder(turns: list[tuple[float, str]], at: float) -> str:
    return next((holder for since, holder in reversed(turns) if since <= at), "")
