"""A Credential whose key renews itself, in memory: a provider's principal, the API server's Secrets, and a fuse.

The fuse ends the operator before or after any one of its calls to either, as `kill -9` would.
"""

import base64
import copy
import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from credential_operator import (
    breaker,
    checks,
    cluster,
    errors,
    findings,
    installation,
    inventory,
    keystore,
    rotating,
    sources,
    view,
)
from credential_operator.objects import Key
from credential_operator.providers import contract, network, rotate

Json = dict[str, Any]

BEGAN = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
HERE = Key("team-a", "backups")
SOURCE, STORE = "keys", "kept"
SESSION = network.Session(network.Policy())
MOST = 2


class Killed(BaseException):
    """The operator is gone."""


@dataclasses.dataclass
class Fuse:
    """Lets so many calls through (None: all), then ends the operator before or after the next one."""

    left: int | None = None
    after: bool = False
    blown: bool = False

    def burns(self) -> bool:
        """Tells whether this is the call that ends it, and if so raises Killed where that comes before."""
        if self.left is None:
            return False
        self.left -= 1
        self.blown = self.left < 0
        if self.blown and not self.after:
            self.left = None
            raise Killed
        return self.blown

    def blow(self) -> None:
        """Ends the operator."""
        self.left = None
        raise Killed


@dataclasses.dataclass
class Fact:
    """A key at the provider."""

    secret: str
    created_at: datetime.datetime
    enabled: bool = True


class Keys(contract.Keys):
    """A key and its secret."""

    key_id: contract.Line
    secret: contract.Line


class Principal:
    """A principal at its provider, and how its keys are rotated: a `rotate.Rotation`."""

    most = MOST
    disables = True
    settles = datetime.timedelta(minutes=1)
    needs = ("keys:write",)
    cost = "Nothing."

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self.now = BEGAN
        self.keys: dict[str, Fact] = {}
        self.owned_by = ""
        self.refuses_new = False
        """Whether new keys are refused by whoever is asked with them."""
        self.unsure = False
        """Whether it cannot be told which of the listed a key is."""
        self.calls: list[str] = []
        self.add("A", BEGAN - datetime.timedelta(days=100))

    def add(self, key_id: str, created_at: datetime.datetime) -> None:
        """Makes a key as a person does."""
        self.keys[key_id] = Fact(secret=f"canary-{key_id}", created_at=created_at)

    def works(self, key_id: str) -> bool:
        """Tells whether a key is good."""
        return key_id in self.keys and self.keys[key_id].enabled

    def fit(self, config: Any, keys: Keys) -> None:
        if keys.key_id.get_secret_value() == "session":
            raise errors.Misconfigured("a session has no keys")

    def endpoint(self, config: Any) -> str:
        return "provider:443"

    def _called(self, what: str, keys: Keys) -> bool:
        burns = self.fuse.burns()
        self.calls.append(what)
        self._authenticate(keys)
        return burns

    def _authenticate(self, keys: Keys) -> None:
        key_id, secret = keys.key_id.get_secret_value(), keys.secret.get_secret_value()
        if not self.works(key_id) or self.keys[key_id].secret != secret:
            raise errors.Rejected(f"{key_id} is not good.")

    def _return(self, burns: bool) -> None:  # noqa: FBT001
        if burns:
            self.fuse.blow()

    def owner(self, config: Any, keys: Keys, context: Any) -> str:
        self._return(self._called("owner", keys))
        return self.owned_by

    def claim(self, config: Any, keys: Keys, owner: str, context: Any) -> None:
        burns = self._called("claim", keys)
        self.owned_by = owner
        self._return(burns)

    def listed(self, config: Any, keys: Keys, context: Any) -> tuple[rotate.Listed, ...]:
        self._return(self._called("list", keys))
        found = [
            rotate.Listed(id=key_id, created_at=one.created_at, enabled=one.enabled)
            for key_id, one in self.keys.items()
        ]
        return tuple(sorted(found, key=lambda one: one.created_at))

    def identify(self, config: Any, keys: Keys, listed: Sequence[rotate.Listed]) -> str | None:
        return None if self.unsure else keys.key_id.get_secret_value()

    def make(self, config: Any, keys: Keys, mark: str, context: Any) -> rotate.Made:
        burns = self._called("make", keys)
        if len(self.keys) >= self.most:
            raise errors.Misconfigured("too many keys")
        made = chr(max(map(ord, [*self.keys, "A"])) + 1)
        self.add(made, self.now)
        self._return(burns)
        return rotate.Made(id=made, fields={"key_id": made, "secret": f"canary-{made}"})

    def _spare(self, keys: Keys, key_id: str) -> None:
        if keys.key_id.get_secret_value() == key_id:
            raise errors.Misconfigured("a key does not end itself")

    def disable(self, config: Any, keys: Keys, key_id: str, context: Any) -> None:
        burns = self._called("disable", keys)
        self._spare(keys, key_id)
        if key_id in self.keys:
            self.keys[key_id].enabled = False
        self._return(burns)

    def delete(self, config: Any, keys: Keys, key_id: str, context: Any) -> None:
        burns = self._called("delete", keys)
        self._spare(keys, key_id)
        self.keys.pop(key_id, None)
        self._return(burns)


class Provider:
    """The credential type of such keys."""

    name: ClassVar[str] = "fake"
    locks: ClassVar[bool] = False
    config = contract.Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {"key_id": (), "secret": ()}

    def __init__(self, principal: Principal) -> None:
        self.rotation = principal

    def endpoint(self, config: Any) -> str:
        return "provider:443"

    def inspect(self, config: Any, keys: Keys) -> None:
        pass

    def validate(self, config: Any, keys: Keys, context: Any) -> contract.Validation:
        key_id = keys.key_id.get_secret_value()
        if not self.rotation.works(key_id) or (self.rotation.refuses_new and key_id != "A"):
            raise errors.Rejected(f"{key_id} is refused.")
        return contract.Validation(key_id=key_id)

    def fields(self, config: Any, keys: Keys) -> dict[str, str]:
        return {"key_id": keys.key_id.get_secret_value(), "secret": keys.secret.get_secret_value()}


class Secrets:
    """The API server's Secrets, as `cluster.Cluster` gives them."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self.found: dict[Key, Json] = {}
        self.version = 0
        self.touches = 0
        """How many of the next reads are followed by a write of somebody else."""

    def put(self, name: str, data: Mapping[str, str], **metadata: Any) -> None:
        """Writes a Secret as a person does: its data, and what it says of its metadata."""
        encoded = {word: base64.b64encode(text.encode()).decode() for word, text in data.items()}
        key = Key(HERE.namespace, name)
        before = self.found.get(key, {"metadata": {"name": name, "namespace": HERE.namespace}})["metadata"]
        self._write(key, {"metadata": {**before, **metadata}, "data": encoded})

    def touch(self, name: str) -> None:
        """Changes nothing of a Secret but its version."""
        key = Key(HERE.namespace, name)
        self._write(key, self.found[key])

    def _write(self, key: Key, secret: Json) -> Json:
        self.version += 1
        secret["metadata"] |= {"uid": f"uid-{key.name}", "resourceVersion": str(self.version)}
        self.found[key] = secret
        return copy.deepcopy(secret)

    async def secret(self, namespace: str, name: str) -> Json:
        key = Key(namespace, name)
        if key not in self.found:
            raise cluster.NotFound
        seen = copy.deepcopy(self.found[key])
        if self.touches:
            self.touches -= 1
            self.touch(name)
        return seen

    async def create_secret(self, manifest: Json) -> Json:
        burns = self.fuse.burns()
        key = Key.of(manifest)
        if key in self.found:
            raise cluster.Exists
        written = self._write(key, copy.deepcopy(manifest))
        if burns:
            self.fuse.blow()
        return written

    async def patch_secret(self, namespace: str, name: str, patch: list[Json]) -> Json:
        burns = self.fuse.burns()
        secret = copy.deepcopy(self.found[Key(namespace, name)])
        for each in patch:
            *above, last = each["path"].strip("/").split("/")
            place = secret
            for word in above:
                place = place[word]
            if each["op"] == "test" and place[last] != each["value"]:
                raise errors.Conflict("changed")
            if each["op"] == "add":
                place[last] = each["value"]
        written = self._write(Key(namespace, name), secret)
        if burns:
            self.fuse.blow()
        return written


class World:
    """A Credential with `spec.rotation`, and all that it needs; a pass publishes what works, then rotates."""

    def __init__(self, **wanted: Any) -> None:
        self.fuse = Fuse()
        self.principal = Principal(self.fuse)
        self.provider = Provider(self.principal)
        self.secrets = Secrets(self.fuse)
        self.secrets.put(SOURCE, {"key_id": "A", "secret": "canary-A"})
        self.wanted = {"store": STORE, "keepOld": "1h", **wanted}
        self.annotations: dict[str, str] = {}
        good = [{"type": one, "status": "True", "reason": "x"} for one in ("Ready", "Validated", "Synced")]
        self.status: Json = {"conditions": good}
        self.published = "A"
        self.woken: list[object] = []
        self.keyring = installation.Installation(b"k" * 32)
        self.rotating = self.begin()
        self.last = findings.Managed(document={})
        self.error: errors.CredentialError | None = None
        """What went wrong last."""

    @property
    def now(self) -> datetime.datetime:
        """The time, for all."""
        return self.principal.now

    def begin(
        self, *, watches: bool = True, keyring: installation.Installation | None = None
    ) -> rotating.Rotating:
        """Starts an operator that remembers nothing."""
        known = inventory.Inventory(lambda _: "")
        keyring = keyring or self.keyring
        connection: Any = self.secrets
        checker = checks.Checker(
            SESSION,
            breaker.Breakers(clock=lambda: 0.0, jitter=lambda: 0.0),
            threads=1,
        )
        self.rotating = rotating.Rotating(
            kept=keystore.Keystore(connection, known, self.woken.extend),
            checker=checker,
            source_of=sources.Sources(
                connection, known, keyring, formats={}, account="x:y", wake=self.woken.extend
            ),
            keyring=keyring,
            cluster="",
            watches=watches,
            clock=lambda: self.now,
        )
        return self.rotating

    def seen(self) -> view.View:
        """Gives the Credential as a pass sees it."""
        document = {
            "metadata": {
                "namespace": HERE.namespace,
                "name": HERE.name,
                "uid": "u",
                "resourceVersion": "1",
                "generation": 1,
                "creationTimestamp": "2026-11-22T00:00:00Z",
                "annotations": self.annotations,
            },
            "spec": {"fake": {}, "secretRef": {"name": SOURCE}, "rotation": self.wanted},
            "status": self.status,
        }
        providers: Any = {"fake": self.provider}
        parsed = view.parse(
            inventory.record(document), view.Catalogue(providers=providers, formats={}, sources={})
        )
        assert parsed is not None
        return parsed

    def stored(self) -> dict[str, str]:
        """Gives what the store holds, or the source where there is none yet."""
        found = (
            self.secrets.found.get(Key(HERE.namespace, STORE))
            or self.secrets.found[Key(HERE.namespace, SOURCE)]
        )
        return {name: base64.b64decode(value).decode() for name, value in found["data"].items()}

    def publish(self) -> None:
        """Does what the rest of a pass does: validates what is stored, publishes it, and begins to drain."""
        if Key(HERE.namespace, STORE) in self.secrets.found:
            self.status["source"] = {"secretName": STORE}
        key_id = self.stored()["key_id"]
        if self.principal.works(key_id) and key_id != self.published:
            managed = self.status.get("rotation", {}).get("managed", {})
            told = {
                "publishedAt": findings.show_time(self.now),
                "previousKeyID": self.published,
                "drained": False,
            }
            self.status["rotation"] = told | {"managed": managed}
            self.published = key_id

    def drain(self) -> None:
        """Has nobody run the previous key any more."""
        if "rotation" in self.status:
            self.status["rotation"]["drained"] = True

    async def turn(self) -> findings.Managed:
        """Makes one pass."""
        self.publish()
        return await self.rotate()

    async def rotate(self, source: Json | None = None) -> findings.Managed:
        """Makes the last part of a pass, which has found this of the source."""
        found = findings.Pass(
            generation=1,
            type="fake",
            verdict=findings.UNCHANGED,
            timing=self.seen().timing(0.0),
            rotation=self.status.get("rotation"),
            source=source,
        )
        found = await self.rotating.advance(self.seen(), found)
        assert found.managed is not None
        self.last, self.look_at = found.managed, found.look_at
        self.error = found.managed.error or self.error
        self.status.setdefault("rotation", {})["managed"] = found.managed.document
        return found.managed

    def wait(self, **time: float) -> None:
        """Lets time pass."""
        self.principal.now += datetime.timedelta(**time)
