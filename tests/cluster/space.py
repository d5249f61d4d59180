"""A namespace as its people see it: they act with kubectl. What tests wait for they read without it."""

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from controlplane import Cluster
from controlplane.cluster import Completed
from emulators.aws import AwsEmulator, Document

GROUP = "credential-operator.io"
API_VERSION = f"{GROUP}/v1beta1"
FINALIZER = f"{GROUP}/in-use-protection"
OWNER = f"{GROUP}/credential"
GENERATION = f"{GROUP}/generation"
SECONDS = 60.0
"""How long anything may take that needs no repetition: the machine may be busy."""
SOON = 8.0
"""The same for what follows at once: what is only found by another look comes after ten at the earliest."""

KINDS = {
    **dict.fromkeys(("secret", "secrets"), "api/v1/namespaces/{}/secrets"),
    **dict.fromkeys(("pod", "pods"), "api/v1/namespaces/{}/pods"),
    **dict.fromkeys(("credential", "credentials"), f"apis/{API_VERSION}/namespaces/{{}}/credentials"),
    **dict.fromkeys(
        ("credentialreference", "credentialreferences"),
        f"apis/{API_VERSION}/namespaces/{{}}/credentialreferences",
    ),
}
"""Kinds that are read often, by kubectl's words for them, and where the API server has them."""

Json = dict[str, Any]
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Space:
    """One namespace, and the cloud account in which its keys are made."""

    cluster: Cluster
    aws: AwsEmulator
    name: str
    hint: Callable[[], str] = str

    # Kubectl

    def run(
        self, *args: str, documents: tuple[Json, ...] = (), check: bool = True, **identity: Any
    ) -> Completed:
        """Run kubectl in the namespace, with documents as its input."""
        stdin = "\n---\n".join(map(json.dumps, documents)) if documents else None
        return self.cluster.kubectl(*args, f"--namespace={self.name}", input=stdin, check=check, **identity)

    def kubectl(self, *args: str, **identity: Any) -> str:
        """Run kubectl and return what it printed."""
        return self.run(*args, **identity).stdout

    def apply(self, *documents: Json) -> None:
        """Apply documents, as people do."""
        self.run("apply", "--filename=-", documents=documents)

    def patch(self, kind: str, name: str, change: Json, *options: str) -> None:
        """Merge a change into an object."""
        self.kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}", *options)

    def find(self, kind: str, name: str) -> Json | None:
        """Return an object; None if there is none."""
        if kind in KINDS:
            return self.cluster.read(f"/{KINDS[kind].format(self.name)}/{name}")
        text = self.kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        return dict(json.loads(text)) if text else None

    def get(self, kind: str, name: str) -> Json:
        """Return an object that must be there."""
        found = self.find(kind, name)
        assert found is not None, f"there is no {kind} {self.name}/{name}"
        return found

    def watched(self, kind: str, last: Json) -> list[Json]:
        """Return what a watch shows of an object, from a state of it that was read up to now."""
        name, version = last["metadata"]["name"], last["metadata"]["resourceVersion"]
        query = f"watch=1&resourceVersion={version}&timeoutSeconds=1&fieldSelector=metadata.name%3D{name}"
        shown = self.kubectl("get", "--raw", f"/{KINDS[kind].format(self.name)}?{query}")
        return [json.loads(line)["object"] for line in shown.splitlines()]

    def all(self, kind: str) -> list[Json]:
        """Return all objects of a kind."""
        if kind in KINDS:
            return list((self.cluster.read(f"/{KINDS[kind].format(self.name)}") or {"items": []})["items"])
        return list(json.loads(self.kubectl("get", kind, "--output=json"))["items"])

    # The cloud

    def new_user(self, *policies: Document, name: str = "") -> str:
        """Make the user of this namespace in the cloud, or another one; returns its ARN."""
        return self.aws.create_user(self.name + name, policies=policies).arn

    def new_key(self, name: str = "") -> Key:
        """Make a key of that user, who may have two: its id and its secret."""
        return self.aws.create_key(self.name + name)

    @property
    def arn(self) -> str:
        """The ARN of that user."""
        return f"arn:aws:iam::123456789012:user/{self.name}"

    # Objects

    def document(self, kind: str, name: str, spec: Json, **metadata: Any) -> Json:
        """Return an object of one of the two kinds."""
        named = {"name": name, "namespace": self.name, **metadata}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": named, "spec": spec}

    def credential(self, name: str = "backups", **fields: Any) -> Json:
        """Return a Credential for Secret keys with one target; fields replace those of its spec."""
        spec = {
            "aws": {"region": "eu-west-1", "endpoint": self.aws.url},
            "secretRef": {"name": "keys"},
            "targets": [{"name": f"{name}-env", "format": "env"}],
        } | fields
        return self.document(
            "Credential", name, {field: value for field, value in spec.items() if value is not None}
        )

    def reference(self, name: str = "nightly", credential: str = "backups") -> Json:
        """Return a CredentialReference."""
        return self.document("CredentialReference", name, {"credentialRef": {"name": credential}})

    def source(self, key: Key, name: str = "keys", **fields: str) -> Json:
        """Return a source Secret for an access key."""
        return self.secret(name, {**self.fields(key), **fields})

    @staticmethod
    def fields(key: Key) -> dict[str, str]:
        """Return the fields of a source Secret for an access key."""
        return {"accessKeyID": key[0], "secretAccessKey": key[1]}

    def secret(self, name: str, fields: Mapping[str, str | bytes], **metadata: Any) -> Json:
        """Return a Secret."""
        raw = {field: value.encode() if isinstance(value, str) else value for field, value in fields.items()}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self.name, **metadata},
            "data": {field: base64.b64encode(value).decode() for field, value in raw.items()},
        }

    def published(self, name: str = "backups", **fields: Any) -> Key:
        """Create user, key, source Secret and Credential, wait until it is available, and return the key."""
        self.new_user()
        key = self.new_key()
        self.apply(self.source(key), self.credential(name, **fields))
        self.becomes(name, Ready="True Available")
        return key

    # What became of them

    def data(self, name: str) -> dict[str, str]:
        """Return what a Secret holds."""
        found = self.get("secret", name).get("data") or {}
        return {field: base64.b64decode(value).decode() for field, value in found.items()}

    def key_in(self, name: str = "backups-env") -> Key | None:
        """Return the access key that a target of format env holds; None if there is no such Secret."""
        found = self.find("secret", name)
        data = {} if found is None else found.get("data") or {}
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        if any(field not in data for field in names):
            return None
        key_id, secret = (base64.b64decode(data[field]).decode() for field in names)
        return key_id, secret

    def events(self, name: str = "backups") -> list[tuple[str, str]]:
        """Return type and reason of the events about an object, in order."""
        place = f"/api/v1/namespaces/{self.name}/events"
        found = self.cluster.read(place, fieldSelector=f"involvedObject.name={name}") or {"items": []}
        items = sorted(found["items"], key=lambda one: int(one["metadata"]["resourceVersion"]))
        return [(one["type"], one["reason"]) for one in items]

    def becomes(
        self,
        name: str = "backups",
        kind: str = "credential",
        *,
        seconds: float = SECONDS,
        **expected: str | None,
    ) -> Json:
        """Wait until the conditions of the present spec are as told ("True Available", None: absent)."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.find(kind, name)
            seen = {} if found is None else conditions(found)
            if found is not None and _settled(found) and expected.items() <= _padded(seen, expected).items():
                return found
            assert time.monotonic() < deadline, (
                f"after {seconds:.0f} s {kind} {self.name}/{name} is not {expected}: {seen}\n{self.hint()}"
            )
            time.sleep(0.1)

    def until(self, true: Callable[[], Any], what: str, *, seconds: float = SECONDS) -> float:
        """Wait until something is true; fails with what it should have been, returns how long it took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() < began + seconds, (
                f"after {seconds:.0f} s still not so in {self.name}: {what}\n{self.hint()}"
            )
            time.sleep(0.05)
        return time.monotonic() - began

    def delete_when_free(self, name: str = "backups", *, seconds: float = SECONDS) -> None:
        """Delete a Credential, again for as long as it is refused: policies see what the status says."""
        words = ("delete", "credential", name, "--ignore-not-found", "--timeout=120s")
        self.until(lambda: self.run(*words, check=False).returncode == 0, f"{name} goes", seconds=seconds)

    def gone(self, kind: str, name: str) -> Callable[[], bool]:
        """Return the question whether there is no such object."""
        return lambda: self.find(kind, name) is None


def conditions(document: Json) -> dict[str, str]:
    """Return the conditions of an object: type -> status and reason."""
    found = document.get("status", {}).get("conditions", ())
    return {one["type"]: f"{one['status']} {one['reason']}" for one in found}


def message(document: Json, condition: str) -> str:
    """Return the message of a condition."""
    found = document["status"]["conditions"]
    return str(next(one["message"] for one in found if one["type"] == condition))


def _settled(document: Json) -> bool:
    return bool(document["status"].get("observedGeneration") == document["metadata"]["generation"])


def _padded(seen: Mapping[str, str], expected: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what was seen, with None for what is expected and absent."""
    return {**dict.fromkeys(expected), **seen}
