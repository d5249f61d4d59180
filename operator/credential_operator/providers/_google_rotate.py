"""Keys of Google's service accounts that renew themselves: what an account does, through IAM, to its own keys.

docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys, its methods create, list, disable
and delete; projects.serviceAccounts, its methods get and patch. Ten keys are the most:
docs.cloud.google.com/iam/quotas
"""

import abc
import base64
import dataclasses
import datetime
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from credential_operator import errors
from credential_operator.providers import _google_apis, _google_key, _json, contract, network, rotate

NEEDS = (
    "iam.serviceAccountKeys.create",
    "iam.serviceAccountKeys.delete",
    "iam.serviceAccountKeys.disable",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.update",
)
CLAIM = re.compile(r"\[credential-operator: ([A-Za-z0-9_.:/=+@-]*)\]")
"""The part of an account's description that says who rotates its keys."""
LONGEST = 256
"""Bytes that a description may have."""
KEY = re.compile(r"projects/[^/]+/serviceAccounts/[^/]+/keys/([0-9a-f]{1,64})")
FULL = "maximum number of keys"
"""Google's words to an account that has all the keys it may have, where it has words for that."""
FORBIDDEN = b"disableServiceAccountKeyCreation"
"""How both constraints end by which an organization has no keys made."""


class Rotation(abc.ABC):
    """The keys of the account whose key it is."""

    most: ClassVar[int] = 10
    disables: ClassVar[bool] = True
    # Google's documentation says a minute or more; its support has spoken of 7 (broadinstitute/sam, pull 1637).
    settles: ClassVar[datetime.timedelta] = datetime.timedelta(minutes=10)
    needs: ClassVar[Sequence[str]] = NEEDS
    cost: ClassVar[str] = (
        "Each takes one create, disable and delete of a key, and some calls to IAM that look at the account and its "
        "keys, each after a request for a token; the audit log records the first three, and Google bills none."
    )

    @abc.abstractmethod
    def account(self, config: Any, keys: Any) -> _google_key.Account:
        """Reads the stored key; raises Misconfigured where none is stored, or nobody says where its IAM is."""

    @abc.abstractmethod
    def apis(self, config: Any, keys: Any, context: contract.Context) -> _google_apis.Apis:
        """Gives the APIs as the account sees them."""

    @abc.abstractmethod
    def endpoint(self, config: Any) -> str:
        """Names IAM."""

    def fit(self, config: Any, keys: Any) -> None:
        """Refuses a workload identity, which has no key."""
        self.account(config, keys)

    def owner(self, config: Any, keys: Any, context: contract.Context) -> str:
        """Reads the account's description."""
        found = CLAIM.search(self._iam(config, keys, context).description())
        return found[1] if found else ""

    def claim(self, config: Any, keys: Any, owner: str, context: contract.Context) -> None:
        """Writes into the account's description, and leaves there what people wrote."""
        iam = self._iam(config, keys, context)
        iam.describe(_claimed(iam.description(), owner, iam.account.email))

    def listed(self, config: Any, keys: Any, context: contract.Context) -> tuple[rotate.Listed, ...]:
        """Lists the account's keys, without those that Google keeps for itself; of their use it does not tell."""
        return self._iam(config, keys, context).keys()

    def identify(self, config: Any, keys: Any, listed: Sequence[rotate.Listed]) -> str | None:
        """Compares ids."""
        key_id = self.account(config, keys).key_id
        return key_id if any(one.id == key_id for one in listed) else None

    def make(self, config: Any, keys: Any, _mark: str, context: contract.Context) -> rotate.Made:
        """Makes another key file, on whose key nothing can be written."""
        return self._iam(config, keys, context).make()

    def disable(self, config: Any, keys: Any, key_id: str, context: contract.Context) -> None:
        """Switches a key off."""
        self._end(config, keys, key_id, context, "POST", ":disable")

    def delete(self, config: Any, keys: Any, key_id: str, context: contract.Context) -> None:
        """Deletes a key."""
        self._end(config, keys, key_id, context, "DELETE")

    def _end(
        self, config: Any, keys: Any, key_id: str, context: contract.Context, method: str, how: str = ""
    ) -> None:
        """Ends a key that is another one."""
        if key_id == self.account(config, keys).key_id:
            raise rotate.ends_itself(key_id)
        self._iam(config, keys, context).end(method, f"/keys/{urllib.parse.quote(key_id, safe='')}{how}")

    def _iam(self, config: Any, keys: Any, context: contract.Context) -> "_Iam":
        account = self.account(config, keys)
        return _Iam(self.apis(config, keys, context), account)


@dataclasses.dataclass(frozen=True, slots=True)
class _Iam:
    """IAM, as an account sees itself there."""

    apis: _google_apis.Apis
    account: _google_key.Account

    def description(self) -> str:
        """Reads the account's description."""
        return str(self._holding(self._ask("GET", "", "description"), "description").get("description", ""))

    def describe(self, text: str) -> None:
        """Writes the account's description."""
        written = {"serviceAccount": {"description": text}, "updateMask": "description"}
        self._holding(self._ask("PATCH", "", "description", written), "description")

    def keys(self) -> tuple[rotate.Listed, ...]:
        """Lists the account's keys."""
        response = self._ask("GET", "/keys", "keys(name,validAfterTime,disabled)", keyTypes="USER_MANAGED")
        listed = self._holding(response, "keys").get("keys", [])
        found = [_read(one) for one in listed] if isinstance(listed, list) else [None]
        if None in found:
            raise self._refusal(response)
        return tuple(sorted((one for one in found if one), key=lambda one: (one.created_at, one.id)))

    def make(self) -> rotate.Made:
        """Makes a key."""
        response = self._ask("POST", "/keys", "privateKeyData", {"keyAlgorithm": "KEY_ALG_RSA_2048"})
        if unmade := self._unmade(response):
            raise unmade
        said = self._holding(response, "privateKeyData")
        text, made = _key_file(said.get("privateKeyData"))
        if made is None or made.email != self.account.email:
            raise self._refusal(response)
        return rotate.Made(id=made.key_id, fields={"serviceAccountJSON": text})

    def end(self, method: str, target: str) -> None:
        """Switches a key off, or deletes it; one that is gone is no error."""
        response = self._ask(method, target, "", None if method == "DELETE" else {})
        if (response.status, _google_apis.error_in(response)[0]) != (404, "NOT_FOUND"):
            self._holding(response)

    def _ask(
        self, method: str, target: str, fields: str, document: Mapping[str, Any] | None = None, **query: str
    ) -> network.Response:
        """Makes one call; `fields` are what is answered, since other ones of a long list could fill the answer."""
        shown = {"fields": fields} if fields else {}
        home = f"/v1/projects/{self.account.project}/serviceAccounts/{self.account.email}"
        said = "&".join(f"{name}={value}" for name, value in {**query, **shown}.items())
        return self.apis.ask(
            method, _google_apis.IDENTITY, f"{home}{target}{'?' if said else ''}{said}", document
        )

    def _holding(self, response: network.Response, *fields: str) -> Mapping[str, Any]:
        said = _google_apis.holding(response, *fields)
        if said is None:
            raise self._refusal(response)
        return said

    def _unmade(self, response: network.Response) -> errors.CredentialError | None:
        """Says why no key can be made, where it is a rule that forbids it."""
        code, _, words = _google_apis.error_in(response)
        where, email = self.apis.where(_google_apis.IDENTITY), self.account.email
        if code == "FAILED_PRECONDITION" and FORBIDDEN in response.body:
            return errors.PermissionDenied(
                f"{where} makes no key of {email} ({code}): the organization's policy forbids it. Except the account's "
                "project from the constraint iam.disableServiceAccountKeyCreation, or take rotation off."
            )
        if code == "FAILED_PRECONDITION" or (code == "RESOURCE_EXHAUSTED" and FULL in words.lower()):
            return errors.Misconfigured(
                f"{where} makes no more keys of {email} ({code}): it can have 10, switched off ones included. Look how "
                "many it has, and delete those that nobody needs."
            )
        return None

    def _refusal(self, response: network.Response) -> errors.CredentialError:
        off = _google_apis.DISABLED in _google_apis.error_in(response)[1]
        codes = _codes(self.account.email, off=off)
        return _google_apis.refusal(response, where=self.apis.where(_google_apis.IDENTITY), codes=codes)


def _codes(email: str, *, off: bool) -> Mapping[tuple[int, str], _google_apis.Meaning]:
    denied = (
        f"does not let {email} look after its own keys: allow that account, on itself, {', '.join(NEEDS)}"
    )
    if off:
        denied = (
            "is switched off in the project that the key's account belongs to. Switch it on there: gcloud services "
            f"enable {_google_apis.IDENTITY}.googleapis.com"
        )
    return {
        **_google_apis.CODES,
        (403, "PERMISSION_DENIED"): (errors.PermissionDenied, denied),
        (404, "NOT_FOUND"): (errors.Misconfigured, f"knows no account {email}: look at apiEndpoint"),
        (409, "ABORTED"): (errors.Conflict, f"is changing {email} for somebody else just now"),
    }


def _claimed(description: str, owner: str, email: str) -> str:
    """Puts an owner into a description, in the place of another; raises Misconfigured where there is no room."""
    part = f"[credential-operator: {owner}]"
    text = (
        CLAIM.sub(lambda _: part, description, count=1)
        if CLAIM.search(description)
        else f"{description} {part}"
    )
    over = len(text.strip().encode()) - LONGEST
    if over > 0:
        raise errors.Misconfigured(
            f"The description of {email} has no room for {part}, which says who rotates its keys: Google allows "
            f"{LONGEST} bytes. Shorten it by {over}."
        )
    return text.strip()


def _read(key: Any) -> rotate.Listed | None:
    """Reads a key of the list; None where it is none."""
    if not isinstance(key, dict):
        return None
    name, made = KEY.fullmatch(str(key.get("name"))), _json.moment(key.get("validAfterTime"))
    if name is None or made is None:
        return None
    return rotate.Listed(id=name[1], created_at=made, enabled=key.get("disabled") is not True)


def _key_file(data: Any) -> tuple[str, _google_key.Account | None]:
    """Reads a new key file; None where it is none."""
    try:
        text = base64.b64decode(str(data), validate=True).decode()
        return text, _google_key.account(_google_key.document(text))
    except (ValueError, errors.InvalidKeyMaterial):
        return "", None
