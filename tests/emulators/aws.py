"""STS, IAM, S3, Organizations and ECR that refuse what AWS refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from emulators import child, faults

ACCOUNT = "123456789012"
AUDIENCE = "sts.amazonaws.com"
Document = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """An IAM user; usable wherever its ARN is."""

    name: str
    arn: str
    account: str


class Call(NamedTuple):
    """A request that arrived; status 0 where the connection was cut."""

    action: str
    access_key_id: str | None
    status: int


class AwsEmulator(child.Emulator):
    """An AWS of one's own on 127.0.0.1, in a process of its own.

    Verified on every request: signature (twice, by code that shares nothing), key, its status and
    partition, session token and expiry, clock, payload, region; then trust and identity policies, whose
    the bucket is, and what sessions may not call; of web identities the token's signature, issuer, audience
    and time, and the trust policy. Not emulated, and refused: bucket policies, session policies, presigned
    URLs.
    """

    kind: ClassVar[str] = "aws"

    def __init__(self, *, tls: bool = True, hosts: Sequence[str] = (), port: int = 0) -> None:
        super().__init__(tls=tls, hosts=list(hosts), port=port)

    @property
    def faults(self) -> faults.Faults:
        """The trouble that requests meet."""
        return faults.Faults(self.child.call)

    @property
    def calls(self) -> list[Call]:
        """The requests so far, oldest first."""
        return [Call(*call) for call in self.child.call("calls")]

    def reset_calls(self) -> None:
        """Forgets the requests so far."""
        self.child.call("reset_calls")

    def reset(self) -> None:
        """Makes it as new: no users, roles, buckets, faults or calls."""
        self.child.call("reset")

    def create_user(
        self,
        name: str,
        *,
        policies: Sequence[Document] = (),
        account: str = ACCOUNT,
        partition: str = "aws",
        path: str = "/",
    ) -> User:
        """Makes a user with inline policies."""
        arn = self.child.call(
            "create_user", name=name, policies=list(policies), account=account, partition=partition, path=path
        )
        return User(name, arn, account)

    def create_key(self, user: str | User) -> tuple[str, str]:
        """Makes an access key: its id and its secret; a bare name means a user of the first account."""
        if isinstance(user, User):
            arn = user.arn
        else:
            arn = user if user.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:user/{user}"
        key_id, secret = self.child.call("create_key", user_arn=arn)
        return key_id, secret

    def keys(self, name: str) -> list[tuple[str, str]]:
        """Gives id and status of the keys of a user of the first account, by age."""
        found = self.child.call("keys", user_arn=f"arn:aws:iam::{ACCOUNT}:user/{name}")
        return [(key_id, status) for key_id, status in found]

    def set_key_status(self, key_id: str, status: str) -> None:
        """Makes a key "Active" or "Inactive"."""
        self.child.call("set_key_status", key_id=key_id, status=status)

    def delete_key(self, key_id: str) -> None:
        """Deletes a key."""
        self.child.call("delete_key", key_id=key_id)

    def delay_new_keys(self, seconds: float) -> None:
        """Leaves users' keys unknown until they are this old, as IAM does for some seconds."""
        self.child.call("set_new_keys_unknown", seconds=seconds)

    def list_new_keys_late(self, seconds: float) -> None:
        """Leaves users' keys out of lists until they are this old, as IAM does for some seconds."""
        self.child.call("set_new_keys_unlisted", seconds=seconds)

    def create_role(
        self,
        name: str,
        *,
        trust: Document,
        policies: Sequence[Document] = (),
        account: str = ACCOUNT,
        partition: str = "aws",
        path: str = "/",
        longest_session: int = 3600,
    ) -> str:
        """Makes a role and returns its ARN; `longest_session` in seconds."""
        arn = self.child.call(
            "create_role",
            name=name,
            trusted=trust,
            policies=list(policies),
            account=account,
            partition=partition,
            path=path,
            longest=longest_session,
        )
        return str(arn)

    def delete_role(self, arn: str) -> None:
        """Removes a role."""
        self.child.call("delete_role", arn=arn)

    def set_policies(self, arn: str, policies: Sequence[Document]) -> None:
        """Replaces the inline policies of a user or role."""
        self.child.call("set_policies", arn=arn, policies=list(policies))

    def set_trust(self, role_arn: str, trust: Document) -> None:
        """Replaces the trust policy of a role."""
        self.child.call("set_trust", arn=role_arn, trusted=trust)

    def limit_sessions(self, seconds: int | None) -> None:
        """Makes new sessions this short, whatever the client asks for; None ends it."""
        self.child.call("set_session_seconds", seconds=seconds)

    def limit_passwords(self, seconds: int) -> None:
        """Makes new passwords of container registries good for so many seconds, until it is reset."""
        self.child.call("set_password_life", seconds=seconds)

    def have_no_roles(self) -> None:
        """Makes STS that of a store without roles, as MinIO is: AssumeRole opens a session of the caller."""
        self.child.call("set_roleless", roleless=True)

    def set_page(self, size: int) -> None:
        """Makes simulations of policies answer so many actions at a time."""
        self.child.call("set_page", size=size)

    def set_list_page(self, size: int) -> None:
        """Makes lists of users' keys and tags answer so many at a time."""
        self.child.call("set_list_page", size=size)

    def expire_session(self, key_id: str) -> None:
        """Ends a session at once, by the id of its key."""
        self.child.call("expire_session", key_id=key_id)

    def create_bucket(
        self, name: str, *, region: str = "us-east-1", account: str = ACCOUNT, partition: str = "aws"
    ) -> None:
        """Makes a bucket."""
        self.child.call("create_bucket", name=name, region=region, account=account, partition=partition)

    def create_organization(self, names: Sequence[str], *, account: str = ACCOUNT) -> list[str]:
        """Makes an organization that an account manages, with accounts of these names; returns their numbers."""
        return list(self.child.call("create_organization", names=list(names), account=account))

    def trust_issuer(
        self, issuer: str, jwks: Document, *, audiences: Sequence[str] = (AUDIENCE,), account: str = ACCOUNT
    ) -> None:
        """Makes an issuer of tokens an OpenID Connect provider of an account, for these audiences."""
        self.child.call("trust_issuer", issuer=issuer, jwks=jwks, audiences=list(audiences), account=account)


def allow(*actions: str, resource: str | Sequence[str] = "*") -> Document:
    """Words an identity policy that allows the actions."""
    resources = [resource] if isinstance(resource, str) else list(resource)
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resources}],
    }


def trust(
    *principals: str | User, external_id: str | None = None, actions: Sequence[str] = ("sts:AssumeRole",)
) -> Document:
    """Words a role's trust policy: ARNs, users or account numbers, and the external ID it asks for."""
    named = [each.arn if isinstance(each, User) else each for each in principals]
    statement: Document = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": list(actions)}
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def federate(issuer: str, subject: str, *, audience: str = AUDIENCE, account: str = ACCOUNT) -> Document:
    """Words a role's trust policy for the bearer of an issuer's tokens."""
    provider = issuer.removeprefix("https://")
    equal = {f"{provider}:sub": subject, f"{provider}:aud": audience}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{provider}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equal},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
