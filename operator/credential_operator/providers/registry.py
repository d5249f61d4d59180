"""User name and password, or access token, of a container registry."""

import dataclasses
import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.providers import _registry, _signing, contract, network

HUB = frozenset({"docker.io", "index.docker.io"})
"""What Docker Hub is called in the names of images and in Docker's configuration."""
HUB_HOST = "registry-1.docker.io"
HUB_OFFICIAL = "library"
"""Where Docker Hub keeps repositories that are named by one word."""

ACCESS_TOKEN = re.compile(r"(dckr_(pat|oat)_|gh[opsu]_|github_pat_|gl(pat|dt|cbt|soat)-)[A-Za-z0-9_.-]{20,}")
"""Access tokens that can be told from a user's name."""


class Config(contract.Config):
    """What is public about a user of a container registry: which registry, and what is to be read there."""

    host: Annotated[
        str,
        pydantic.Field(max_length=253),
        values.Matching(
            r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$",
            "a registry's host, with its port where that is not 443, such as registry.example.com:5000",
        ),
    ]
    """The registry as it stands in the names of its images, such as ghcr.io; docker.io is Docker Hub. The
    password is also shown to the token server that the registry names, if it names one."""
    repository: Annotated[
        str | None,
        pydantic.Field(max_length=255),
        values.Matching(
            r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$",
            "a repository without host and tag, such as team/app",
        ),
    ] = None
    """A repository that the user must be able to pull from. Where it is left out, it is enough that the
    registry knows the user."""
    ca_bundle: contract.CABundle = None
    """The certificates (PEM) of the authorities that the certificates of the registry and of its token server
    are checked against, in place of the public ones."""


class Keys(contract.Keys):
    """A user name, and its password or an access token."""

    username: contract.Line
    password: contract.Line


@dataclasses.dataclass(frozen=True, slots=True)
class _Door:
    """What a registry does not show to everybody, and how it wants to be asked for it."""

    path: str
    challenge: _registry.Challenge
    repository: str

    @property
    def goal(self) -> str:
        """What the user must be able to read."""
        return _registry.tags(self.repository) if self.repository else _registry.ENTRY


class Provider:
    """Logs in as Docker does, and reads the names of a repository's tags."""

    name: ClassVar[str] = "registry"
    title: ClassVar[str] = "A user name and password, or access token, of a container registry."
    # Docker Hub and Harbor make a user wait for a while after wrong passwords, and let them in again.
    locks: ClassVar[bool] = False
    cost: ClassVar[str] = (
        "Two to six requests: the entry, a login, and with a repository another token and the names of its "
        "tags. None counts as a pull."
    )
    config = Config
    keys = Keys
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = _registry.VARIABLES
    example: ClassVar[Mapping[str, Any]] = {"host": "registry.example.com", "repository": "team/app"}
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {"registry-docker-hub": {"host": "docker.io"}}

    def endpoint(self, config: Config) -> str:
        """Names the registry."""
        return str(network.parse(f"https://{_host(config)}"))

    def inspect(self, config: Config, keys: Keys) -> None:
        """Finds without a call what cannot be right."""
        network.parse(f"https://{_host(config)}")
        username = keys.username.get_secret_value()
        if ACCESS_TOKEN.fullmatch(username):
            raise errors.InvalidKeyMaterial(
                "username holds an access token: write it as password, and the user's name as username."
            )
        if ":" in username:
            raise errors.InvalidKeyMaterial(
                "username holds a colon, which ends it where it is sent: write the password under its own field."
            )

    def validate(self, config: Config, keys: Keys, context: contract.Context) -> contract.Validation:
        """Logs in and reads, which counts as no pull where those are limited."""
        account = _registry.Account(keys.username.get_secret_value(), keys.password.get_secret_value())
        expires_at = _life(account.password, context.now())
        registry = _registry.Registry(_host(config), ca_bundle=config.ca_bundle, context=context)
        door = _closed(registry, repository_of(config))
        (_with_token if door.challenge.realm else _with_password)(registry, door, account)
        return contract.Validation(identity=_identity(config, account), expires_at=expires_at)

    def fields(self, config: Config, keys: Keys) -> Mapping[str, str]:
        """Gives what formats draw from."""
        return {
            "username": keys.username.get_secret_value(),
            "password": keys.password.get_secret_value(),
            "host": config.host,
        }


def _host(config: Config) -> str:
    return HUB_HOST if config.host.lower() in HUB else config.host


def repository_of(config: Config) -> str:
    """Gives the repository in full."""
    name = config.repository or ""
    return f"{HUB_OFFICIAL}/{name}" if name and "/" not in name and _host(config) == HUB_HOST else name


def _identity(config: Config, account: _registry.Account) -> contract.Identity | None:
    """Says whose the password is: not where a token stands for both, as DigitalOcean has it."""
    if account.username == account.password:
        return None
    return contract.Identity(principal=account.username, account=config.host)


def _life(password: str, now: datetime.datetime) -> datetime.datetime | None:
    """Gives the end of a password that is a JWT, such as Azure's; raises Expired where it is over."""
    expires = _signing.end_of(password)
    if expires and expires <= now:
        raise errors.Expired(
            "The password is a token whose life is over (exp): write a new one.", certain=True
        )
    return expires


def _closed(registry: _registry.Registry, repository: str) -> _Door:
    """Finds what the registry does not show without a credential: some let everybody in, and not everywhere."""
    for path in (_registry.ENTRY, *([_registry.tags(repository)] if repository else [])):
        answer = registry.get(path)
        if found := _registry.challenge(answer):
            return _Door(path, found, repository)
        if not _registry.opens(answer, path):
            raise registry.refusal(answer, {})
    raise errors.Misconfigured(_proves_nothing(registry, repository))


def _proves_nothing(registry: _registry.Registry, repository: str) -> str:
    what, other = ("repository", "another") if repository else ("its entry", "a")
    return (
        f"{registry.name} shows {what} to everybody, so that reading it proves nothing of the key: write {other} "
        "repository that is not public."
    )


def _with_password(registry: _registry.Registry, door: _Door, account: _registry.Account) -> None:
    """Shows the password to the registry itself."""
    steps = {door.path: _registry.ANYWHERE}
    steps.setdefault(door.goal, _registry.REPOSITORY)
    for path, means in steps.items():
        answer = registry.get(path, account.authorization)
        if not _registry.opens(answer, path):
            raise registry.refusal(answer, means)


def _with_token(registry: _registry.Registry, door: _Door, account: _registry.Account) -> None:
    """Shows the password to the token server, and the token to the registry.

    First without a repository, as in a login: with one, some servers take a wrong password for no password
    (Harbor), and give a token for what is public.
    """
    token = registry.token(door.challenge, account, "", _registry.LOGIN)
    if door.repository:
        token = registry.token(door.challenge, account, door.repository, _registry.REPOSITORY)
        if token.pulls(door.repository) is False:
            raise (_registry.WRONG if token.subject == "" else _registry.UNREADABLE).of(registry.name)
    answer = registry.get(door.goal, token.authorization)
    if not _registry.opens(answer, door.goal):
        raise registry.refusal(answer, _after_login(door, token, answer))
    if not token.subject:
        _beyond_everybody(registry, door, token)


def _after_login(door: _Door, token: _registry.Token, answer: network.Response) -> _registry.Means:
    """Says what it means that the registry refuses a token which the token server gave."""
    fault = _registry.fault(answer)
    silent = fault != "invalid_token"
    if door.repository:
        short = fault == "insufficient_scope" or (silent and token.pulls(door.repository) is None)
        means = _registry.UNREADABLE if short else _registry.DISTRUSTED
        return {**_registry.REPOSITORY, _registry.UNAUTHORIZED: means}
    # A token that names the user is not refused here for the user's sake.
    means = _registry.WRONG if silent and not token.subject else _registry.DISTRUSTED
    return {**_registry.ANYWHERE, _registry.UNAUTHORIZED: means}


def _beyond_everybody(registry: _registry.Registry, door: _Door, token: _registry.Token) -> None:
    """Finds whether a token that does not say whom it is for is more than what is given to nobody."""
    try:
        for repository in dict.fromkeys(("", door.repository)):
            anybody = registry.token(door.challenge, None, repository, _registry.LOGIN)
    except errors.Refused:
        return
    answer = registry.get(door.goal, anybody.authorization)
    if not _registry.opens(answer, door.goal):
        failure = registry.refusal(answer, _registry.LOGIN)
        if isinstance(failure, errors.Transient):
            raise failure
        return
    if token.subject == "":
        raise _registry.WRONG.of(registry.name)
    raise errors.Misconfigured(_proves_nothing(registry, door.repository))


PROVIDER = Provider()
