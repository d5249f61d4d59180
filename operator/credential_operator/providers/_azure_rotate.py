"""Client secrets of Entra ID that renew themselves: what an application does, through Microsoft Graph, to its own.

learn.microsoft.com/graph/api/application-addpassword, and likewise application-removepassword, application-get,
application-update; each may be asked of appId, and by the application itself once it owns itself and has
Application.ReadWrite.OwnedBy. An application has 1200 entries of all kinds, one for personal accounts two secrets:
learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions
learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
"""

import abc
import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson

from credential_operator import errors
from credential_operator.providers import (
    _graph,
    _json,
    _resource_manager,
    _sign_in,
    contract,
    network,
    rotate,
)

NEEDS = ("Application.ReadWrite.OwnedBy",)
TAG = "credential-operator.io/owner="
"""How the tag of an application begins that says who rotates its secrets.

Nothing else can be written without another right: the name of a secret could say it too, but only once there is one.
"""
LIVES = tuple(datetime.timedelta(days=days) for days in (730, 365, 180))
"""How long a new secret is to be good: as long as Graph itself would choose, else as a tenant's policy allows.

The first is longer than any interval with all that comes after it, so that the secret outlives an operator that is
gone: what ends it is the rotation.
"""
TOO_LONG = "CredentialInvalidLifetimeAsPerAppPolicy"
GONE = frozenset({"BadRequest", "Request_BadRequest", "Request_ResourceNotFound"})
"""Graph's words to whoever removes a secret that there is not."""
VALUE = re.compile(r"[!-~]{8,256}")
DENIED = (
    "does not let application {client} change itself: give it the application permission "
    "Application.ReadWrite.OwnedBy of Microsoft Graph with an administrator's consent, and make it an owner of itself "
    "(az ad app owner add --id {client} --owner-object-id $(az ad sp show --id {client} --query id --output tsv))"
)
FULL = (
    "makes no more secrets of application {client}, which has all it may have: delete those that nobody needs"
)
SHORT = (
    f"lets secrets of application {{client}} live less than {LIVES[-1].days} days: except it from the tenant's app "
    "management policy, or have that allow more"
)
FORBIDDEN = (
    "makes no secrets of application {client}: except it from the tenant's app management policy, or use "
    "workloadIdentity in place of a secret"
)
BUSY = (errors.Conflict, "is changing application {client} for somebody else just now")
CODES: _resource_manager.Codes = {
    **_graph.CODES,
    "Authorization_RequestDenied": (errors.PermissionDenied, DENIED),
    "Directory_ConcurrencyViolation": BUSY,
    "ConcurrencyViolation": BUSY,
    "TooManyAppPasswords": (errors.Misconfigured, FULL),
    TOO_LONG: (errors.PermissionDenied, SHORT),
    "CredentialTypeNotAllowedAsPerAppPolicy": (errors.PermissionDenied, FORBIDDEN),
}
DONE = frozenset({_graph.OK, 204})


class Rotation(abc.ABC):
    """The secrets of the application whose secret it is."""

    most: ClassVar[int] = 1200
    disables: ClassVar[bool] = False
    # Minutes, by those who wait for it: Terraform users' time_sleep of 2 to 15 (AshleyHollis/azure-secret-rotation).
    settles: ClassVar[datetime.timedelta] = datetime.timedelta(minutes=5)
    needs: ClassVar[Sequence[str]] = NEEDS
    cost: ClassVar[str] = (
        "Each takes one addPassword and removePassword of Microsoft Graph, and some calls that look at the "
        "application, each after a sign-in; the tenant's logs record them all, and nobody bills them. New secrets are "
        "good for two years, or for as long as the tenant's policy allows."
    )

    @abc.abstractmethod
    def graph(self, config: Any) -> str:
        """Gives the URL of Microsoft Graph; raises Misconfigured where only a private cloud could tell it."""

    @abc.abstractmethod
    def secret(self, keys: Any) -> str:
        """Gives the stored secret; empty where none is stored."""

    @abc.abstractmethod
    def application(self, config: Any, keys: Any, context: contract.Context) -> _sign_in.Application:
        """Gives the application, with the time that begins now."""

    def fit(self, config: Any, keys: Any) -> None:
        """Refuses certificates, which their owners make, and workload identities."""
        if not self.secret(keys):
            raise errors.Misconfigured(
                "Only a client secret can be rotated, neither a certificate nor a workload identity: store a "
                "clientSecret, or take rotation off."
            )
        self.endpoint(config)

    def endpoint(self, config: Any) -> str:
        """Names Microsoft Graph."""
        return str(network.parse(self.graph(config)))

    def owner(self, config: Any, keys: Any, context: contract.Context) -> str:
        """Reads the application's tag."""
        tags = self._open(config, keys, context).tags()
        return next((tag.removeprefix(TAG) for tag in tags if tag.startswith(TAG)), "")

    def claim(self, config: Any, keys: Any, owner: str, context: contract.Context) -> None:
        """Tags the application, beside the tags that it has; Graph writes them as a whole, whoever did so meanwhile."""
        own = self._open(config, keys, context)
        others = [tag for tag in own.tags() if not tag.startswith(TAG)]
        own.ask("PATCH", "", {"tags": [*others, f"{TAG}{owner}"]})

    def listed(self, config: Any, keys: Any, context: contract.Context) -> tuple[rotate.Listed, ...]:
        """Lists the secrets; one whose life is over is not enabled."""
        return self._open(config, keys, context).secrets(context.now())

    def identify(self, _config: Any, keys: Any, listed: Sequence[rotate.Listed]) -> str | None:
        """Compares the first characters, of which Graph tells; None where two good ones have the same."""
        hint = self.secret(keys)[: _graph.HINT]
        fits = [one.id for one in listed if one.enabled and one.hint == hint]
        return fits[0] if len(fits) == 1 else None

    def make(self, config: Any, keys: Any, mark: str, context: contract.Context) -> rotate.Made:
        """Makes another secret, whose name is the mark; one that a policy refuses as too long is asked for shorter."""
        own = self._open(config, keys, context)
        for life in LIVES:
            ends = (context.now() + life).strftime("%Y-%m-%dT%H:%M:%SZ")
            answer = own.send(
                "POST", "/addPassword", {"passwordCredential": {"displayName": mark, "endDateTime": ends}}
            )
            said = _json.read(answer)
            if _resource_manager.code_of(said) != TOO_LONG:
                break
        key_id, value = str(said.get("keyId", "")), str(said.get("secretText", ""))
        if answer.status != _graph.OK or not _graph.GUID.fullmatch(key_id) or not VALUE.fullmatch(value):
            raise own.refusal(answer)
        return rotate.Made(
            id=key_id, fields={"clientSecret": value}, expires_at=_json.moment(said.get("endDateTime"))
        )

    def delete(self, config: Any, keys: Any, key_id: str, context: contract.Context) -> None:
        """Removes a secret, unless by its first characters it may be the one that asks."""
        own = self._open(config, keys, context)
        known = {one.id: one for one in own.secrets(context.now())}
        found = known.get(key_id)
        if found and found.enabled and found.hint == self.secret(keys)[: _graph.HINT]:
            raise rotate.ends_itself(key_id)
        answer = own.send("POST", "/removePassword", {"keyId": key_id})
        gone = _resource_manager.code_of(_json.read(answer)) in GONE and found is None
        if answer.status not in DONE and not gone:
            raise own.refusal(answer)

    def _open(self, config: Any, keys: Any, context: contract.Context) -> "_Own":
        application, url = self.application(config, keys, context), self.graph(config)
        return _Own(application=application, url=url, token=application.sign_in(url))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """An application, as it sees itself on Graph."""

    application: _sign_in.Application
    url: str
    token: str = dataclasses.field(repr=False)

    def tags(self) -> list[str]:
        """Reads the tags."""
        return [str(tag) for tag in self._read("tags")]

    def secrets(self, now: datetime.datetime) -> tuple[rotate.Listed, ...]:
        """Reads what is public of the secrets."""
        found = [_listed(one, now) for one in self._read("passwordCredentials")]
        if None in found:
            raise errors.ProviderUnreachable(
                f"{network.parse(self.url)} lists a secret of application {self.application.client} without a name or "
                "a life."
            )
        return tuple(sorted((one for one in found if one), key=lambda one: (one.created_at, one.id)))

    def ask(self, method: str, target: str, document: Mapping[str, Any]) -> None:
        """Changes something."""
        answer = self.send(method, target, document)
        if answer.status not in DONE:
            raise self.refusal(answer)

    def send(self, method: str, target: str, document: Mapping[str, Any] | None = None) -> network.Response:
        """Makes one call."""
        return self.application.session.request(
            method,
            f"{self.url}/v1.0/applications(appId='{self.application.client}'){target}",
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
            body=None if document is None else orjson.dumps(document),
            timeout=network.left(self.application.end),
            ca_bundle=self.application.ca_bundle,
            limit=_graph.LARGEST,
        )

    def refusal(self, answer: network.Response) -> errors.CredentialError:
        """Turns an answer that is not the expected one into the error that it means."""
        client = self.application.client
        codes = {code: (kind, words.format(client=client)) for code, (kind, words) in CODES.items()}
        where = str(network.parse(self.url))
        return _resource_manager.refusal_of(answer, _json.read(answer), where=where, codes=codes)

    def _read(self, what: str) -> list[Any]:
        answer = self.send("GET", f"?$select={what}")
        listed = _json.read(answer).get(what)
        if answer.status != _graph.OK or not isinstance(listed, list):
            raise self.refusal(answer)
        return listed


def _listed(secret: Any, now: datetime.datetime) -> rotate.Listed | None:
    """Reads a secret of the list; None where it is none."""
    said = secret if isinstance(secret, dict) else {}
    key_id = str(said.get("keyId"))
    begins, ends = (_json.moment(said.get(name)) for name in ("startDateTime", "endDateTime"))
    if not _graph.GUID.fullmatch(key_id) or begins is None or ends is None:
        return None
    return rotate.Listed(
        id=key_id,
        created_at=begins,
        enabled=ends > now,
        # One without a name is somebody else's: Listed.mark None would say that there are no names.
        mark=str(said.get("displayName") or ""),
        hint=str(said.get("hint") or ""),
    )
