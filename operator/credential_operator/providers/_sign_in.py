"""Signing an application in to Entra ID: with a secret, what a certificate signs, or a ServiceAccount's token.

learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
learn.microsoft.com/entra/workload-id/workload-identity-federation
"""

import dataclasses
import datetime
import re
import urllib.parse
from collections.abc import Mapping

from credential_operator.providers import _azure, _certificate, _entra, _issued, _json, _signing, network

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Federated:
    """A ServiceAccount's token in the place of a stored key; issuer and subject are what it says of itself."""

    token: str = dataclasses.field(repr=False)
    issuer: str
    subject: str
    audience: str


def federated(token: str, audience: str) -> Federated:
    """Reads whose token it is, for messages: whether it is genuine is for Entra ID to say."""
    said = _signing.read(token)
    return Federated(
        token=token,
        issuer=said.text("iss") or "that of this cluster",
        subject=said.text("sub") or "system:serviceaccount:NAMESPACE:NAME",
        audience=audience,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application that signs in with `key`, within the time of one check."""

    session: network.Session
    authority: str
    tenant: str
    client: str
    key: str | _certificate.Certificate | Federated = dataclasses.field(repr=False)
    ca_bundle: str | None
    now: datetime.datetime
    end: float

    def sign_in(self, resource: str) -> str:
        """Gives a token for a resource; raises what the authority's refusal means."""
        return self._signed_in(resource)[0]

    def token(self, resource: str) -> _issued.Token:
        """Gives one that can be handed over, since it is known when it ends."""
        token, answer = self._signed_in(resource)
        ends = _json.until(_json.read(answer).get("expires_in"), self.now)
        if ends is None:
            raise answer.unusable(str(network.parse(self.authority)))
        return _issued.Token(text=token, expires_at=ends)

    def _signed_in(self, resource: str) -> tuple[str, network.Response]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client,
            "scope": f"{resource}/.default",
            **self._shown(),
        }
        answer = self.session.request(
            "POST",
            self._token_url(),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=urllib.parse.urlencode(form).encode(),
            timeout=network.left(self.end),
            ca_bundle=self.ca_bundle,
        )
        token = _entra.token(answer)
        if token is None:
            raise _entra.refusal(
                answer,
                where=str(network.parse(self.authority)),
                whose=f"application {self.client}",
                pasted=isinstance(self.key, str) and re.fullmatch(_azure.GUID, self.key) is not None,
                codes=self._codes(),
            )
        return token, answer

    def _token_url(self) -> str:
        return f"{self.authority}/{self.tenant}/oauth2/v2.0/token"

    def _shown(self) -> dict[str, str]:
        """Gives what the application shows: a secret itself, of a certificate what it signs, or a token."""
        if isinstance(self.key, str):
            return {"client_secret": self.key}
        if isinstance(self.key, Federated):
            token = self.key.token
        else:
            token = self.key.assertion(self.client, self._token_url(), self.now)
        return {"client_assertion_type": ASSERTION, "client_assertion": token}

    def _codes(self) -> Mapping[int, _entra.Outcome]:
        if not isinstance(self.key, Federated):
            return _entra.CODES
        return _entra.federated(self.key.issuer, self.key.subject, self.key.audience)
