"""Buckets of S3: how they stand in URLs, and in the resources of permissions."""

import re

from credential_operator.providers import policy as policies

VIRTUAL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Buckets that can stand in a host name under one certificate."""
OF_OTHERS = re.compile(
    r"^List(AllMyBuckets|AccessPoints|Jobs)|AccessPoint|^Account|AccountPublicAccessBlock|Job|StorageLens"
)
"""Actions that are about neither a bucket nor its objects."""
OF_OBJECTS = re.compile(
    r"^(Get|Put|Delete|Restore|Replicate|Update)Object|^AbortMultipartUpload$|^ListMultipartUploadParts$"
    r"|^Replicate|^BypassGovernanceRetention$|^InitiateReplication$|^ObjectOwnerOverrideToBucketOwner$"
)
"""Actions that are about objects of a bucket."""


def in_path(bucket: str, host: str, *, forced: bool) -> bool:
    """Tells whether a bucket stands in the path of URLs, and not in their host name."""
    nameless = policies.literal(host) is not None or "." not in host
    return forced or nameless or not VIRTUAL.fullmatch(bucket)


def resource(bucket: str | None, permission: str, *, partition: str) -> str:
    """Says what a permission is about: the objects, the bucket, or for what is about neither, anything."""
    service, _, action = permission.partition(":")
    named = f"arn:{partition}:s3:::{bucket or '*'}"
    if service != "s3" or OF_OTHERS.search(action):
        return "*"
    return f"{named}/*" if OF_OBJECTS.search(action) else named
