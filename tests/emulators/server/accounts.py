"""Users, roles, keys and sessions: what the gate reads in moto's state, and what tests write there."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import PARTITION_NAMES

from emulators.server import policy, sessions

_ARN = re.compile(r"arn:(?P<partition>[\w-]+):(?:iam|sts)::(?P<account>\d{12}):(?P<kind>[\w-]+)/(?P<name>.+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """A user, or a role in session, with every identity policy that applies to it."""

    arn: str
    account: str
    partition: str
    documents: tuple[policy.Document, ...]
    role_arn: str | None = None
    in_session: bool = False

    @property
    def names(self) -> frozenset[str]:
        """How a trust policy names this principal itself."""
        return frozenset({self.arn, *([self.role_arn] if self.role_arn else [])})

    @property
    def account_names(self) -> frozenset[str]:
        """How a trust policy names everyone in this principal's account."""
        return frozenset({self.account, f"arn:{self.partition}:iam::{self.account}:root"})


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """An access key as AWS knows it; times in seconds since 1970."""

    owner: Principal
    active: bool
    created: float
    secret: str = dataclasses.field(repr=False)
    token: str | None = dataclasses.field(repr=False, default=None)
    expires: float | None = None


class ListedKey(NamedTuple):
    """A user's key as it is listed; `created` in seconds since 1970."""

    id: str
    status: str
    created: float


class User(NamedTuple):
    """What a user has."""

    arn: str
    keys: tuple[ListedKey, ...]
    tags: Mapping[str, str]


def user(account: str, partition: str, name: str) -> User | None:
    """Finds a user by name; None where there is none."""
    backend = iam_backends[account][partition]
    found = backend.users.get(name)
    if found is None:
        return None
    keys = [ListedKey(key.access_key_id, key.status, _epoch(key.create_date)) for key in found.access_keys]
    tags = {tag["Key"]: tag["Value"] for tag in backend.list_user_tags(name)}
    return User(found.arn, tuple(keys), tags)


def find_key(key_id: str) -> Key | None:
    """Finds a user's key or a session's; None where no account has it."""
    for backend in _backends():
        key = backend.access_keys.get(key_id)
        if key is None:
            continue
        if key.user_name is None:
            return _session_key(backend, key)
        # Moto lets a user go before their keys.
        if key.user_name in backend.users:
            owner = _user(backend, backend.users[key.user_name])
            return Key(owner, key.status == "Active", _epoch(key.create_date), key.secret_access_key)
    return None


def last_use(key_id: str) -> tuple[str, Any] | None:
    """Returns whose a user's key is and what moto keeps of its last use; None where there is no such key."""
    for backend in _backends():
        key = backend.access_keys.get(key_id)
        if key is not None and key.user_name is not None:
            return key.user_name, key.last_used
    return None


def principal(arn: str) -> Principal | None:
    """Finds a user or role by ARN; None where there is none."""
    match = _ARN.fullmatch(arn)
    if match is None or match["partition"] not in PARTITION_NAMES:
        return None
    backend = iam_backends[match["account"]][match["partition"]]
    users = (_user(backend, user) for user in backend.users.values() if user.arn == arn)
    roles = (_role(role) for role in backend.get_roles() if role.arn == arn)
    return next(itertools.chain(users, roles), None)


def trust(arn: str) -> tuple[policy.Document, int] | None:
    """Returns a role's trust policy and longest session; None where there is no such role."""
    match = _ARN.fullmatch(arn)
    if match is None or match["partition"] not in PARTITION_NAMES:
        return None
    try:
        role = iam_backends[match["account"]][match["partition"]].get_role_by_arn(arn)
    except NotFoundException:
        return None
    return json.loads(role.assume_role_policy_document), int(role.max_session_duration or 3600)


def bucket_home(name: str) -> tuple[str, str] | None:
    """Returns the account and region of a bucket; None where there is no such bucket."""
    if name not in s3_backends.bucket_accounts:
        return None
    partition, account = s3_backends.bucket_accounts[name]
    return account, s3_backends[account][partition].buckets[name].region_name


def create_user(name: str, policies: list[dict[str, Any]], account: str, partition: str, path: str) -> str:
    """Makes a user and returns its ARN."""
    backend = iam_backends[account][partition]
    user = backend.create_user(partition, name, path)
    _write_policies(user, policies)
    return str(user.arn)


def create_role(
    name: str,
    trusted: dict[str, Any],
    policies: list[dict[str, Any]],
    account: str,
    partition: str,
    path: str,
    longest: int,
) -> str:
    """Makes a role and returns its ARN."""
    policy.require_supported(trusted)
    role = iam_backends[account][partition].create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(trusted),
        path=path,
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration=str(longest),
    )
    _write_policies(role, policies)
    return str(role.arn)


def set_policies(arn: str, policies: list[dict[str, Any]]) -> None:
    """Replaces the inline policies of a user or role."""
    _write_policies(_entity(arn), policies)


def set_trust(arn: str, trusted: dict[str, Any]) -> None:
    """Replaces a role's trust policy."""
    policy.require_supported(trusted)
    _entity(arn).assume_role_policy_document = json.dumps(trusted)


def delete_role(arn: str) -> None:
    """Removes a role; its sessions live on, as on AWS."""
    role = _entity(arn)
    del iam_backends[role.account_id][role.partition].roles[role.id]


def create_key(user_arn: str) -> tuple[str, str]:
    """Makes an access key and returns its id and secret."""
    user = _entity(user_arn)
    backend = iam_backends[user.account_id][_ARN.fullmatch(user_arn)["partition"]]  # type: ignore[index]
    key = backend.create_access_key(user.name)
    return key.access_key_id, key.secret_access_key


def keys(user_arn: str) -> list[tuple[str, str]]:
    """Gives id and status of a user's keys, by age."""
    found = principal(user_arn)
    listed = user(found.account, found.partition, _entity(user_arn).name) if found else None
    return (
        [(key.id, key.status) for key in sorted(listed.keys, key=lambda key: key.created)] if listed else []
    )


def set_key_status(key_id: str, status: str) -> None:
    """Makes a user's key Active or Inactive."""
    backend, key = _user_key(key_id)
    backend.update_access_key(key.user_name, key_id, status)


def delete_key(key_id: str) -> None:
    """Deletes a user's key."""
    backend, _ = _user_key(key_id)
    backend.delete_access_key_by_name(key_id)


def expire_session(key_id: str) -> None:
    """Ends a session as if its time had passed."""
    _session(key_id).expiration = dt.datetime.fromtimestamp(0, dt.UTC).replace(tzinfo=None)


def create_bucket(name: str, region: str, account: str, partition: str) -> None:
    """Makes a bucket."""
    s3_backends[account][partition].create_bucket(name, region)


def _user(backend: IAMBackend, user: Any) -> Principal:
    groups = backend.get_groups_for_user(user.name)
    documents = (*_documents(user), *(document for group in groups for document in _documents(group)))
    return Principal(user.arn, user.account_id, backend.partition, documents)


def _role(role: Any) -> Principal:
    return Principal(role.arn, role.account_id, role.partition, tuple(_documents(role)), role.arn)


def _session_key(backend: IAMBackend, key: Any) -> Key:
    session = _session(key.access_key_id)
    behind = principal(session.role_arn)
    owner = Principal(
        session.arn,
        session.account_id,
        backend.partition,
        behind.documents if behind else (),
        None if isinstance(session, sessions.UserSession) else session.role_arn,
        in_session=True,
    )
    return Key(
        owner=owner,
        active=True,
        created=_epoch(key.create_date),
        secret=key.secret_access_key,
        token=session.session_token,
        expires=_epoch(session.expiration),
    )


def _session(key_id: str) -> Any:
    for backend in _backends():
        sessions = sts_backends[backend.account_id][backend.partition]
        session = sessions.get_assumed_role_from_access_key(key_id)
        if session:
            return session
    raise KeyError(key_id)


def _entity(arn: str) -> Any:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise KeyError(arn)
    backend = iam_backends[match["account"]][match["partition"]]
    entities: list[Any] = [*backend.users.values(), *backend.get_roles()]
    return next(each for each in entities if each.arn == arn)


def _user_key(key_id: str) -> tuple[IAMBackend, Any]:
    for backend in _backends():
        if key_id in backend.access_keys:
            return backend, backend.access_keys[key_id]
    raise KeyError(key_id)


def _backends() -> Iterator[IAMBackend]:
    for account in list(iam_backends.values()):
        for partition in PARTITION_NAMES:
            yield account[partition]


def _write_policies(entity: Any, documents: Iterable[dict[str, Any]]) -> None:
    documents = list(documents)
    for document in documents:
        policy.require_supported(document)
    entity.policies.clear()
    for number, document in enumerate(documents, 1):
        entity.policies[f"inline-{number}"] = json.dumps(document)


def _documents(entity: Any) -> Iterator[policy.Document]:
    for text in entity.policies.values():
        yield json.loads(text)
    for managed in entity.managed_policies.values():
        yield json.loads(next(version.document for version in managed.versions if version.is_default))


def _epoch(moment: dt.datetime) -> float:
    return moment.replace(tzinfo=dt.UTC).timestamp()
