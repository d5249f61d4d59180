"""When each alert of the chart fires, and when it does not: series as the operator tells them, scraped every minute."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

DAY = 24 * 60
PODS = ("credential-operator-a", "credential-operator-b")
OWNER = 'credential_operator_credential_owner_info{namespace="team-a",name="backups",team="storage",contact="#storage"}'
NAMED = {"namespace": "team-a", "name": "backups"}
OWNED = {"team": "storage", "contact": "#storage"}
SHARD = 'credential_operator_leader{{shard="{}"}}'
LEADER, LAG = "credential_operator_leader", "credential_operator_queue_lag_seconds"
DOWN = 'credential_operator_provider_down_credentials{host="sts.example.com"}'
EXPIRY = 'credential_operator_credential_expiry_timestamp_seconds{namespace="team-a",name="backups"}'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is scraped every minute (series -> promtool's values), and what the alert says some minutes later.

    `labels`: those of the alert beside its severity; None: it does not fire.
    """

    alert: str
    when: str
    series: Mapping[str, str]
    minutes: int
    labels: Mapping[str, str] | None = None
    severity: str = "warning"
    summary: str = ""


def abnormal(condition: str, status: str, reason: str) -> str:
    """Return the series of a condition that is not as it should be."""
    return (
        'credential_operator_credential_abnormal_timestamp_seconds{namespace="team-a",name="backups",'
        f'type="aws",condition="{condition}",status="{status}",reason="{reason}"}}'
    )


def lasting(alert: str, told: tuple[str, str, str], *, minutes: int, summary: str) -> Iterator[Case]:
    """Yield the cases of an alert about a condition that lasts, since the beginning of time."""
    condition, status, reason = told
    series = {abnormal(*told): f"0x{minutes + 5}"}
    labels = {**NAMED, "type": "aws", "condition": condition, "status": status, "reason": reason}
    yield Case(
        alert=alert,
        when="it lasts",
        series={**series, OWNER: f"1x{minutes + 5}"},
        minutes=minutes + 1,
        labels={**labels, **OWNED},
        summary=summary,
    )
    yield Case(
        alert=alert,
        when="it lasts, and nobody is named",
        series=series,
        minutes=minutes + 1,
        labels=labels,
        summary=summary,
    )
    yield Case(alert=alert, when="it has just begun", series=series, minutes=minutes)
    other = abnormal("Warning", "True", "PermissionsUnknown")
    yield Case(
        alert=alert, when="it is another condition", series={other: f"0x{minutes + 5}"}, minutes=minutes + 1
    )


def of(series: str, *values: str) -> dict[str, str]:
    """Return a series of each Pod."""
    name, _, labels = series.rstrip("}").partition("{")
    more = f",{labels}" if labels else ""
    return {
        f'{name}{{job="operator",pod="{pod}",instance="{pod}:8080"{more}}}': value
        for pod, value in zip(PODS, values, strict=False)
    }


def expiry(days: float) -> dict[str, str]:
    """Return the series of a key that ends so many days after the minute at which it is looked at."""
    return {EXPIRY: f"{int(days * DAY + 10) * 60}x20", OWNER: "1x20"}


SAID = "Credential team-a/backups"
NO_LEADER, NOT_RECONCILING = "CredentialOperatorNoLeader", "CredentialOperatorNotReconciling"
EXPIRING = "CredentialExpiring"
CASES = [
    Case(
        alert=NO_LEADER,
        when="every replica waits",
        series=of(LEADER, "0x20", "0x20"),
        minutes=6,
        labels={"job": "operator"},
        severity="critical",
        summary="No replica of the credential operator works.",
    ),
    Case(
        alert=NO_LEADER,
        when="there is none",
        series={},
        minutes=6,
        labels={},
        severity="critical",
        summary="No replica of the credential operator works.",
    ),
    Case(alert=NO_LEADER, when="one of them works", series=of(LEADER, "0x20", "1x20"), minutes=6),
    Case(
        alert=NO_LEADER,
        when="another one takes over",
        series=of(LEADER, "1 1 0 0 0 0 0 0 0 0 0", "0 0 0 1 1 1 1 1 1 1 1"),
        minutes=10,
    ),
    Case(
        alert=NO_LEADER,
        when="nobody has one of the shards",
        series={**of(SHARD.format(0), "1x20", "0x20"), **of(SHARD.format(1), "0x20", "0x20")},
        minutes=6,
        labels={"job": "operator", "shard": "1"},
        severity="critical",
        summary="No replica of the credential operator works on shard 1.",
    ),
    Case(
        alert=NO_LEADER,
        when="each shard has somebody",
        series={**of(SHARD.format(0), "1x20", "0x20"), **of(SHARD.format(1), "0x20", "1x20")},
        minutes=6,
    ),
    Case(
        alert=NO_LEADER,
        when="there are other shards than before",
        series={
            **of(LEADER, "1x10 _x20"),
            **{series: "_x11 1x20" for one in range(2) for series in of(SHARD.format(one), "")},
        },
        minutes=20,
    ),
    Case(
        alert=NOT_RECONCILING,
        when="objects wait for minutes",
        series={**of(LEADER, "1x20"), **of(LAG, "0+60x20")},
        minutes=6,
        labels={"job": "operator"},
        severity="critical",
        summary="A credential operator leads and does not reconcile.",
    ),
    Case(
        alert=NOT_RECONCILING,
        when="it cannot begin",
        series=of(LEADER, "1x20", "0x20"),
        minutes=6,
        labels={"job": "operator"},
        severity="critical",
        summary="A credential operator leads and does not reconcile.",
    ),
    Case(
        alert=NOT_RECONCILING,
        when="one of the shards cannot be begun with",
        series={
            **of(SHARD.format(0), "1x20", "0x20"),
            **of(SHARD.format(1), "0x20", "1x20"),
            **of(LAG, "0x20"),
        },
        minutes=6,
        labels={"job": "operator"},
        severity="critical",
        summary="A credential operator leads and does not reconcile.",
    ),
    Case(
        alert=NOT_RECONCILING,
        when="objects wait a while for slow providers",
        series={**of(LEADER, "1x20", "0x20"), **of(LAG, "0 60 110 0 0 110 0 0 0 0")},
        minutes=6,
    ),
    Case(
        alert="CredentialProviderDown",
        when="it does not answer",
        series={DOWN: "7x20"},
        minutes=11,
        labels={"host": "sts.example.com"},
        summary="sts.example.com does not answer: 7 Credentials wait for it.",
    ),
    Case(alert="CredentialProviderDown", when="it answers again", series={DOWN: "7x8 _x10"}, minutes=14),
    *lasting(
        "CredentialNotReady",
        ("Ready", "False", "Rejected"),
        minutes=15,
        summary=f"{SAID} is not ready for 16m 0s: Rejected.",
    ),
    *lasting(
        "CredentialHeldBack",
        ("Synced", "False", "HeldBack"),
        minutes=15,
        summary=f"The key of {SAID} is held back for 16m 0s.",
    ),
    *lasting(
        "CredentialValidationStale",
        ("Validated", "Unknown", "ProviderUnreachable"),
        minutes=15,
        summary=f"Whether the key of {SAID} works is not known for 16m 0s: ProviderUnreachable.",
    ),
    *lasting(
        "CredentialRenewalFailing",
        ("RenewalFailing", "True", "RateLimited"),
        minutes=15,
        summary=f"A key of {SAID} is due for renewal for 16m 0s: RateLimited.",
    ),
    *lasting(
        "CredentialDeletionBlocked",
        ("DeletionBlocked", "True", "InUse"),
        minutes=DAY,
        summary=f"The deletion of {SAID} waits for 1d 0h 1m 0s.",
    ),
    Case(
        alert=EXPIRING,
        when="in 13 days",
        series=expiry(13),
        minutes=10,
        labels={**NAMED, **OWNED},
        summary=f"The key of {SAID} ends in 13d 0h 0m 0s.",
    ),
    Case(
        alert=EXPIRING,
        when="in 2 days",
        series=expiry(2),
        minutes=10,
        labels={**NAMED, **OWNED},
        severity="critical",
        summary=f"The key of {SAID} ends in 2d 0h 0m 0s.",
    ),
    Case(
        alert=EXPIRING,
        when="a minute ago",
        series=expiry(-1 / DAY),
        minutes=10,
        labels={**NAMED, **OWNED},
        severity="critical",
        summary=f"The key of {SAID} has ended.",
    ),
    Case(alert=EXPIRING, when="in 15 days", series=expiry(15), minutes=10),
]
