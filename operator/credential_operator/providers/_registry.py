"""What container registries say: how they want to be asked, how they give tokens, and how they refuse.

    GET /v2/ -> 401 and a challenge
      Basic:  the same again, with user name and password
      Bearer: GET realm, with user name and password -> a token -> the same again, with the token

The realm is chosen by the registry, and the password is shown there. That is as it should be: the spec
names the registry, nobody else can say who knows its users (Docker Hub's are known at auth.docker.io),
every client does the same, and a registry that wants to see the password need only ask for it itself.
It has to be https without user info, the endpoint policy holds for it too, and no redirect is followed.

The OCI distribution specification, and the token authentication specification of distribution, whose
tokens are JWTs: what they say of themselves is read, and the registry is who verifies them.
"""

import base64
import dataclasses
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, Self

from credential_operator import errors
from credential_operator.providers import _json, _signing, contract, network

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "username": ("REGISTRY_USERNAME", "DOCKER_USERNAME"),
    "password": ("REGISTRY_PASSWORD", "DOCKER_PASSWORD"),
    "host": ("REGISTRY_HOST", "DOCKER_REGISTRY"),
}
"""Who signs in where, by the names of the type registry."""
ENTRY = "/v2/"
OK, UNAUTHORIZED, FORBIDDEN, SERVER_ERROR = 200, 401, 403, 500
VERSION = "registry/2.0"
LONGEST_CHALLENGE = 4096

CHALLENGE = re.compile(
    r'(?P<name>[A-Za-z_-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))'
    r"|(?P<scheme>[A-Za-z][A-Za-z0-9-]*)"
)
"""A scheme, or a parameter of the scheme before it (RFC 9110, section 11.6.1)."""
NOBODY = frozenset({"", "(anonymous)"})
"""Whom a token is for that was given to nobody: the specification's word, and Quay's."""
DENIALS = frozenset({"UNAUTHORIZED", "DENIED"})
UNNAMED = frozenset({"NAME_UNKNOWN", "NAME_INVALID"})


@dataclasses.dataclass(frozen=True, slots=True)
class Meaning:
    """What a registry means by an answer; `words` follow its name."""

    kind: type[errors.CredentialError]
    words: str

    def of(self, name: str) -> errors.CredentialError:
        """Gives the error."""
        return self.kind(f"{name} {self.words}.")


Means = Mapping[int, Meaning]
"""Status of a refusal -> what it means at this step."""

WRONG = Meaning(
    errors.Rejected,
    "does not accept username and password: one of them is wrong, or the password is a token that is over, "
    "was deleted, or may not be used for images",
)
CLOSED = Meaning(
    errors.PermissionDenied, "knows the user and does not let it in: grant it the right to pull images"
)
UNREADABLE = Meaning(
    errors.PermissionDenied,
    "knows the user and does not let it read repository: grant it the right to pull there, or write another",
)
DISTRUSTED = Meaning(
    errors.ProviderUnreachable,
    "does not accept the tokens of its own token server, which says nothing of the key",
)
UNKNOWN = Meaning(
    errors.Misconfigured,
    "knows no such repository, or does not show it to this user: look at repository",
)
UNSAFE = Meaning(
    errors.Misconfigured,
    "names a token server to which no password is sent: its URL has to begin with https://, and to hold no "
    "user",
)
ANYWHERE: Means = {UNAUTHORIZED: WRONG, FORBIDDEN: CLOSED}
# GHCR words a wrong password as forbidden.
LOGIN: Means = {UNAUTHORIZED: WRONG, FORBIDDEN: WRONG}
REPOSITORY: Means = {UNAUTHORIZED: UNREADABLE, FORBIDDEN: UNREADABLE}

OVER = Meaning(
    errors.Expired, "says that the password is an access token whose life is over: write a new one"
)
SINGLE_SIGN_ON = Meaning(
    errors.Rejected,
    "takes no password of this user, whose organisation enforces single sign-on: write a personal access "
    "token in its place",
)
NOT_FOR_IMAGES = Meaning(
    errors.PermissionDenied,
    "knows the password, and it may not be used for images: grant it the right to read the registry",
)
FIREWALL = Meaning(
    errors.Misconfigured,
    "lets in only the networks that its firewall names, and the operator is in none of them: add it there",
)
TEXTS: Mapping[str, Meaning] = {
    "access token is expired": OVER,  # Docker Hub, of people and of organisations
    "authorization token has expired": OVER,  # Amazon
    "use personal access token to login when sso is enforced": SINGLE_SIGN_ON,  # Docker Hub
    "access forbidden": NOT_FOR_IMAGES,  # GitLab
    "aka.ms/acr/firewall": FIREWALL,  # Azure
}
"""What some registries say in words only, in lower case."""


@dataclasses.dataclass(frozen=True, slots=True)
class Challenge:
    """How a registry wants to be asked: with a token of `realm`, or with the password where that is empty."""

    realm: str = dataclasses.field(default="", repr=False)
    service: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """A user name and its password."""

    username: str
    password: str = dataclasses.field(repr=False)

    @property
    def authorization(self) -> str:
        """Shows both (RFC 7617)."""
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A token, and what it says of itself where it is a JWT."""

    text: str = dataclasses.field(repr=False)
    claims: Mapping[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Looks into a token; registries may also give others, which are for themselves only."""
        try:
            return cls(text, _signing.read(text).claims)
        except errors.InvalidKeyMaterial:
            return cls(text, {})

    @property
    def authorization(self) -> str:
        """Shows it."""
        return f"Bearer {self.text}"

    @property
    def subject(self) -> str | None:
        """Whom it is for: empty where it says that it is for nobody, None where it does not say."""
        subject = self.claims.get("sub")
        if not isinstance(subject, str):
            return None
        return "" if subject in NOBODY else subject

    def pulls(self, repository: str) -> bool | None:
        """Tells whether it opens a repository, None where it does not say: it may give less than was asked for."""
        granted = self.claims.get("access")
        if not isinstance(granted, list):
            return None
        return any(
            entry.get("type") == "repository"
            and entry.get("name") == repository
            and isinstance(actions := entry.get("actions"), list)
            and ("pull" in actions or "*" in actions)
            for entry in granted
            if isinstance(entry, dict)
        )


class Registry:
    """A registry, as one check asks it: all calls share its deadline. `name` is its host and port."""

    def __init__(self, host: str, *, ca_bundle: str | None, context: contract.Context) -> None:
        self._url = f"https://{host}"
        self.name = str(network.parse(self._url))
        self._ca_bundle = ca_bundle
        self._session = context.session
        self._end = context.end()

    def get(self, path: str, authorization: str = "") -> network.Response:
        """Asks the registry."""
        return self._get(f"{self._url}{path}", authorization)

    def token(self, challenge: Challenge, account: Account | None, repository: str, means: Means) -> Token:
        """Asks for a token, for nobody without an account, and for nothing without a repository."""
        query = {
            "service": challenge.service,
            "account": account.username if account else "",
            "scope": f"repository:{repository}:pull" if repository else "",
        }
        words = urllib.parse.urlencode({name: text for name, text in query.items() if text})
        realm = self._realm(challenge)
        answer = self._ask_realm(
            realm, f"{'&' if '?' in realm else '?'}{words}", account.authorization if account else ""
        )
        said = _json.read(answer) if answer.status == OK else {}
        text = said.get("token") or said.get("access_token")
        if not isinstance(text, str) or not re.fullmatch(r"[!-~]+", text):
            raise self.refusal(answer, means, bare=True)
        return Token.read(text)

    def refusal(
        self, answer: network.Response, means: Means, *, bare: bool = False
    ) -> errors.CredentialError:
        """Gives what an answer means that is not what was asked for; no `means` where no password was shown.

        `bare`: a refusal may be no more than its status, as Harbor's token server words it.
        """
        status, codes = answer.status, frozenset(_codes(answer))
        if answer.too_many or ("TOOMANYREQUESTS" in codes and status < SERVER_ERROR):
            return answer.throttled(self.name)
        meaning = _known(answer)
        if meaning and not means and issubclass(meaning.kind, errors.Refused):
            meaning = None
        if meaning is None and _refuses(answer, codes, bare=bare):
            meaning = means.get(status)
        if meaning is None and codes & UNNAMED:
            meaning = UNKNOWN
        if meaning and status < SERVER_ERROR:
            return meaning.of(self.name)
        return answer.unusable(self.name)

    def _realm(self, challenge: Challenge) -> str:
        """Gives the realm, if a password may be shown there."""
        try:
            secure = network.parse(challenge.realm).scheme == "https"
        except errors.Misconfigured:
            secure = False
        if not secure or "#" in challenge.realm:
            raise UNSAFE.of(self.name)
        return challenge.realm

    def _ask_realm(self, realm: str, query: str, authorization: str) -> network.Response:
        """Asks the token server, whose name is the registry's own word and so in no message."""
        try:
            return self._get(f"{realm}{query}", authorization)
        except errors.CredentialError as error:
            kind, words, there = type(error), error.message, network.parse(realm)
        # The second is how the library words that a certificate is another's.
        unnamed = words.replace(f"'{there.host}'", "its name")
        raise kind(unnamed.replace(str(there), f"The token server of {self.name}"))

    def _get(self, url: str, authorization: str) -> network.Response:
        return self._session.request(
            "GET",
            url,
            headers={"Authorization": authorization} if authorization else {},
            timeout=network.left(self._end),
            ca_bundle=self._ca_bundle,
        )


def tags(repository: str) -> str:
    """Gives what is read of a repository: it counts as no pull where pulls are counted."""
    return f"{ENTRY}{repository}/tags/list?n=1"


def opens(answer: network.Response, path: str) -> bool:
    """Tells whether a registry answers what was asked for, as nothing but a registry does."""
    if answer.status != OK:
        return False
    versioned = VERSION in answer.headers.get("Docker-Distribution-Api-Version", "")
    if path != ENTRY:
        return "tags" in _json.read(answer) or (answer.truncated and versioned)
    # Quay says true, the others {}.
    return versioned or answer.body.strip() in {b"{}", b"true"}


def challenge(answer: network.Response) -> Challenge | None:
    """Reads how a registry wants to be asked; the password itself where it takes that."""
    schemes = _schemes(answer)
    if "basic" in schemes:
        return Challenge()
    bearer = schemes.get("bearer", {})
    return Challenge(bearer["realm"], bearer.get("service", "")) if bearer.get("realm") else None


def fault(answer: network.Response) -> str:
    """Reads what a registry says is wrong with a token (RFC 6750, section 3.1); many do not say."""
    return _schemes(answer).get("bearer", {}).get("error", "")


def _schemes(answer: network.Response) -> Mapping[str, Mapping[str, str]]:
    """Gives the parameters of each scheme that an answer offers."""
    text = answer.headers.get("WWW-Authenticate", "")
    found: dict[str, dict[str, str]] = {}
    if answer.status != UNAUTHORIZED or len(text) > LONGEST_CHALLENGE:
        return found
    latest: dict[str, str] = {}
    for match in CHALLENGE.finditer(text):
        if scheme := match["scheme"]:
            latest = found.setdefault(scheme.lower(), {})
        else:
            latest[match["name"].lower()] = match["plain"] or re.sub(r"\\(.)", r"\1", match["quoted"])
    return found


def _codes(answer: network.Response) -> Iterator[str]:
    """Yields the codes of an answer's errors."""
    for entry in _errors(answer):
        if isinstance(code := entry.get("code"), str):
            yield code.upper()


def _errors(answer: network.Response) -> Iterator[Mapping[str, Any]]:
    found = _json.read(answer).get("errors")
    return (entry for entry in (found if isinstance(found, list) else ()) if isinstance(entry, dict))


def _known(answer: network.Response) -> Meaning | None:
    """Gives what some registries' words mean; they are compared, and shown to nobody."""
    texts = (_json.read(answer).get("details"), *(entry.get("message") for entry in _errors(answer)))
    said = "\n".join(text.lower() for text in texts if isinstance(text, str))
    return next((meaning for words, meaning in TEXTS.items() if words in said), None)


def _refuses(answer: network.Response, codes: frozenset[str], *, bare: bool) -> bool:
    """Tells a registry's refusal from the answer of whatever else stands in the way."""
    if codes & DENIALS:
        return True
    if answer.status != UNAUTHORIZED:
        return False
    # Docker Hub's token server says details, and Artifactory gives its errors no code.
    said = _json.read(answer)
    return bool(_schemes(answer) or isinstance(said.get("details"), str) or any(_errors(answer))) or (
        bare and not answer.body
    )
