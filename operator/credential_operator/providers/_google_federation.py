"""Google's workload identity federation: a ServiceAccount's token, exchanged for one that Google's APIs take.

    token -> Security Token Service (RFC 8693) -> token of the pool's principal
          -> where an account is impersonated: IAM Service Account Credentials -> token of the account

Google's own library makes both requests, through the session; their answers are read on the wire, since it
would show whole answers. cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
"""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from credential_operator import errors
from credential_operator.providers import _google, _google_apis, _issued, _json, contract, network

SUBJECT = "urn:ietf:params:oauth:token-type:jwt"
SECONDS = 600
"""How long the token of an impersonated account is good: the least that the library asks for."""

REFUSALS: _google.Refusals = {
    "invalid_target": (
        errors.Misconfigured,
        "workloadIdentity.provider does not exist, or it or its pool is switched off or deleted",
    ),
    "invalid_request": (
        errors.Misconfigured,
        "it does not take such requests: look at workloadIdentity.provider, and how it maps attributes",
    ),
    "invalid_scope": (errors.Misconfigured, "scopes holds one that does not exist"),
    "unauthorized_client": (
        errors.PermissionDenied,
        "the provider's attribute condition keeps it out: name a ServiceAccount that it lets in, or change it",
    ),
    "access_denied": (errors.PermissionDenied, "a policy of the organization keeps it out"),
}
GRANTS: _google.Refusals = {
    "audience": (
        errors.Misconfigured,
        "the provider takes tokens for another audience: write one that it allows as workloadIdentity.audience",
    ),
    "credential's issuer": (
        errors.Misconfigured,
        "Google cannot read the cluster's signing keys: give them to the provider (--jwk-json-path)",
    ),
    "issuer": (errors.Misconfigured, "the provider trusts another issuer than this cluster"),
    "attribute": (errors.Misconfigured, "the provider's mapping of attributes does not fit"),
    "google.subject": (errors.Misconfigured, "the provider's mapping of attributes does not fit"),
    "stale": (errors.ClockSkew, ""),
    "future": (errors.ClockSkew, ""),
    "expired": (errors.ClockSkew, ""),
}
"""What `error_description` holds where `error` is invalid_grant: matched in lower case, and never repeated."""
UNKNOWN = (
    "it does not accept what signed the token: give the cluster's present signing keys to the provider "
    "(--jwk-json-path)"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Federated:
    """Who a ServiceAccount is to Google, with a token that says so; `account` is a project, where it is known."""

    principal: str
    account: str | None
    token: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime
    exchange: "Exchange"
    subject: str = dataclasses.field(repr=False)
    """The ServiceAccount's token."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a token is exchanged for: `provider` trusts its issuer, `account` is impersonated if there is one."""

    provider: str
    account: str | None
    scopes: Sequence[str]
    instead: str | None
    service_account: str
    seconds: int = SECONDS

    @property
    def token_url(self) -> str:
        """The Security Token Service."""
        return f"{_google.api_url(self.instead, 'sts')}/v1/token"

    @property
    def account_url(self) -> str | None:
        """Where tokens of the impersonated account are made."""
        base = _google.api_url(self.instead, "iamcredentials")
        return (
            f"{base}/v1/projects/-/serviceAccounts/{self.account}:generateAccessToken"
            if self.account
            else None
        )

    def principal(self, token: str) -> str:
        """Names the ServiceAccount as policies do, where google.subject is the token's subject."""
        _, jwt = _google.library()
        try:
            subject = jwt.decode(token, verify=False).get("sub")
        except ValueError:
            subject = None
        if not isinstance(subject, str) or not subject:
            raise errors.InvalidKeyMaterial(
                f"The token of ServiceAccount {self.service_account} is none that Google takes: it has no subject."
            )
        return f"principal:{self.provider.partition('/providers/')[0]}/subject/{subject}"

    def run(self, token: str, transport: Callable[..., Any]) -> _issued.Token:
        """Gives a token for Google's APIs."""
        credentials = _library().Credentials(
            audience=self.provider,
            subject_token_type=SUBJECT,
            token_url=self.token_url,
            subject_token_supplier=_Supplier(token),
            service_account_impersonation_url=self.account_url,
            service_account_impersonation_options={"token_lifetime_seconds": self.seconds},
            scopes=list(self.scopes),
        )
        try:
            credentials.refresh(transport)
        except (ArithmeticError, TypeError, ValueError, _library().exceptions.GoogleAuthError):
            pass
        else:
            ends = credentials.expiry.replace(tzinfo=datetime.UTC)
            return _issued.Token(text=str(credentials.token), expires_at=ends)
        # Out here it has no context, which would show the answer.
        where = str(network.parse(self.account_url or self.token_url))
        raise errors.ProviderUnreachable(f"{where} gave a token without the end of its life.")


@dataclasses.dataclass(frozen=True, slots=True)
class _Supplier:
    """Gives the library the token to exchange."""

    token: str = dataclasses.field(repr=False)

    def get_subject_token(self, *_: object) -> str:
        return self.token


@dataclasses.dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as the library reads it."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    data: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How the library makes its calls: through the session, within one deadline, with the answers read here."""

    session: network.Session
    ca_bundle: str | None
    end: float
    now: Callable[[], datetime.datetime]
    exchange: Exchange
    principal: str

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> _Answer:
        """Makes one call; raises the CredentialError that any answer means that holds no token."""
        response = self.session.request(
            method,
            url,
            headers=headers,
            body=body,
            timeout=network.left(self.end),
            ca_bundle=self.ca_bundle,
        )
        exchanging = url == self.exchange.token_url
        said = _json.read(response)
        token = said.get("access_token" if exchanging else "accessToken")
        if response.status == _google.OK and "error" not in said and isinstance(token, str) and token:
            return _Answer(response.status, response.headers, response.body)
        where = str(network.parse(url))
        raise self._unexchanged(response, where) if exchanging else self._unimpersonated(response, where)

    def _unexchanged(self, response: network.Response, where: str) -> errors.CredentialError:
        """Tells what an answer of the Security Token Service means that holds no token."""
        said = _json.read(response)
        if response.too_many:
            return response.throttled(where)
        code = said.get("error") if response.status in _google.REFUSED else None
        kind, words = _google.meaning(
            code,
            said.get("error_description"),
            refusals=REFUSALS,
            grants=GRANTS,
            otherwise=UNKNOWN,
            skewed=response.skewed(self.now()),
        )
        if kind is errors.ClockSkew:
            return errors.ClockSkew(
                f"{where} did not accept the time of the token: its clock and the cluster's differ."
            )
        if words:
            return kind(
                f"{where} refused the token of ServiceAccount {self.exchange.service_account}: {words} ({code})."
            )
        return response.unusable(where)

    def _unimpersonated(self, response: network.Response, where: str) -> errors.CredentialError:
        """Tells what an answer means that holds no token of the impersonated account."""
        account = self.exchange.account
        denied = (
            f"does not let {self.principal} be {account}: give it the role roles/iam.workloadIdentityUser on that "
            "account, and look whether the account exists"
        )
        if _google_apis.DISABLED in _google_apis.error_in(response)[1]:
            denied = (
                f"is switched off in the project of {account}. Switch it on there (gcloud services enable "
                "iamcredentials.googleapis.com)"
            )
        codes: Mapping[tuple[int, str], _google_apis.Meaning] = {
            **_google_apis.CODES,
            (403, "PERMISSION_DENIED"): (errors.PermissionDenied, denied),
            (404, "NOT_FOUND"): (
                errors.Misconfigured,
                f"knows no account {account}: look at workloadIdentity.impersonate",
            ),
            (400, "INVALID_ARGUMENT"): (
                errors.Misconfigured,
                f"makes no such token of {account}: look at scopes",
            ),
        }
        return _google_apis.refusal(response, where=where, codes=codes)


def exchanged(
    exchange: Exchange,
    token: str,
    context: contract.Context,
    *,
    end: float,
    ca_bundle: str | None,
    account: str | None,
) -> Federated:
    """Exchanges a token; `account` is the project, as far as it is known."""
    principal = exchange.principal(token)
    transport = Transport(
        session=context.session,
        ca_bundle=ca_bundle,
        end=end,
        now=context.now,
        exchange=exchange,
        principal=principal,
    )
    given = exchange.run(token, transport)
    return Federated(
        principal=exchange.account or principal,
        account=account,
        token=given.text,
        expires_at=given.expires_at,
        exchange=exchange,
        subject=token,
    )


def again(
    held: Federated,
    scopes: Sequence[str],
    context: contract.Context,
    *,
    end: float,
    ca_bundle: str | None,
) -> _issued.Token:
    """Exchanges the same token for another that can be handed over: for these scopes alone, and for an hour."""
    longer = dataclasses.replace(held.exchange, scopes=scopes, seconds=_google_apis.HOUR)
    given = exchanged(longer, held.subject, context, end=end, ca_bundle=ca_bundle, account=held.account)
    return _issued.Token(text=given.token, expires_at=given.expires_at)


@functools.cache
def _library() -> Any:
    """Loads Google's library, at the first call: listing the types must not pay for it."""
    from google.auth import identity_pool  # noqa: PLC0415

    return identity_pool
