"""Access tokens that an OAuth 2 grant gives, in place of what is shown for them.

How long one is good: RFC 6749, section 5.1 (expires_in), else RFC 9068, section 2.2 (exp).
"""

import abc
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from credential_operator import errors
from credential_operator.providers import _issued, _json, _signing, contract, issue, network

TOKEN = re.compile(r"[!-~]+( [!-~]+)*")
"""RFC 6749, appendix A.12."""


class AccessToken(abc.ABC):
    """A token that the grant gives."""

    name: ClassVar[str] = "AccessToken"
    title: ClassVar[str] = (
        "An access token, which is good for as long as its server says; not for grant RefreshToken."
    )
    cost: ClassVar[str] = "One request for a token."
    options = issue.Options
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "accessToken": ("OAUTH_ACCESS_TOKEN",),
        "scopes": ("OAUTH_SCOPES",),
        "audience": ("OAUTH_AUDIENCE",),
        **_issued.EXPIRES,
    }

    @abc.abstractmethod
    def ask(self, config: Any, keys: Any, context: contract.Context) -> Mapping[str, Any]:
        """Gives an answer that holds a token; raises the CredentialError that any other means."""

    def endpoint(self, config: Any, _options: issue.Options) -> str:
        """Names the token endpoint."""
        return str(network.parse(config.token_url))

    def issue(
        self,
        config: Any,
        keys: Any,
        options: issue.Options,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Asks for one, unless that may use up what is stored: what came in its place could be kept nowhere."""
        if config.grant == "RefreshToken":
            raise errors.Misconfigured(
                "issue.kind AccessToken is not made with grant RefreshToken: servers may give another refresh "
                "token with each access token and end the stored one, and then nobody had a good one any more. "
                "Have the server let the client in with ClientCredentials or JWTBearer."
            )
        where, now = self.endpoint(config, options), context.now()
        said = self.ask(config, keys, context)
        token = str(said["access_token"])
        if not TOKEN.fullmatch(token):
            raise errors.ProviderUnreachable(f"{where} gave a token that holds more than printable ASCII.")
        ends = _json.until(said.get("expires_in"), now) or _signing.end_of(token)
        if ends is None:
            raise errors.Misconfigured(
                f"{where} does not say how long its tokens are good, so nobody knew when to ask for the next: have "
                "it send expires_in, or tokens that say so themselves (JWT)."
            )
        fields = {"accessToken": token, "scopes": " ".join(config.scopes), "audience": config.audience}
        left = {name: text for name, text in fields.items() if text}
        return _issued.hand_over(left, ends, context, where)
