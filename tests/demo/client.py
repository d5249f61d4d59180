"""Lists a bucket as any client of AWS does, with nothing but what a Secret says.

kubectl get secret NAME -o json | python client.py BUCKET

The first process reads the Secret and replaces itself by a second one whose environment is the Secret, and
the certificate authority of the demo's servers (AWS_CA_BUNDLE).
"""

import base64
import json
import os
import sys

AUTHORITY = "AWS_CA_BUNDLE"
NOTHING_ELSE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Keeps out this machine's own keys."""


def become_client(bucket: str) -> None:
    """Replaces this process by one that has the Secret for its environment; does not return."""
    secret = json.load(sys.stdin)
    variables = {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
    authority = {AUTHORITY: os.environ[AUTHORITY]} if AUTHORITY in os.environ else {}
    os.execve(  # noqa: S606  the same program, with another environment
        sys.executable,
        [sys.executable, __file__, "--from-environment", bucket],
        {**NOTHING_ELSE, **authority, **variables},
    )


def list_bucket(bucket: str) -> None:
    """Prints the objects of a bucket."""
    import boto3  # noqa: PLC0415  the first process needs none

    client = boto3.client("s3")
    key = os.environ["AWS_ACCESS_KEY_ID"]
    sys.stdout.write(f"{client.meta.endpoint_url} lists s3://{bucket} for {key}:\n")
    for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        sys.stdout.write(f"{found['Size']:8} bytes  {found['Key']}\n")


if __name__ == "__main__":
    if sys.argv[1] == "--from-environment":
        list_bucket(sys.argv[2])
    else:
        become_client(sys.argv[1])
