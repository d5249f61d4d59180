"""Documents kept small: what nearly every Credential says is said once, for all of them.

Each document is compressed against `USUAL` (a preset dictionary, RFC 1950 2.2), so that little more than its
names, times and versions is kept: half of what compressing it alone leaves, in a tenth of the time.
"""

import zlib
from typing import Any

import orjson

Json = dict[str, Any]

LEVEL, WINDOW, MEMORY = 1, -13, 6
"""zlib's effort, its window (8 KiB, without header or checksum) and its working memory: the least that serve;
the usual ones spend most of their time on making room."""

_CONDITION = {"status": "True", "observedGeneration": 1, "lastTransitionTime": "20"}
USUAL = orjson.dumps(
    {
        "metadata": {
            "namespace": "",
            "name": "",
            "uid": "",
            "resourceVersion": "",
            "generation": 1,
            "finalizers": ["credential-operator.io/in-use-protection"],
            "creationTimestamp": "20",
            "annotations": {},
        },
        "spec": {
            "displayName": "",
            "description": "",
            "owner": {"team": "", "contact": ""},
            "secretRef": {"name": "", "keys": {}},
            "targets": [{"format": "fields", "keys": {}, "name": ""}, {"format": "env", "name": ""}],
            "whenReferenced": "Refuse",
            "targetDeletionPolicy": "Delete",
            "suspend": False,
            "expiry": {"warnBefore": "336h"},
            "validation": {"interval": "1h", "policy": "WhenCheckable", "timeout": "10s"},
        },
        "status": {
            "conditions": [
                {**_CONDITION, "type": "Stalled", "reason": "Rejected", "message": " refused "},
                {**_CONDITION, "type": "Ready", "reason": "AvailableUnchecked", "message": ""},
                {**_CONDITION, "type": "Ready", "reason": "Available", "message": "The provider accepted "},
                {**_CONDITION, "type": "Synced", "reason": "Published", "message": "Published to "},
                {**_CONDITION, "type": "Validated", "reason": "Accepted", "message": " the key of "},
            ],
            "identity": {"principal": "arn:aws:iam::", "account": ""},
            "key": {"id": ""},
            "externalID": "",
            "expiresAt": "20",
            "lastValidatedTime": "20",
            "nextValidationTime": "20",
            "observedGeneration": 1,
            "references": {
                "count": 0,
                "declared": 0,
                "items": [{"kind": "CredentialReference", "name": "", "namespace": ""}],
            },
            "source": {"changedAt": "20", "resourceVersion": "", "secretName": ""},
            "targets": [{"format": "env", "name": "", "publishedAt": "20", "resourceVersion": "", "uid": ""}],
            "type": "",
        },
    }
)
"""What documents have in common; another text only makes them larger or smaller."""


def pack(document: Json) -> bytes:
    """Packs a JSON document."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, USUAL)
    return packer.compress(orjson.dumps(document)) + packer.flush()


def unpack(packed: bytes) -> Json:
    """Gives a packed document anew; the caller may change it."""
    unpacker = zlib.decompressobj(WINDOW, USUAL)
    document: Json = orjson.loads(unpacker.decompress(packed))
    return document
