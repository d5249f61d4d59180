"""User name and password of a Windows domain, shown by NTLM's handshake.

anonymous request -> must be refused, and offer NTLM
on one connection: negotiate -> challenge -> authenticate -> the status decides
"""

import base64
import datetime
from collections.abc import Mapping
from typing import ClassVar

import pydantic

from credential_operator import errors
from credential_operator.providers import _ntlm, _probe, contract, network

LATITUDE = datetime.timedelta(minutes=30)
"""How far apart clocks may be, where the server does not say its time itself."""


class Config(contract.Config):
    """What is public about a user of a Windows domain."""

    probe: _probe.Probe | None = None
    """The HTTP request that proves user name and password. Where it is left out, they are published
    unchecked."""


class Keys(contract.Keys):
    r"""A user, as domain\user or user@domain, and the password."""

    username: contract.Line = pydantic.Field(examples=[r"EXAMPLE\backup"])
    password: contract.Line


class Provider:
    """Logs in to a URL that asks for NTLM."""

    name: ClassVar[str] = "ntlm"
    title: ClassVar[str] = "A user name and password of a Windows domain, for NTLM authentication."
    locks: ClassVar[bool] = True
    cost: ClassVar[str] = (
        "Three requests to the probed URL, of which the last two are one login, which the domain records; "
        "none without a probe."
    )
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "username": ("USERNAME",),
        "password": ("PASSWORD",),
    }
    example: ClassVar[Mapping[str, object]] = {"probe": {"url": "https://intranet.example.com/api/me"}}

    def endpoint(self, config: Config) -> str:
        """Names the endpoint of the probe."""
        return _probe.endpoint(config.probe)

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        _probe.inspect(config.probe)
        domain, divided, user = keys.username.get_secret_value().rpartition("\\")
        if not user or (divided and (not domain or "\\" in domain)) or (not divided and "/" in user):
            raise errors.InvalidKeyMaterial(
                "username is not that of a Windows user: write it as domain\\user or user@domain."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Logs in by the probe."""
        if config.probe is None:
            return _probe.unasked(self.name)
        _Check(config.probe, context).prove(keys)
        return contract.Validation(identity=contract.Identity(principal=keys.username.get_secret_value()))

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:  # noqa: ARG002  the contract's form
        """Gives what formats draw from."""
        return {"username": keys.username.get_secret_value(), "password": keys.password.get_secret_value()}


class _Check:
    """One check, with one deadline."""

    def __init__(self, probe: _probe.Probe, context: contract.Context) -> None:
        self._probe = probe
        self._context = context
        self._where = _probe.endpoint(probe)
        self._end = context.end()

    def prove(self, keys: Keys) -> None:
        """Makes all requests; raises a CredentialError where they do not prove the password."""
        from credential_operator.providers import _ntlm_login  # noqa: PLC0415  loads much

        scheme = self._offer()
        login = _ntlm_login.Login(
            keys.username.get_secret_value(),
            keys.password.get_secret_value(),
            host=network.parse(self._probe.url).host,
            scheme=scheme,
        )
        session = self._context.session
        with session.conversation(self._probe.url, ca_bundle=self._probe.ca_bundle) as conversation:
            challenge = self._challenge(conversation, scheme, login.negotiate())
            proof = login.authenticate(challenge, conversation.certificate)
            if not proof:
                raise self._no_challenge()
            answer = self._say(conversation, scheme, proof)
        _probe.judge(self._probe, answer)

    def _offer(self) -> str:
        """Asks without a login; gives the scheme under which the server takes NTLM."""
        answer = self._context.session.request(
            self._probe.method,
            self._probe.url,
            headers=self._probe.headers,
            timeout=network.left(self._end),
            ca_bundle=self._probe.ca_bundle,
        )
        _probe.guarded(self._probe, answer)
        scheme = _ntlm.offered(answer)
        if not scheme:
            raise errors.Misconfigured(
                f"{self._where} does not offer NTLM (HTTP status {answer.status}): probe a URL that does, or use "
                "the credential type of what it offers."
            )
        return scheme

    def _challenge(self, conversation: network.Conversation, scheme: str, message: bytes) -> bytes:
        """Opens the handshake; gives the challenge that the password is to answer."""
        answer = self._say(conversation, scheme, message)
        _probe.unsettled(self._probe, answer)
        found = _ntlm.challenge(answer, scheme)
        if not found and scheme == "Negotiate":
            raise errors.Misconfigured(
                f"{self._where} takes no NTLM under Negotiate: it may ask for Kerberos, which is not spoken here."
            )
        if not found:
            raise self._no_challenge()
        if answer.skewed(self._context.now(), LATITUDE) and not _ntlm.stamped(found):
            # Before the password is shown: a refusal for the clock's sake would count against the account.
            raise errors.ClockSkew(
                f"{self._where} has another time than the operator: set the clocks of both right."
            )
        return found

    def _no_challenge(self) -> errors.ProviderUnreachable:
        return errors.ProviderUnreachable(
            f"{self._where} did not answer NTLM's first message with a challenge."
        )

    def _say(self, conversation: network.Conversation, scheme: str, message: bytes) -> network.Response:
        sent = {"Authorization": f"{scheme} {base64.b64encode(message).decode()}"}
        return conversation.request(
            self._probe.method, headers={**self._probe.headers, **sent}, timeout=network.left(self._end)
        )


PROVIDER = Provider()
