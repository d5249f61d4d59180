"""Many Credentials, as clusters have them: types, teams, verdicts and ends, the same for each seed."""

import random
from collections.abc import Iterator
from typing import Any

from cli import world
from credential_operator.api import reports
from credential_operator.cli import audit
from credential_operator.cli.description import Facts
from credential_operator.cli.documents import Credential, User

Json = dict[str, Any]

TEAMS = ("storage", "payments", "search", "platform", "data", "mobile")
KINDS = ("Deployment", "StatefulSet", "CronJob", "DaemonSet")
SPECS: dict[str, Json] = {
    "aws": {"region": "eu-west-1"},
    "s3": {"region": "eu-west-1", "bucket": "backups", "endpoint": "https://minio.example.com:9000"},
    "azure": {"tenantID": "8d3e1c9a-0000-4000-8000-000000000000"},
    "google": {"projectID": "example-project"},
    "registry": {"host": "ghcr.io"},
    "oauth2": {"tokenURL": "https://id.example.com/token"},
}
STATES = (
    *[("True", "Accepted", "")] * 14,
    (
        "False",
        "Rejected",
        "minio.example.com:9000 refused the key (SignatureDoesNotMatch): write a good one.",
    ),
    ("False", "SourceNotFound", "Secret keys is not there: make it."),
    ("Unknown", "ProviderUnreachable", "minio.example.com:9000 does not answer."),
    ("Unknown", "NotCheckable", "Nobody can be asked."),
)


def report(number: int, *, seed: int = 7, name: str = "eu-1") -> reports.Report:
    """Return the report of a cluster with so many Credentials."""
    chance = random.Random(seed)
    return audit.report(
        (_facts(index, chance) for index in range(number)),
        world.NOW,
        cluster=reports.Cluster(name=name, uid=world.uid(seed)),
        scope=reports.Scope(seen_as="vera"),
    )


def _facts(index: int, chance: random.Random) -> Facts:
    kind, team = chance.choice([*SPECS]), chance.choice(TEAMS)
    status, reason, message = chance.choice(STATES)
    namespace, name = f"team-{team}", f"{kind}-{chance.choice(('backups', 'reports', 'builds'))}-{index}"
    spec = {
        kind: SPECS[kind],
        "owner": {"team": team, "contact": f"#{team}"},
        "secretRef": {"name": f"{name}-keys"},
        "targets": [{"name": f"{name}-env", "format": "env"}],
    }
    users = [User(*user) for user in _users(name, namespace, chance)]
    return Facts(
        credential=Credential(
            world.credential(
                name,
                index,
                spec,
                namespace=namespace,
                type=kind,
                key={"id": f"AKIA{chance.randrange(16**12):012X}"},
                identity={"principal": f"arn:aws:iam::123456789012:user/{team}"},
                lastValidatedTime=world.ago(minutes=chance.choice([12, 40, 55, 300])),
                **({"expiresAt": world.ahead(days=chance.triangular(-10, 500, 60))} if index % 3 else {}),
                references={"count": len(users)},
                conditions=[
                    world.condition("Ready", "True" if status != "False" else "False", "Available"),
                    world.condition("Validated", status, reason, message),
                ],
            )
        ),
        consumers={(namespace, f"{name}-env"): users},
    )


def _users(name: str, namespace: str, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    for number in range(chance.choice([0, 1, 1, 2, 3, 6])):
        place = namespace if number else f"team-{chance.choice(TEAMS)}"
        yield chance.choice(KINDS), place, f"{name}-{number}"
