"""Flexera's (RightScale's) credentials, as its credential management API takes and lists them, every scheme.

Flexera One documentation, "Managing and using Credentials": schemes, fields, and the names of providers.
"""

import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from credential_operator.cli.importers import _azure
from credential_operator.cli.importers.contract import Entry, Shape, plain

Given = Mapping[str, Any]

ABOUT = frozenset(
    {
        *("id", "name", "description", "scheme", "provider", "tags", "kind", "href", "project_id"),
        *("created_at", "updated_at", "created_by", "updated_by", "version"),
    }
)
"""What is said of every credential."""
LOGIN = {"username": "username", "password": "password"}
ASSERTION = {
    "alg": "algorithm",
    "algorithm": "algorithm",
    "iss": "issuer",
    "sub": "subject",
    "kid": "keyID",
    "lifetime": "lifetime",
    "additional_claims": "claims",
}
"""What a signed token says."""
SHAPES: Mapping[str, Shape] = {
    "aws": Shape(
        type="aws",
        secret={"access_key_id": "accessKeyID", "secret_access_key": "secretAccessKey"},
        ignored=ABOUT,
    ),
    "aws_sts": Shape(
        type="aws",
        public={
            "role_arn": "assumeRole.roleARN",
            "external_id": "assumeRole.externalID",
            "role_session_name": "assumeRole.sessionName",
        },
        ignored=ABOUT,
    ),
    "basic": Shape(type="basic", secret=LOGIN, ignored=ABOUT),
    "ntlm": Shape(type="ntlm", secret=LOGIN, ignored=ABOUT),
    "api_key": Shape(
        type="apiKey",
        public={"location": "location", "field": "field", "type": "prefix"},
        secret={"key": "key"},
        ignored=ABOUT,
    ),
    "azure_ea": Shape(
        type="azureEnterprise",
        secret={"key": "apiKey"},
        ignored=ABOUT | {"location", "field", "type"},
    ),
    "jwt": Shape(
        type="jwt",
        public={**ASSERTION, "aud": "audience", "additional_headers": "headers"},
        secret={"signing_key": "signingKey", "token": "token"},
        ignored=ABOUT,
    ),
    "oracle": Shape(
        type="oracle",
        public={
            "fingerprint": "fingerprint",
            "tenancyOcid": "tenancyOCID",
            "userOcid": "userOCID",
            "region": "region",
        },
        secret={"privateKey": "privateKey", "password": "passphrase"},
        ignored=ABOUT,
    ),
    "azure": Shape(
        type="azure",
        public={"client_id": "clientID"},
        secret={"client_secret": "clientSecret"},
        ignored=frozenset({"additional_params", "token_url", "grant_type"}),
    ),
    "client_credentials": Shape(
        type="oauth2",
        public={
            "token_url": "tokenURL",
            "scopes": "scopes",
            "audience": "audience",
            "extra": "additionalParams",
        },
        secret={"client_id": "clientID", "client_secret": "clientSecret"},
    ),
    "jwt_bearer": Shape(
        type="oauth2",
        public={**ASSERTION, "token_url": "tokenURL", "aud": "assertionAudience"},
        secret={"signing_key": "signingKey", "client_id": "clientID", "client_secret": "clientSecret"},
        fixed={"grant": "JWTBearer"},
    ),
    "refresh_token": Shape(
        type="oauth2",
        public={"token_url": "tokenURL", "scopes": "scopes", "extra": "additionalParams"},
        secret={"client_id": "clientID", "client_secret": "clientSecret", "refresh_token": "refreshToken"},
        fixed={"grant": "RefreshToken"},
    ),
}
"""By scheme, or by what a scheme turns out to be."""
MARKS: Mapping[str, str] = {
    "role_arn": "aws_sts",
    "access_key_id": "aws",
    "grant_type": "oauth2",
    "tenancyOcid": "oracle",
    "signing_key": "jwt",
    "key": "api_key",
    "password": "basic",
}
"""Names that tell the scheme, which the URL says where a credential is made."""
OF_GOOGLE = frozenset({"accounts.google.com", "www.googleapis.com", "oauth2.googleapis.com"})
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
"""Where Google's tokens are asked for today."""
ROLE = (
    "Flexera assumed the role with its own account: name a key in the Secret whose user may, and have the role's trust "
    "policy name that user; or use workloadIdentity, which needs no key."
)
FILE = (
    "Flexera keeps of Google's key file the account and the private key alone: it is taken as oauth2, which proves the "
    "key. With the file itself, `kubectl credential create google NAME --from-file FILE` can do more."
)
RETIRED = "The provider has retired these APIs: nobody is asked any more."
NO_REGION = "Flexera keeps no region: give it with --set region=…."


class Importer:
    """Reads what the API takes, and what it lists."""

    name: ClassVar[str] = "flexera"
    title: ClassVar[str] = "Flexera's credential JSON, every scheme"

    def read(self, text: str, documents: Sequence[Any]) -> list[Entry]:
        """Gives what has a scheme, or the fields of one."""
        return [_entry(given, scheme) for document in documents for given, scheme in _listed(document)]


def _listed(document: Any) -> Iterator[tuple[Given, str]]:
    if isinstance(document, list):
        for one in document:
            yield from _listed(one)
    elif isinstance(document, dict):
        if isinstance(document.get("items"), list):
            yield from _listed(document["items"])
        elif ("id" in document or "name" in document) and (scheme := _scheme(document)):
            yield document, scheme


def _scheme(given: Given) -> str:
    """Tells the scheme; nothing where there is none that is known."""
    said = str(given.get("scheme", "")).lower()
    if said in READERS:
        return said
    return next((scheme for mark, scheme in MARKS.items() if mark in given), "")


def _provider(given: Given) -> str:
    """Names the provider that policies match it with."""
    tags = given.get("tags") or ()
    tagged = (str(tag.get("value")) for tag in tags if isinstance(tag, dict) and tag.get("key") == "provider")
    return str(given.get("provider") or next(tagged, ""))


def _entry(given: Given, scheme: str) -> Entry:
    # Values come with their encoding beside them, public ones too.
    values = {
        name: plain(value) if isinstance(value, dict) and "data" in value else value
        for name, value in given.items()
    }
    return READERS[scheme](values, _name(given), str(given.get("description") or ""))


def _name(given: Given) -> str:
    return str(given.get("id") or given.get("name"))


def _simply(shape: str, *left: str) -> Callable[[Given, str, str], Entry]:
    """Gives a reader of a scheme whose fields need only other names."""

    def read(given: Given, name: str, description: str) -> Entry:
        return SHAPES[shape].entry(name, given, description=description, left=left)

    return read


def _api_key(given: Given, name: str, description: str) -> Entry:
    if _provider(given) == "azure_ea":
        return SHAPES["azure_ea"].entry(name, given, description=description, left=[RETIRED])
    said = {**given, "location": str(given.get("location", "header")).capitalize()}
    return SHAPES["api_key"].entry(name, said, description=description)


def _oracle(given: Given, name: str, description: str) -> Entry:
    left = [] if given.get("region") else [NO_REGION]
    return SHAPES["oracle"].entry(name, given, description=description, left=left)


def _jwt(given: Given, name: str, description: str) -> Entry:
    return SHAPES["jwt"].entry(name, _signed(given), description=description)


def _oauth2(given: Given, name: str, description: str) -> Entry:
    """Reads a grant: with the addresses of a cloud it is a credential of that cloud."""
    grant, url = str(given.get("grant_type", "")), str(given.get("token_url", ""))
    named = given.get(f"{grant}_params") or {}
    params = {
        field: plain(value) if field not in FREE else value for field, value in _unfolded(named).items()
    }
    if grant == "client_credentials" and (tenant := _azure.tenant(url)):
        return _application(params, tenant, name, description)
    if grant not in SHAPES or grant not in GRANTS:
        return Entry(name=name, left=[f"There is no grant {grant} here: oauth2 has {', '.join(GRANTS)}."])
    said = {**_asked(params), "token_url": url}
    if grant != "jwt_bearer":
        return SHAPES[grant].entry(name, said, description=description)
    google = (urllib.parse.urlsplit(url).hostname or "") in OF_GOOGLE
    said = _signed({**said, "token_url": GOOGLE_TOKENS if google else url})
    return SHAPES[grant].entry(name, said, description=description, left=[FILE] if google else [])


GRANTS = ("client_credentials", "jwt_bearer", "refresh_token")
FREE = frozenset({"additional_params", "additional_claims", "scopes"})
"""What holds names of the user's own."""


def _application(params: Given, tenant: Given, name: str, description: str) -> Entry:
    """Reads an application of Azure: the tenant is in the token endpoint, the resource a parameter."""
    wanted = str((params.get("additional_params") or {}).get("resource", ""))
    resource = _azure.resource(wanted)
    left = (
        []
        if resource or not wanted
        else ["Its resource is not one of Azure's public ones: set azure.endpoint to it."]
    )
    return SHAPES["azure"].entry(
        name, params, config={**tenant, **resource}, description=description, left=left
    )


def _unfolded(params: Given) -> dict[str, Any]:
    """Gives parameters, those with a dot in their names put into the part that these lead to."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        part, dot, below = name.partition(".")
        if dot and part in FREE:
            found[part] = {**(found.get(part) or {}), below: value}
        elif dot:
            found[part] = value if below == "data" else found.get(part)
        else:
            found[name] = value
    return found


def _asked(params: Given) -> dict[str, Any]:
    """Gives what a token is asked for: scopes and audience have fields of their own here."""
    extra = dict(params.get("additional_params") or {})
    scopes = params.get("scopes") or params.get("scope") or extra.pop("scope", "")
    audience = params.get("audience") or extra.pop("audience", "")
    found = {name: value for name, value in params.items() if name not in ("additional_params", "scope")}
    listed = scopes.replace(",", " ").split() if isinstance(scopes, str) else list(scopes)
    return {**found, "scopes": listed or None, "audience": audience or None, "extra": extra or None}


def _signed(given: Given) -> dict[str, Any]:
    """Gives what a signed token says in our words: its life is a duration."""
    found = {
        name: value
        for name, value in given.items()
        if name not in ("max_minutes", "scopes", "audience", "extra")
    }
    minutes = plain(given.get("max_minutes"))
    return {**found, **({"lifetime": f"{min(int(minutes), 60)}m"} if minutes.isdecimal() else {})}


READERS: Mapping[str, Callable[[Given, str, str], Entry]] = {
    "aws": _simply("aws"),
    "aws_sts": _simply("aws_sts", ROLE),
    "basic": _simply("basic"),
    "ntlm": _simply("ntlm"),
    "api_key": _api_key,
    "jwt": _jwt,
    "oauth2": _oauth2,
    "oracle": _oracle,
}
"""By scheme."""

IMPORTER = Importer()
