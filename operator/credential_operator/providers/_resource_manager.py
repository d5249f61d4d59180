"""Asks Azure Resource Manager, first of all which subscriptions a token sees.

learn.microsoft.com/rest/api/resources/subscriptions/list
learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from credential_operator import errors
from credential_operator.providers import _json, network

VERSION = "api-version=2022-12-01"
PAGES = 5
"""Pages of the list that are read; a subscription that is on none of them is asked for by its ID."""

OK = 200
CLIENT_ERRORS = range(400, 500)

Codes = Mapping[str, tuple[type[errors.CredentialError], str]]

UNSEEN = frozenset({"SubscriptionNotFound", "AuthorizationFailed"})
NOT_ITS = "does not accept the token that the application got: look at cloud, authority and endpoint"
DENIED = "does not let the application ask for its subscriptions: give it a role, such as Reader"
CODES: Codes = {
    "InvalidAuthenticationToken": (errors.Misconfigured, NOT_ITS),
    "InvalidAuthenticationTokenAudience": (errors.Misconfigured, NOT_ITS),
    "InvalidAuthenticationTokenTenant": (errors.Misconfigured, NOT_ITS),
    "AuthorizationFailed": (errors.PermissionDenied, DENIED),
}
BEGUN = re.compile(rb'\s*\{\s*"value"\s*:\s*\[\s*\{')
"""How a list begins that holds something; the end of a long one is not read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Resource Manager, as one token sees it, within the time of one check."""

    session: network.Session
    url: str
    token: str = dataclasses.field(repr=False)
    ca_bundle: str | None
    end: float

    def sees_any(self) -> bool:
        """Tells whether there is a subscription that the token sees."""
        answer = self.ask(f"/subscriptions?{VERSION}")
        if answer.truncated and answer.status == OK and BEGUN.match(answer.body):
            return True
        said = _json.read(answer)
        return bool(self._listed(answer, said) or following(said))

    def sees(self, subscription: str) -> bool:
        """Tells whether the token sees a subscription."""
        query = VERSION
        for _ in range(PAGES):
            answer = self.ask(f"/subscriptions?{query}")
            if answer.truncated and answer.status == OK:
                break
            said = _json.read(answer)
            if subscription.lower() in self._listed(answer, said):
                return True
            query = following(said)
            if not query:
                return False
        return self._sees_by_id(subscription)

    def _sees_by_id(self, subscription: str) -> bool:
        answer = self.ask(f"/subscriptions/{subscription}?{VERSION}")
        said = _json.read(answer)
        if answer.status == OK and id_of(said) == subscription.lower():
            return True
        if answer.status in CLIENT_ERRORS and code_of(said) in UNSEEN:
            return False
        raise self.refusal(answer, said)

    def ask(
        self, target: str, *, headers: Mapping[str, str] | None = None, limit: int = network.LIMIT
    ) -> network.Response:
        """Asks once, with the token, unless the headers have it already."""
        return self.session.request(
            "GET",
            f"{self.url}{target}",
            headers=headers or {"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
            timeout=network.left(self.end),
            ca_bundle=self.ca_bundle,
            limit=limit,
        )

    def items(self, answer: network.Response, said: Mapping[str, Any]) -> list[Any]:
        """Gives what is on a page; raises what an answer means that is no page."""
        items = said.get("value")
        if answer.status != OK or not isinstance(items, list):
            raise self.refusal(answer, said)
        return items

    def _listed(self, answer: network.Response, said: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(id_of(item) for item in self.items(answer, said))

    def refusal(self, answer: network.Response, said: Mapping[str, Any]) -> errors.CredentialError:
        """Turns an answer that is none into the error that it means."""
        return refusal_of(answer, said, where=str(network.parse(self.url)), codes=CODES)

    def endless(self) -> errors.CredentialError:
        """Gives the error of a list without an end."""
        return errors.ProviderUnreachable(
            f"{network.parse(self.url)} gave no usable answer: its list has no end."
        )


def id_of(item: object) -> str:
    """Gives a subscription's ID; empty where there is none."""
    return str(item.get("subscriptionId", "")).lower() if isinstance(item, dict) else ""


def code_of(said: Mapping[str, Any]) -> str:
    """Gives an error's code; empty where there is none."""
    error = said.get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def refusal_of(
    answer: network.Response, said: Mapping[str, Any], *, where: str, codes: Codes
) -> errors.CredentialError:
    """Turns an answer that is not the expected one into the error that it means; `codes` are those known."""
    code = code_of(said)
    if answer.too_many:
        return answer.throttled(where)
    if answer.status in CLIENT_ERRORS and code in codes:
        kind, words = codes[code]
        return kind(f"{where} {words} ({code}).")
    return answer.unusable(where)


def following(said: Mapping[str, Any]) -> str:
    """Gives the query of the next page: the token goes nowhere else, whatever host the link names."""
    link = said.get("nextLink")
    query = link.partition("?")[2] if isinstance(link, str) else ""
    return query if re.fullmatch(r"[!-~]{1,4096}", query) and "#" not in query else ""
