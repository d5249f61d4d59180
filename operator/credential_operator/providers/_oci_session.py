"""Sessions of Oracle's users in place of their API signing keys: a token, and the key that goes with it.

The call: docs.oracle.com/iaas/api/#/en/identity-dp/v1/SecurityToken/GenerateUserSecurityToken
What consumers do with both: docs.oracle.com/en-us/iaas/Content/API/SDKDocs/clitoken.htm
"""

import abc
import datetime
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from credential_operator import errors
from credential_operator.providers import _issued, _json, _oci, _rsa, _signing, contract, issue, network

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

PATH = "/v1/token/upst/actions/GenerateUpst"
LONGEST = datetime.timedelta(hours=1)
TOKEN = re.compile(r"[!-~]+")


class SessionToken(abc.ABC):
    """A session of the key's user."""

    name: ClassVar[str] = "SessionToken"
    title: ClassVar[str] = (
        "A session of the key's user, which may do what the user may, for an hour at most: a security token and "
        "the private key that signs with it."
    )
    cost: ClassVar[str] = "One call to the authentication service: GenerateUserSecurityToken."
    options = issue.Lasting
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # No variable: tools want the token in a file.
        "securityToken": (),
        "privateKey": ("OCI_CLI_KEY_CONTENT",),
        "fingerprint": ("OCI_CLI_FINGERPRINT",),
        "tenancyOCID": ("OCI_CLI_TENANCY",),
        "region": ("OCI_CLI_REGION",),
        **_issued.EXPIRES,
    }

    @abc.abstractmethod
    def authority(self, config: Any) -> str:
        """Names the authentication service; raises Misconfigured where nobody says where it is."""

    @abc.abstractmethod
    def signed(self, config: Any, keys: Any, url: str, now: datetime.datetime, body: bytes) -> dict[str, str]:
        """Gives the headers of a request that the stored key signs."""

    def endpoint(self, config: Any, _options: issue.Lasting) -> str:
        """Names the endpoint that is called."""
        return str(network.parse(self.authority(config)))

    def issue(
        self,
        config: Any,
        keys: Any,
        options: issue.Lasting,
        context: contract.Context,
        _holder: issue.Holder,
    ) -> issue.Issued:
        """Opens one, with a key that is made for it; Oracle keeps no name of who has it."""
        if options.duration > LONGEST:
            raise errors.Misconfigured(
                "issue.duration is more than 1h, and Oracle's sessions last 1h at most: write 1h, or less."
            )
        url, end = self.authority(config) + PATH, context.end()
        own, now = _rsa.generate(), context.now()
        minutes = int(options.duration.total_seconds()) // 60
        asked = {"publicKey": _rsa.public_text(own), "sessionExpirationInMinutes": minutes}
        body = orjson.dumps(asked)
        answer = context.session.request(
            "POST",
            url,
            headers=self.signed(config, keys, url, now, body),
            body=body,
            timeout=network.left(end),
            ca_bundle=config.ca_bundle,
        )
        token = _json.read(answer).get("token")
        ends = _signing.end_of(token) if isinstance(token, str) and TOKEN.fullmatch(token) else None
        where = str(network.parse(url))
        if answer.status != _oci.OK or not isinstance(token, str) or ends is None:
            raise _refusal(answer, where, config.fingerprint, now)
        return _issued.hand_over(_fields(config, token, own), ends, context, where)


def _fields(config: Any, token: str, own: "rsa.RSAPrivateKey") -> dict[str, str]:
    """Gives what a profile of a session holds, which names no user."""
    return {
        "securityToken": token,
        "privateKey": _rsa.private_text(own),
        "fingerprint": _oci.fingerprint(own),
        "tenancyOCID": config.tenancy_ocid,
        "region": config.region,
    }


def _refusal(
    answer: network.Response, where: str, name: str, now: datetime.datetime
) -> errors.CredentialError:
    said = _oci.said(answer)
    if said in {_oci.UNSEEN, (400, "InvalidParameter")}:
        return errors.Misconfigured(
            f"{where} opens no session for key {name}: look at region and authEndpoint, and at issue.duration "
            f"({said[1]})."
        )
    return _oci.refusal(answer, where=where, name=name, now=now)
