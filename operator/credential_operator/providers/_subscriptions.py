"""Counts the subscriptions that a token sees, with the SDK of Azure Resource Manager.

The SDK asks, follows pages and reads them; what it sends goes out by the operator's own session: to the
one host, within the one deadline, once. Nothing of it retries, redirects or logs. Only whoever asks for
this loads it.
"""

import dataclasses
import re
import time
import urllib.parse
from typing import Any

from azure.core import AzureClouds
from azure.core.credentials import AccessToken
from azure.core.pipeline import policies, transport
from azure.mgmt.resource.subscriptions import SubscriptionClient, models

from credential_operator.providers import _azure, _json, _resource_manager, contract

PAGES = 100
LARGEST = 4 * 1024 * 1024
"""Bytes of one page."""
LIFE = 3600
LONGEST = 200
SHOWN = 10

STATES = {state.value for state in models.SubscriptionState} - {models.SubscriptionState.ENABLED.value}


class _Token:
    """The token that there is; no other is got."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Gives it."""
        return AccessToken(self._text, int(time.time()) + LIFE)


@dataclasses.dataclass(frozen=True, slots=True)
class _Page:
    """An answer as far as the SDK looks at it: a page, which was looked at before."""

    document: dict[str, Any] = dataclasses.field(repr=False)
    status_code: int = _resource_manager.OK

    def json(self) -> dict[str, Any]:
        """Gives the document."""
        return self.document


class _Transport(transport.HttpTransport[Any, Any]):
    """Sends what the SDK asks; raises what an answer means that is no page of subscriptions."""

    def __init__(self, manager: _resource_manager.Manager) -> None:
        self._manager = manager
        self._pages = 0

    def __exit__(self, *_: object) -> None:
        """Does nothing: the session is not the SDK's."""

    def open(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""

    def send(self, request: Any, **_: Any) -> _Page:
        """Asks for a page; of the link to it only the query counts, so that the token goes nowhere else."""
        self._pages += 1
        if self._pages > PAGES:
            raise self._manager.endless()
        query = urllib.parse.urlsplit(request.url).query
        answer = self._manager.ask(f"/subscriptions?{query}", headers=request.headers, limit=LARGEST)
        said = _json.read(answer)
        names = [_resource_manager.id_of(item) for item in self._manager.items(answer, said)]
        if not all(re.fullmatch(_azure.GUID, name) for name in names):
            raise self._manager.refusal(answer, {})
        return _Page(said)


def reach(manager: _resource_manager.Manager) -> contract.Reach:
    """Counts the subscriptions, whatever their state."""
    pipeline = [policies.BearerTokenCredentialPolicy(_Token(manager.token), f"{manager.url}/.default")]
    with SubscriptionClient(
        _Token(manager.token),
        manager.url,
        cloud_setting=AzureClouds.AZURE_PUBLIC_CLOUD,  # said, so that no variable is asked for it
        policies=pipeline,
        transport=_Transport(manager),
    ) as client:
        seen = {str(one.subscription_id).lower(): one for one in client.subscriptions.list()}
    places = sorted(contract.Place(id=name, name=_name(one)) for name, one in seen.items())
    return contract.Reach(count=len(places), places=tuple(places[:SHOWN]))


def _name(one: models.Subscription) -> str:
    """Gives a subscription's name, and its state where that is not the usual one."""
    name = one.display_name
    shown = name[:LONGEST] if isinstance(name, str) and name.isprintable() else ""
    state = str(getattr(one.state, "value", one.state))
    return f"{shown} ({state})".strip() if state in STATES else shown
