"""The providers that the demo's keys belong to: an AWS, and an S3 server of another make."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from demo import manifests
from emulators import aws, clients, s3

BUCKET = "backups"
REGION = "eu-west-1"
ROLE = "OrganizationAccountAccessRole"
"""As in the examples."""
OBJECTS = {
    "2026-01-30/etcd.snapshot": 20480,
    "2026-01-31/etcd.snapshot": 24576,
}
"""What is in either bucket: names and sizes."""


class Clouds:
    """Both providers, with the users, keys, buckets and roles of the story."""

    def __init__(self, amazon: aws.AwsEmulator, store: s3.Versity) -> None:
        self.amazon = amazon
        self.store = store

    @property
    def endpoints(self) -> str:
        """Where they serve, as the operator's setting takes it."""
        return f"127.0.0.1:{self.amazon.port},127.0.0.1:{self.store.port}"

    def write_authorities(self, file: Path) -> Path:
        """Writes the certificates that both are to be trusted by."""
        file.write_bytes(self.amazon.ca_pem + self.store.ca_pem)
        return file

    def fill(self) -> None:
        """Makes users, keys, buckets and the role."""
        self.amazon.create_user("administrator", policies=[aws.allow("s3:*")])
        self.amazon.create_user("deploy", policies=[aws.allow("sts:AssumeRole")])
        self.amazon.create_user("backup", policies=[aws.allow("s3:ListBucket")])
        self.amazon.create_bucket(BUCKET, region=REGION)
        self._upload(self.amazon, self.new_key("administrator"), REGION)
        self.store_key = self.store.create_user("backups-of-team-a")
        self.store.create_bucket(BUCKET, owner=self.store_key[0])
        self._upload(self.store, self.store_key, self.store.region)
        self.role = self.amazon.create_role(ROLE, trust=self._trust(secrets.token_hex(16)))

    def new_key(self, user: str) -> manifests.Key:
        """Makes a key of an AWS user."""
        return self.amazon.create_key(user)

    def trust(self, external_id: str) -> None:
        """Has the role trust its user with this external ID; before, nobody knows the one it asks for."""
        self.amazon.set_trust(self.role, self._trust(external_id))

    def _trust(self, external_id: str) -> aws.Document:
        return aws.trust(f"arn:aws:iam::{aws.ACCOUNT}:user/deploy", external_id=external_id)

    def _upload(self, endpoint: clients.Endpoint, key: manifests.Key, region: str) -> None:
        with contextlib.closing(clients.client("s3", endpoint, key, region=region)) as client:
            for name, size in OBJECTS.items():
                client.put_object(Bucket=BUCKET, Key=name, Body=secrets.token_bytes(size))


def wrong(key: manifests.Key) -> manifests.Key:
    """Gives a key whose secret is not its own."""
    return key[0], secrets.token_urlsafe(30)


@contextlib.contextmanager
def started() -> Iterator[Clouds]:
    """Starts both, filled."""
    with aws.AwsEmulator() as amazon, s3.Versity() as store:
        found = Clouds(amazon, store)
        found.fill()
        yield found
