"""For holders: a Credential is held for as long as a block of code runs.

It loads nothing of the operator, and the operator nothing of it. What it needs to be allowed, and what
happens when its process is killed, is in docs/holding.md.
"""

import contextlib
import dataclasses
import datetime
import http
import json
import logging
import os
import pathlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

import urllib3
from kubernetes import client, config
from kubernetes.config import incluster_config

logger = logging.getLogger(__name__)

GROUP, VERSION, PLURAL = "credential-operator.io", "v1beta1", "credentialreferences"
ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a Pod finds who it is."""
LEFT_SECONDS = 3600
"""How long an abandoned claim can still be seen after its lease has ended."""
LONGEST_REQUEST = 10.0
LONGEST_PAUSE = 10.0
CREATE_PAUSE = 1.0
RELEASE_PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each of the attempts to remove a claim: the job is done, and is not kept for long."""
TOO_MANY_REQUESTS = http.HTTPStatus.TOO_MANY_REQUESTS
GONE = ("NotFound", "Conflict")
"""What is said of a claim that was deleted, and of another one under its name."""
DELETED = "somebody deleted it"

Json = dict[str, Any]


class NotHeld(Exception):
    """The Credential is not held: `reason` and `message` of the claim's condition, or of the API server."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class Unavailable(Exception):
    """The API server does not answer, or not now."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """An API server as a holder reaches it, and the holder's own namespace."""

    configuration: client.Configuration
    namespace: str


def place(account: pathlib.Path = ACCOUNT) -> Place:
    """Finds the cluster as the operator does: the Pod's own account, else KUBECONFIG or the default file.

    KUBECONFIG comes first where both are there. Raises kubernetes.config.ConfigException where neither is.
    """
    found = client.Configuration()
    # The retries of urllib3 would use up a lease without a word.
    found.retries = False
    file = os.environ.get("KUBECONFIG")
    if os.environ.get("KUBERNETES_SERVICE_HOST") and not file:
        loader = incluster_config.InClusterConfigLoader(str(account / "token"), str(account / "ca.crt"))
        loader.load_and_set(found)
        return Place(configuration=found, namespace=(account / "namespace").read_text().strip())
    config.load_kube_config(file, client_configuration=found, persist_config=False)
    _, active = config.list_kube_config_contexts(file)
    return Place(configuration=found, namespace=active["context"].get("namespace") or "default")


class Claims(Protocol):
    """The CredentialReferences of one namespace; each method raises NotHeld where refused, or Unavailable."""

    namespace: str

    def create(self, name: str, spec: Json) -> Json:
        """Creates a claim, and gives it."""

    def read(self, name: str) -> Json:
        """Gives a claim."""

    def renew(self, name: str, uid: str) -> Json:
        """Renews a claim, and gives it; another one under its name is NotFound."""

    def delete(self, name: str, uid: str) -> None:
        """Deletes a claim if it is still that one."""

    def close(self) -> None:
        """Ends what is open."""


class Hold:
    """A claim to a Credential: made on entry, renewed by a thread, removed at the end. Made by `hold`.

    `lost` is set, and a warning logged, when the claim does not count any more, or did not for a while.
    """

    def __init__(
        self,
        credential: str,
        *,
        reason: str,
        name: str | None,
        lease: int,
        wait: float,
        ready: bool,
        through: Claims | None,
    ) -> None:
        self.name = name or f"{credential}-{secrets.token_hex(4)}"
        self.namespace = ""
        self.lost = threading.Event()
        self._credential = credential
        self._reason = reason
        self._lease = lease
        self._wait = wait
        self._wanted = ("Bound", "Ready") if ready else ("Bound",)
        self._through = through
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"hold-{self.name}", daemon=True)
        self._sent: set[str] = set()
        self._uid = ""
        self._renewed = 0.0
        self._bound = False

    def __enter__(self) -> Self:
        """Makes the claim and waits until it counts; raises NotHeld, and then leaves nothing behind."""
        patience = max(1.0, min(LONGEST_REQUEST, self._lease / 6))
        self._claims = self._through or _Claims(place(), patience=patience)
        self.namespace = self._claims.namespace
        deadline = time.monotonic() + self._wait
        try:
            self._make(deadline)
        except BaseException:
            self._claims.close()
            raise
        self._thread.start()
        try:
            if self._wait:
                self._until_it_counts(deadline)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    # The beginning

    def _make(self, deadline: float) -> None:
        """Creates the claim, again for as long as the API server does not answer."""
        while True:
            began = time.monotonic()
            try:
                self._uid = self._create()["metadata"]["uid"]
            except Unavailable as error:
                if time.monotonic() + CREATE_PAUSE > deadline:
                    raise NotHeld("Unavailable", str(error)) from None
                time.sleep(CREATE_PAUSE)
            else:
                self._renewed = began
                return

    def _create(self) -> Json:
        moment, earlier = _now(), frozenset(self._sent)
        self._sent.add(moment)
        spec = {
            "credentialRef": {"name": self._credential},
            "description": self._reason,
            "leaseDurationSeconds": self._lease,
            "renewTime": moment,
            "ttlSecondsAfterFinished": LEFT_SECONDS,
        }
        try:
            return self._claims.create(self.name, spec)
        except NotHeld as refused:
            if refused.reason != "AlreadyExists" or not earlier:
                raise
            # An attempt whose answer was lost may have made it: then its time is one that we sent.
            found = self._claims.read(self.name)
            if found["spec"].get("renewTime") not in earlier:
                raise
            return found

    def _until_it_counts(self, deadline: float) -> None:
        """Waits until the conditions are as wanted; raises NotHeld with what was last said of them."""
        pause = 0.1
        while True:
            try:
                objection = _objection(self._claims.read(self.name), self._wanted)
            except Unavailable as error:
                objection = NotHeld("Unavailable", str(error))
            if objection is None:
                self._bound = True
                return
            if time.monotonic() + pause > deadline:
                raise objection
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    # The thread

    @property
    def _pause(self) -> float:
        """Seconds after which a request that failed is made again."""
        return min(LONGEST_PAUSE, self._lease / 12)

    def _keep(self) -> None:
        """Renews the claim until the end, or until there is none any more."""
        pause: float | None = self._lease / 3
        try:
            while pause is not None and not self._over.wait(pause):
                pause = self._renew()
        finally:
            if not self._over.is_set():
                self._lose("it is not renewed any more")

    def _renew(self) -> float | None:
        """Renews the claim once; gives the seconds until the next time, None where there is none any more."""
        began = time.monotonic()
        try:
            found = self._claims.renew(self.name, self._uid)
        except Unavailable as error:
            return self._missed(str(error))
        except NotHeld as refused:
            if refused.reason != "NotFound":
                return self._missed(str(refused))
            self._lose(DELETED)
            return None
        self._renewed = began
        objection = _objection(found, ("Bound",))
        # What was not bound yet, where nobody waited for it, is not lost.
        if objection is None:
            self._bound = True
        elif self._bound:
            self._lose(str(objection))
        return self._lease / 3

    def _missed(self, why: str) -> float:
        """Says that a renewal failed; gives the seconds until the next attempt, at the lease's end at the latest."""
        left = self._renewed + self._lease - time.monotonic()
        if left <= 0:
            self._lose(f"its lease has ended ({why})")
            return self._pause
        logger.warning("could not renew the %s, %.0f s are left: %s", self, left, why)
        return min(self._pause, left)

    def _lose(self, why: str) -> None:
        if not self.lost.is_set():
            self.lost.set()
            logger.warning("the %s does not count: %s", self, why)

    # The end

    def _release(self) -> None:
        """Removes the claim if it is still that one; what cannot be removed ends with its lease."""
        self._over.set()
        self._thread.join(LONGEST_REQUEST)
        why = ""
        with contextlib.closing(self._claims):
            for pause in RELEASE_PAUSES:
                time.sleep(pause)
                why = self._remove(again=pause > 0)
                if not why:
                    return
        logger.warning("could not remove the %s, which ends within %d s: %s", self, self._lease, why)

    def _remove(self, *, again: bool) -> str:
        """Removes the claim; gives why it is still there, nothing where it is not."""
        try:
            self._claims.delete(self.name, self._uid)
        except Unavailable as error:
            return str(error)
        except NotHeld as refused:
            if refused.reason not in GONE:
                return str(refused)
            # After an attempt whose answer was lost, it is gone because that one deleted it.
            if not again:
                self._lose(DELETED)
        return ""

    def __str__(self) -> str:
        return f"claim {self.namespace}/{self.name} to Credential {self._credential}"


def hold(
    credential: str,
    *,
    reason: str,
    name: str | None = None,
    lease: int = 60,
    wait: float = 30.0,
    ready: bool = False,
    through: Claims | None = None,
) -> Hold:
    """Holds a Credential of the holder's namespace for as long as a `with` block runs; raises NotHeld.

    `reason` is what whoever wants to delete the Credential reads. `name` is that of the claim, which must
    be new. `lease`: for how many seconds the claim outlives a killed holder, from 10 to 604800. `wait`: how
    many seconds to wait until the claim counts, 0 for not at all. `ready`: also until the Credential is Ready.
    `through`: another way to the claims than the one that `place` finds.
    """
    return Hold(credential, reason=reason, name=name, lease=lease, wait=wait, ready=ready, through=through)


def manifest(name: str, spec: Json) -> Json:
    """Words a claim."""
    head = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "CredentialReference", "metadata": {"name": name}}
    return {**head, "spec": spec}


def renewal(uid: str) -> Json:
    """Words the change that renews a claim, if it is still that one."""
    return {"metadata": {"uid": uid}, "spec": {"renewTime": _now()}}


@contextlib.contextmanager
def same(claims: Claims, name: str, uid: str) -> Iterator[None]:
    """Raises NotFound for a renewal that was refused because there is another claim under its name."""
    try:
        yield
    except NotHeld as refused:
        # Neither tells by itself: a uid that differs is invalid, and many writers end in a conflict.
        if refused.reason in ("Invalid", "Conflict") and claims.read(name)["metadata"]["uid"] != uid:
            raise NotHeld("NotFound", "There is another one under its name.") from None
        raise


class _Claims:
    """Claims by an API client; a request takes `patience` seconds at most."""

    def __init__(self, found: Place, *, patience: float) -> None:
        self.namespace = found.namespace
        self._client = client.ApiClient(found.configuration)
        self._api = client.CustomObjectsApi(self._client)
        self._where = {"group": GROUP, "version": VERSION, "namespace": found.namespace, "plural": PLURAL}
        self._patience = patience

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def create(self, name: str, spec: Json) -> Json:
        """Creates a claim."""
        return self._ask(self._api.create_namespaced_custom_object, body=manifest(name, spec))

    def read(self, name: str) -> Json:
        """Reads a claim."""
        return self._ask(self._api.get_namespaced_custom_object, name=name)

    def renew(self, name: str, uid: str) -> Json:
        """Renews a claim; another one under its name is NotFound."""
        kind = "application/merge-patch+json"
        with same(self, name, uid):
            return self._ask(
                self._api.patch_namespaced_custom_object, name=name, body=renewal(uid), _content_type=kind
            )

    def delete(self, name: str, uid: str) -> None:
        """Deletes a claim if it is still that one."""
        body = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=uid))
        self._ask(self._api.delete_namespaced_custom_object, name=name, body=body)

    def _ask(self, call: Callable[..., Any], **options: Any) -> Json:
        with _in_our_words():
            answer: Json = call(**self._where, **options, _request_timeout=self._patience)
            return answer


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    """Raises Unavailable for what may be otherwise soon, NotHeld for a refusal; neither shows headers."""
    try:
        yield
    except client.ApiException as error:
        code = error.status or 0
        if code in (0, TOO_MANY_REQUESTS) or code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"The API server answers {code or error.reason}.") from None
        raise _refusal(code, error.body) from None
    except (urllib3.exceptions.HTTPError, OSError, config.ConfigException) as error:
        raise Unavailable(f"The API server does not answer ({type(error).__name__}).") from None


def _refusal(code: int, body: str | None) -> NotHeld:
    try:
        status = json.loads(body or "")
        return NotHeld(status["reason"], status["message"])
    except (ValueError, KeyError, TypeError):
        phrase = http.HTTPStatus(code).phrase
        return NotHeld(phrase.replace(" ", ""), f"The API server answers {code} ({phrase}).")


def _objection(document: Json, wanted: tuple[str, ...]) -> NotHeld | None:
    """Gives why a claim is not as wanted; None where it is."""
    conditions = {one["type"]: one for one in (document.get("status") or {}).get("conditions", ())}
    for name in wanted:
        if name not in conditions:
            return NotHeld("Pending", "The operator has not looked at the claim yet.")
        if conditions[name]["status"] != "True":
            return NotHeld(conditions[name]["reason"], conditions[name]["message"])
    return None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()
