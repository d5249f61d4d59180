"""Cloudflare's API tokens, as a credential type of credential-operator.

The call: developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import contract, network

OK = 200
TOO_MANY = 429
GLOBAL_KEY = re.compile(r"[0-9a-f]{37}")
REFUSALS: Mapping[tuple[int, int], tuple[type[errors.CredentialError], str]] = {
    (401, 1000): (errors.Rejected, "it is no token of this owner; accountID tells whose it is"),
    (400, 6003): (errors.Rejected, "it has not the form of a token"),
    (403, 9109): (errors.PermissionDenied, "its address filter does not let the operator in"),
}
"""Status and code -> what they mean."""


class Config(contract.Config):
    """What is public about a token."""

    account_id: Annotated[
        str | None,
        pydantic.Field(alias="accountID", max_length=32),
        values.Matching(r"^[0-9a-f]{32}$", "an account's id: 32 of the characters 0 to 9 and a to f"),
    ] = None
    """The account that owns the token. Where it is left out, a user owns it."""
    endpoint: Annotated[
        str,
        pydantic.Field(max_length=512),
        values.Matching(r"^https://[^/?#@\\ ]+/?$", "a URL without path, such as https://api.cloudflare.com"),
    ] = "https://api.cloudflare.com"
    """Where the API is."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the API's certificate is checked against, in place of
    the public ones."""


class Keys(contract.Keys):
    """The token."""

    token: contract.Line


class Token(pydantic.BaseModel, strict=True):
    """What Cloudflare tells of a token."""

    id: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{1,32}$")]
    status: Literal["active", "disabled", "expired"]
    expires_on: pydantic.AwareDatetime | None = None


class Problem(pydantic.BaseModel, strict=True):
    """One of the reasons for a refusal."""

    code: int


class Answer(pydantic.BaseModel, strict=True):
    """What every answer of the API is."""

    success: bool
    errors: tuple[Problem, ...]
    result: Token | None


class Provider:
    """Asks Cloudflare to verify the token, which every token may."""

    name: ClassVar[str] = "cloudflare"
    title: ClassVar[str] = "An API token of Cloudflare, of a user or of an account."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = "One call of tokens/verify, which changes nothing."
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("CLOUDFLARE_API_TOKEN", "CF_API_TOKEN"),
        "accountID": ("CLOUDFLARE_ACCOUNT_ID", "CF_ACCOUNT_ID"),
    }
    example: ClassVar[Mapping[str, Any]] = {"accountID": "023e105f4ecef8ad9ca31a8372d0c353"}

    def endpoint(self, config: Config) -> str:
        """Names the endpoint that a check calls."""
        return str(network.parse(config.endpoint))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        network.parse(config.endpoint)
        token = keys.token.get_secret_value()
        if token.startswith("Bearer "):
            raise errors.InvalidKeyMaterial(
                "token begins with Bearer, which is sent before it: write it without."
            )
        if GLOBAL_KEY.fullmatch(token):
            raise errors.InvalidKeyMaterial("token has the form of a global API key: create an API token.")

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Has the token verified."""
        owner = f"accounts/{config.account_id}" if config.account_id else "user"
        response = context.session.request(
            "GET",
            f"{config.endpoint.rstrip('/')}/client/v4/{owner}/tokens/verify",
            headers={"Authorization": f"Bearer {keys.token.get_secret_value()}"},
            timeout=context.timeout,
            ca_bundle=config.ca_bundle,
        )
        answer = _read(response)
        if response.status != OK or answer is None or not answer.success or answer.result is None:
            raise _refusal(self.endpoint(config), response, answer)
        return _known(self.endpoint(config), answer.result, account=config.account_id)

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        account = {"accountID": config.account_id} if config.account_id else {}
        return {"token": keys.token.get_secret_value(), **account}


def _read(response: network.Response) -> Answer | None:
    """Reads an answer; None where it is not one of the API's."""
    try:
        return None if response.truncated else Answer.model_validate_json(response.body)
    except pydantic.ValidationError:
        return None


def _known(where: str, token: Token, *, account: str | None) -> contract.Validation:
    """Says whose token it is; raises where it works no more."""
    if token.status == "disabled":
        raise errors.KeyDisabled(f"{where} says that the token is disabled: enable it, or create another.")
    if token.status == "expired":
        raise errors.Expired(f"{where} says that the token has expired: create another.")
    return contract.Validation(
        identity=contract.Identity(principal=token.id, account=account),
        key_id=token.id,
        expires_at=token.expires_on,
    )


def _refusal(where: str, response: network.Response, answer: Answer | None) -> errors.CredentialError:
    """Turns an answer that is not the expected one into the error that it means."""
    status, wait = response.status, response.retry_after()
    if status == TOO_MANY:
        return errors.RateLimited(f"{where} asks for fewer calls.", retry_after=wait)
    codes = [problem.code for problem in answer.errors] if answer and not answer.success else []
    for code in codes:
        if (status, code) in REFUSALS:
            kind, words = REFUSALS[status, code]
            return kind(f"{where} refused the token: {words} (code {code}).")
    return errors.ProviderUnreachable(
        f"{where} gave no usable answer (HTTP status {status}).", retry_after=wait
    )


PROVIDER = Provider()
