"""The rules of layouts of targets: which type can have them, and what they are to be told besides."""

from typing import Any

from cluster.cases.azure import azure
from cluster.cases.azure_storage import storage
from cluster.cases.case import Case
from cluster.cases.google import keyed
from cluster.cases.oracle import signing
from cluster.cases.registry import user
from cluster.crds import Json, spec, target

NONE = "no options"
BUCKET = spec(without="aws", s3={"bucket": "backups"})
KEYS = {"keys": {"user": "accessKeyID"}}


def laid_out(whole: Json, layout: str, **more: Any) -> Json:
    """Return a spec with one target of a layout."""
    return {**whole, "targets": [{"name": "a", "format": layout, **more}]}


TAKES: dict[str, tuple[str, Json, Json]] = {
    "aws-credentials-file": ("the options profile", spec(), {}),
    "azure-sdk-auth": (NONE, azure(), {}),
    "basic-auth": (NONE, user(), {}),
    "cert-manager": (NONE, spec(), {}),
    "cloudnative-pg": (NONE, storage(), {}),
    "cluster-api": (NONE, signing(), {}),
    "crossplane": (NONE, spec(), {}),
    "docker-registry": (NONE, user(), {}),
    "env": (NONE, spec(), {}),
    "env-file": ("the options key", spec(), KEYS),
    "external-dns": ("the options resourceGroup", azure(), {}),
    "external-secrets": (NONE, keyed(), {}),
    "fields": (NONE, spec(), KEYS),
    "google-key-file": (NONE, keyed(), {}),
    "ini": ("the options key, section", spec(), KEYS),
    "json": ("the options key", spec(), KEYS),
    "loki": ("the options bucket", BUCKET, {}),
    "longhorn": (NONE, BUCKET, {}),
    "oci-config": ("the options directory, section", signing(), {}),
    "pgbackrest": ("the options repo", BUCKET, {}),
    "pharmer": (NONE, spec(), {}),
    "portworx": ("the options resourceGroup", storage(), {}),
    "rclone": ("the options remote", BUCKET, {}),
    "restic": ("the options bucket, prefix", BUCKET, {}),
    "terraform": (NONE, spec(), {}),
    "thanos": ("the options bucket, prefix", keyed(), {}),
    "velero": ("the options profile", spec(), {}),
}
"""What each layout takes, a type that can have it, and what its targets need besides."""


def foreign(takes: str) -> dict[str, str]:
    """Return an option that a layout does not take."""
    return {"profile": "a"} if "profile" not in takes else {"resourceGroup": "a"}


CASES = {
    **{
        f"format {layout} takes its own options": Case(
            "spec.targets[0].options",
            f"format {layout} takes {takes}: remove the others",
            good=laid_out(whole, layout, options={}, **more),
            bad=laid_out(whole, layout, options=foreign(takes), **more),
        )
        for layout, (takes, whole, more) in TAKES.items()
    },
    "aws: a target has a format that can hold it": Case(
        "spec.targets",
        "must have formats that can serve aws: aws-credentials-file, cert-manager, ",
        good=target(format="velero"),
        bad=target(format="docker-registry"),
    ),
    "s3: a target has a format that can hold it": Case(
        "spec.targets",
        "must have formats that can serve s3: aws-credentials-file, cloudnative-pg, ",
        good=laid_out(BUCKET, "restic"),
        bad=laid_out(BUCKET, "cert-manager"),
    ),
    "a profile has a name that tools can read": Case(
        "spec.targets[0].options.profile",
        "must be a profile's name: letters, digits, '.', '_' and '-'",
        good=target(format="velero", options={"profile": "a-1"}),
        bad=target(format="velero", options={"profile": "a]b"}),
    ),
    "a section has a name that tools can read": Case(
        "spec.targets[0].options.section",
        "must be a section's name: letters, digits, '.', '_' and '-'",
        good=laid_out(signing(), "oci-config", options={"section": "backups"}),
        bad=laid_out(signing(), "oci-config", options={"section": "[a]"}),
    ),
    "a folder has a path that can stand in a line": Case(
        "spec.targets[0].options.directory",
        "must be a path from / or ~ without white space, such as ~/.oci",
        good=laid_out(signing(), "oci-config", options={"directory": "/etc/oci"}),
        bad=laid_out(signing(), "oci-config", options={"directory": "/etc/my oci"}),
    ),
    "a document is under a key that a Secret can have": Case(
        "spec.targets[0].options.key",
        "must be a key of a Secret: letters, digits, '-', '_' and '.', such as access-key",
        good=target(format="json", options={"key": "app.json"}, **KEYS),
        bad=target(format="json", options={"key": "app/json"}, **KEYS),
    ),
    "a bucket has a name that a bucket can have": Case(
        "spec.targets[0].options.bucket",
        "must be the name of a bucket, or of a container of a storage account",
        good=laid_out(keyed(), "thanos", options={"bucket": "my.metrics"}),
        bad=laid_out(keyed(), "thanos", options={"bucket": "my metrics"}),
    ),
    "a prefix is a path": Case(
        "spec.targets[0].options.prefix",
        "must be a path in the bucket without / at its ends, such as a/b",
        good=laid_out(BUCKET, "restic", options={"prefix": "team-a/db"}),
        bad=laid_out(BUCKET, "restic", options={"prefix": "/team-a"}),
    ),
    "a remote has a name that rclone can read": Case(
        "spec.targets[0].options.remote",
        "must be a remote's name: letters, digits, '.', '_' and '-'",
        good=laid_out(BUCKET, "rclone", options={"remote": "off-site"}),
        bad=laid_out(BUCKET, "rclone", options={"remote": "a:b"}),
    ),
    "a resource group has a name that Azure gives": Case(
        "spec.targets[0].options.resourceGroup",
        "must be a resource group: letters, digits, '.', '_', '-', '(' and ')'",
        good=laid_out(azure(), "external-dns", options={"resourceGroup": "dns_(eu).1"}),
        bad=laid_out(azure(), "external-dns", options={"resourceGroup": "my group"}),
    ),
}
