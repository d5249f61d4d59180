"""Oracle Cloud Infrastructure: the API signing key of a user."""

import datetime
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _json, _oci, _oci_session, _rsa, contract, issue, network

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa


PAGE = 25
"""Compartments on a page: with all their tags, as many as an answer may hold that is read to its end."""
PAGES = 200
"""Pages of a list that are read: 5000 compartments."""


def _ocid(kind: str) -> values.Matching:
    return values.Matching(
        rf"^ocid1\.{kind}\.oc[0-9]{{1,3}}\.[a-z0-9-]{{0,32}}\.[a-z0-9]{{20,128}}$",
        f"the OCID of a {kind}: ocid1.{kind}.oc1.. and letters and digits",
    )


class Config(contract.Config):
    """What is public about an API signing key."""

    tenancy_ocid: Annotated[str, pydantic.Field(alias="tenancyOCID", max_length=255), _ocid("tenancy")]
    """The tenancy that the user is in."""
    user_ocid: Annotated[str, pydantic.Field(alias="userOCID", max_length=255), _ocid("user")]
    """The user that the key belongs to."""
    fingerprint: Annotated[
        str,
        pydantic.Field(max_length=47),
        values.Matching(
            r"^([0-9a-f]{2}:){15}[0-9a-f]{2}$",
            "a key's fingerprint as the console shows it: 16 pairs of 0-9a-f with colons between",
        ),
    ]
    """The key's fingerprint; another key is refused."""
    region: Annotated[
        str,
        pydantic.Field(max_length=32),
        values.Matching(r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", "a region of Oracle's, such as eu-frankfurt-1"),
    ]
    """The region that consumers work in, and whose identity service is asked."""
    endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=512),
        values.Matching(
            r"^https://[^/?#@\\ ]+/?$",
            "a URL without path, such as https://identity.eu-frankfurt-1.oraclecloud.com",
        ),
    ] = None
    """The identity service to ask in place of the region's own, such as a private one."""
    auth_endpoint: Annotated[
        str | None,
        pydantic.Field(max_length=512),
        values.Matching(
            r"^https://[^/?#@\\ ]+/?$",
            "a URL without path, such as https://auth.eu-frankfurt-1.oraclecloud.com",
        ),
    ] = None
    """The authentication service to ask for sessions in place of the region's own. Where `endpoint` is written
    and this is not, none can be opened."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the identity service's certificate is checked against, in
    place of the public ones."""


class Keys(contract.Keys):
    """An API signing key."""

    private_key: contract.Document = pydantic.Field(alias="privateKey")
    """The private key in PEM form."""
    passphrase: contract.Line | None = None
    """What the private key is encrypted with, where it is."""


class SessionToken(_oci_session.SessionToken):
    """A session of the key's user."""

    def authority(self, config: Config) -> str:
        """Names the authentication service; raises Misconfigured where nobody says where it is."""
        if config.endpoint and not config.auth_endpoint:
            raise errors.Misconfigured("Set oracle.authEndpoint, as oracle.endpoint is set.")
        own = _oci.service_url("auth", config.region, config.tenancy_ocid)
        return (config.auth_endpoint or own).rstrip("/")

    def signed(
        self, config: Config, keys: Keys, url: str, now: datetime.datetime, body: bytes
    ) -> dict[str, str]:
        """Gives the headers of a request that the stored key signs."""
        return _signed(config, _key(keys), url, now, body)


class Provider:
    """Asks the identity service for the user whose key it is."""

    name: ClassVar[str] = "oracle"
    title: ClassVar[str] = "An API signing key of a user of Oracle Cloud Infrastructure."
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "One look at the user's own record, and a line in the audit log. Once a day a list of the user's "
        "keys, for the key's history."
    )
    config = Config
    keys = Keys
    issues: ClassVar[tuple[issue.Kind[Any], ...]] = (SessionToken(),)
    permission_sets: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "privateKey": ("OCI_CLI_KEY_CONTENT", "TF_VAR_private_key"),
        "passphrase": ("OCI_CLI_PASSPHRASE", "TF_VAR_private_key_password"),
        "tenancyOCID": ("OCI_CLI_TENANCY", "TF_VAR_tenancy_ocid"),
        "userOCID": ("OCI_CLI_USER", "TF_VAR_user_ocid"),
        "fingerprint": ("OCI_CLI_FINGERPRINT", "TF_VAR_fingerprint"),
        "region": ("OCI_CLI_REGION", "TF_VAR_region"),
    }
    example: ClassVar[Mapping[str, Any]] = {
        "tenancyOCID": "ocid1.tenancy.oc1..aaaaaaaaexampletenancyexampletenancyexampletenancyexamplet",
        "userOCID": "ocid1.user.oc1..aaaaaaaaexampleuserexampleuserexampleuserexampleuserexample",
        "fingerprint": "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34",
        "region": "eu-frankfurt-1",
    }

    def endpoint(self, config: Config) -> str:
        """Names the identity service."""
        return str(network.parse(_url(config)))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        network.parse(_url(config))
        if _oci.realm_of(config.tenancy_ocid) != _oci.realm_of(config.user_ocid):
            raise errors.Misconfigured(
                f"tenancyOCID is in realm {_oci.realm_of(config.tenancy_ocid)}, "
                f"and userOCID in {_oci.realm_of(config.user_ocid)}."
            )
        found = _oci.fingerprint(_key(keys))
        if found != config.fingerprint:
            raise errors.InvalidKeyMaterial(
                f"fingerprint is {config.fingerprint}, and privateKey's is {found}: "
                "write the key of that fingerprint, or that key's fingerprint."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Asks for the user, which changes nothing."""
        end = context.end()
        url, now = _url(config), context.now()
        answer = _ask(config, context, url, _signed(config, _key(keys), url, now), end)
        if _oci.said(answer) == _oci.UNSEEN:
            _looked_at(config, context, end)
        elif not _shown(config, answer):
            raise _oci.refusal(answer, where=self.endpoint(config), name=config.fingerprint, now=now)
        return contract.Validation(
            identity=contract.Identity(principal=config.user_ocid, account=config.tenancy_ocid),
            key_id=config.fingerprint,
        )

    def history(self, config: Config, keys: Keys, context: contract.Context) -> contract.History:
        """Asks since when the user has the key; every user may ask for its own."""
        for key in _list(config, keys, context, f"/users/{config.user_ocid}/apiKeys"):
            made = _json.moment(key.get("timeCreated"))
            if key.get("fingerprint") == config.fingerprint and key.get("lifecycleState") == _oci.ACTIVE:
                return contract.History(created_at=made)
        return contract.History()

    def grants(
        self,
        config: Config,  # noqa: ARG002  the contract's form
        keys: Keys,  # noqa: ARG002
        permissions: tuple[str, ...],
        context: contract.Context,  # noqa: ARG002
    ) -> contract.Grants:
        """Says of none whether the key has it: there is no call that tells."""
        return contract.Grants(
            unknown=permissions,
            why="Oracle has no call that tells what a key may do. Look at the policies of its user's groups, and "
            "take the permissions off spec.validation.permissions.",
        )

    def reach(self, config: Config, keys: Keys, context: contract.Context) -> contract.Reach:
        """Counts the compartments in which the user may see something, below the tenancy itself."""
        query = {
            "compartmentId": config.tenancy_ocid,
            "compartmentIdInSubtree": "true",
            "accessLevel": "ACCESSIBLE",
            "lifecycleState": _oci.ACTIVE,
            "limit": str(PAGE),
        }
        places = sorted(
            contract.Place(id=one["id"], name=str(one.get("name", "")))
            for one in _list(config, keys, context, f"/compartments?{urllib.parse.urlencode(query)}")
            if isinstance(one.get("id"), str) and one.get("lifecycleState") == _oci.ACTIVE
        )
        return contract.Reach(count=len(places), places=tuple(places))

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        fields = {
            "privateKey": keys.private_key.get_secret_value(),
            "passphrase": _passphrase(keys),
            "tenancyOCID": config.tenancy_ocid,
            "userOCID": config.user_ocid,
            "fingerprint": config.fingerprint,
            "region": config.region,
        }
        return {name: value for name, value in fields.items() if value}


def _url(config: Config) -> str:
    """Names the user's own record: of all that can be asked for, what most users may see without a policy."""
    return f"{_base(config)}/users/{config.user_ocid}"


def _base(config: Config) -> str:
    base = config.endpoint or _oci.service_url("identity", config.region, config.tenancy_ocid)
    return f"{base.rstrip('/')}/20160918"


def _passphrase(keys: Keys) -> str | None:
    return keys.passphrase.get_secret_value() if keys.passphrase else None


def _key(keys: Keys) -> "rsa.RSAPrivateKey":
    return _rsa.load(keys.private_key.get_secret_value(), "privateKey", passphrase=_passphrase(keys))


def _signed(
    config: Config, key: "rsa.RSAPrivateKey", url: str, now: datetime.datetime, body: bytes | None = None
) -> dict[str, str]:
    name = f"{config.tenancy_ocid}/{config.user_ocid}/{config.fingerprint}"
    return _oci.signed(url, now, key=key, key_id=name, body=body)


def _list(config: Config, keys: Keys, context: contract.Context, target: str) -> Iterator[dict[str, Any]]:
    """Asks for all pages of a list; raises the CredentialError that an answer means that is no page."""
    end = context.end()
    first, key = _base(config) + target, _key(keys)
    where, url = str(network.parse(first)), first
    for _ in range(PAGES):
        now = context.now()
        answer = _ask(config, context, url, _signed(config, key, url, now), end)
        page = _oci.listed(answer)
        if page is None:
            raise _unlisted(config, answer, where, now)
        yield from page
        following = answer.headers.get("opc-next-page")
        if not following:
            return
        url = f"{first}{'&' if '?' in first else '?'}page={urllib.parse.quote(following, safe='')}"
    raise errors.ProviderUnreachable(f"{where} lists more than is counted: {PAGES} pages and more.")


def _unlisted(
    config: Config, answer: network.Response, where: str, now: datetime.datetime
) -> errors.CredentialError:
    if _oci.said(answer) == _oci.UNSEEN:
        return errors.PermissionDenied(
            f"{where} does not show key {config.fingerprint} what was asked for: a policy has to let its user "
            f"inspect it ({_oci.UNSEEN[1]})."
        )
    return _oci.refusal(answer, where=where, name=config.fingerprint, now=now)


def _ask(
    config: Config, context: contract.Context, url: str, headers: dict[str, str], end: float
) -> network.Response:
    return context.session.request(
        "GET",
        url,
        headers=headers,
        timeout=network.left(end),
        ca_bundle=config.ca_bundle,
    )


def _shown(config: Config, answer: network.Response) -> bool:
    return answer.status == _oci.OK and _json.read(answer).get("id") == config.user_ocid


def _looked_at(config: Config, context: contract.Context, end: float) -> None:
    """Makes sure that who does not show the user has looked at the signature first.

    A user without a policy is told that nothing is there, after the key was found good. The check is to
    prove the key, and the call was of our choosing: so that is an acceptance. It counts where the same
    request without a signature is told that it has none; elsewhere nothing was proved.
    """
    url, now = _url(config), context.now()
    answer = _ask(config, context, url, _oci.unsigned(url, now), end)
    if _oci.said(answer) == _oci.UNAUTHENTICATED:
        return
    where = str(network.parse(url))
    if _shown(config, answer) or _oci.said(answer) == _oci.UNSEEN:
        raise errors.Misconfigured(
            f"{where} answers requests without a signature too, so that proves nothing: look at endpoint."
        )
    raise _oci.refusal(answer, where=where, name=config.fingerprint, now=now)


PROVIDER = Provider()
