"""A small world: Credentials in different states, who needs them, and what uses their Secrets."""

import datetime
from typing import Any

Json = dict[str, Any]

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
GROUP = "credential-operator.io"
API_VERSION = f"{GROUP}/v1beta1"


def ago(**length: float) -> str:
    """Return a time before NOW, as Kubernetes writes it."""
    return (NOW - datetime.timedelta(**length)).isoformat().replace("+00:00", "Z")


def ahead(**length: float) -> str:
    """Return a time after NOW."""
    return (NOW + datetime.timedelta(**length)).isoformat().replace("+00:00", "Z")


def uid(number: int) -> str:
    """Return a uid."""
    return f"00000000-0000-4000-8000-{number:012d}"


def condition(kind: str, status: str, reason: str, message: str = "") -> Json:
    """Return a condition."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": ago(hours=3),
    }


def credential(name: str, number: int, spec: Json, *, namespace: str = "team-a", **status: Any) -> Json:
    """Return a Credential that has been looked at."""
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": uid(number),
        "generation": 1,
        "creationTimestamp": ago(days=40),
    }
    known = {"observedGeneration": 1, **status}
    return {
        "apiVersion": API_VERSION,
        "kind": "Credential",
        "metadata": metadata,
        "spec": spec,
        "status": known,
    }


def reference(name: str, to: Json, *, namespace: str = "team-a", bound: bool = True, **spec: Any) -> Json:
    """Return a CredentialReference that is bound, or was refused."""
    owner = to["metadata"]
    named = {"name": owner["name"], "namespace": owner["namespace"]}
    status: Json = {
        "conditions": [condition("Bound", "True", "Bound")],
        "credential": {**named, "uid": owner["uid"]},
    }
    if not bound:
        status = {"conditions": [condition("Bound", "False", "NotGranted")]}
    if "leaseDurationSeconds" in spec:
        status["expiresAt"] = ahead(minutes=45)
    return {
        "apiVersion": API_VERSION,
        "kind": "CredentialReference",
        "metadata": {"name": name, "namespace": namespace, "uid": uid(900)},
        "spec": {"credentialRef": named, **spec},
        "status": status,
    }


def deployment(name: str, secret: str, *, namespace: str = "team-a") -> Json:
    """Return a Deployment that reads a Secret by its environment."""
    container = {"name": "main", "image": "x", "envFrom": [{"secretRef": {"name": secret}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


BACKUPS = credential(
    "backups",
    1,
    {
        "description": "the nightly backups of team A",
        "owner": {"team": "storage", "contact": "#storage-oncall"},
        "s3": {
            "region": "eu-west-1",
            "bucket": "backups",
            "endpoint": "https://minio.example.com:9000",
            "storageClass": "STANDARD",
            "disableSSL": False,
            "forcePathStyle": True,
            "caBundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        },
        "secretRef": {"name": "backups-keys"},
        "targets": [{"name": "backups-env", "format": "env"}, {"name": "backups-velero", "format": "velero"}],
        "allowedNamespaces": {"names": ["team-b"], "selector": {"matchLabels": {"backups": "true"}}},
    },
    type="s3",
    identity={"principal": "arn:aws:iam::123456789012:user/backup", "account": "123456789012"},
    key={"id": "AKIAIOSFODNN7EXAMPLE", "createdAt": ago(days=90), "lastUsedTime": ago(hours=5)},
    lastValidatedTime=ago(minutes=12),
    nextValidationTime=ahead(minutes=48),
    source={"secretName": "backups-keys", "resourceVersion": "7", "changedAt": ago(days=3)},
    targets=[
        {"name": "backups-env", "format": "env", "uid": uid(11), "publishedAt": ago(days=3)},
    ],
    references={
        "count": 4,
        "declared": 2,
        "found": 2,
        "items": [
            {"kind": "CredentialReference", "namespace": "team-a", "name": "nightly"},
            {"kind": "CredentialReference", "namespace": "team-b", "name": "costs"},
            {"kind": "BackupStorageLocation", "namespace": "team-a", "name": "default"},
            {"kind": "Deployment", "namespace": "team-a", "name": "api"},
        ],
    },
    rotation={
        "publishedAt": ago(days=3),
        "previousKeyID": "AKIAI44QH8DHBEXAMPLE",
        "drained": False,
        "stale": [{"kind": "Deployment", "namespace": "team-a", "name": "api"}],
        "staleCount": 1,
    },
    permissions={"missing": ["s3:PutObject"]},
    conditions=[
        condition("Ready", "True", "HeldBack", "The last good key stays published."),
        condition(
            "Validated", "False", "Rejected", "minio.example.com:9000 refused key AKIAX: write a good one."
        ),
        condition("Synced", "False", "HeldBack", "The new key is not published."),
        condition("Stalled", "True", "HeldBack", "The new key is not published."),
    ],
)
ARCHIVE = credential(
    "archive",
    2,
    {"s3": {"region": "us-east-1", "bucket": "archive"}, "secretRef": {"name": "archive-keys"}},
    type="s3",
    key={"id": "AKIAARCHIVEEXAMPLE00"},
    lastValidatedTime=ago(seconds=30),
    conditions=[condition("Ready", "True", "Available", "The key works.")],
)
PRINCIPAL = credential(
    "my-azure-credential",
    3,
    {
        "azure": {
            "tenantID": "96fabb56-8782-4f37-b6f2-ae41118a6b43",
            "clientID": "f752ce48-618a-44f8-b5ef-47b5ab9b25b2",
            "subscriptionID": "d7759627-d2df-4caa-8f02-6fa88b694b4f",
            "resource": "management",
        },
        "secretRef": {"name": "my-azure-credential-keys"},
        "discoverReach": True,
    },
    namespace="team-b",
    type="azure",
    identity={"principal": "f752ce48-618a-44f8-b5ef-47b5ab9b25b2"},
    expiresAt=ahead(days=9, hours=3),
    reach={"count": 12, "items": [{"id": "d7759627", "name": "production"}], "discoveredAt": ago(hours=1)},
    conditions=[
        condition("Ready", "True", "Available", "The key works."),
        condition("Validated", "True", "Accepted"),
        condition("Synced", "True", "NothingToPublish"),
        condition("Expiring", "True", "ExpiresSoon", "The key ends soon: make a new client secret."),
    ],
)
NEW = credential(
    "new", 4, {"jwt": {"algorithm": "RS256"}, "secretRef": {"name": "new-keys"}}, observedGeneration=-1
)

CREDENTIALS = [BACKUPS, ARCHIVE, PRINCIPAL, NEW]
REFERENCES = [
    reference("nightly", BACKUPS, description="the nightly backup", leaseDurationSeconds=3600),
    reference("costs", BACKUPS, namespace="team-b", target={"name": "costs-env", "format": "env"}),
    reference("stranger", BACKUPS, namespace="team-c", bound=False),
]
WORKLOADS = [
    deployment("api", "backups-env"),
    deployment("loader", "backups-keys"),
    deployment("report", "costs-env", namespace="team-b"),
]
EVENTS = [
    {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"backups.{number}", "namespace": "team-a"},
        "involvedObject": {"uid": uid(1)},
        "type": kind,
        "reason": reason,
        "message": message,
        "lastTimestamp": ago(hours=number),
    }
    for number, (kind, reason, message) in enumerate(
        [
            ("Warning", "Rejected", "The new key is not accepted."),
            ("Normal", "Published", "The key is published."),
        ]
    )
]
