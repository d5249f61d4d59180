"""Who calls: every check that AWS makes of a signature, its key, its session and its clock."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import hmac
import time

import boto3

from emulators.server import accounts, answers, backing, clock, naming, sigv4, wire
from emulators.server.answers import Reason

# IAM and Organizations live in one region of each partition, in China not in the same one.
_GLOBAL = {
    "iam": {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"},
    "organizations": {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"},
}
_S3_UNSIGNED = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})


@dataclasses.dataclass(slots=True)
class Gate:
    """The rules that tests may change: how long AWS takes to learn of a new key, in seconds."""

    new_keys_unknown: float = 0.0

    def authenticate(self, request: wire.Request, call: naming.Call, now: float) -> accounts.Principal:
        """Returns the caller, or raises the Refusal that AWS would send."""
        claim = _claim(request, call.service)
        partition = _require_region(claim)
        key = self._require_key(claim, partition)
        _require_session(request, key, claim.service, now)
        clock.require(claim, now)
        _require_signature(request, claim, key)
        return key.owner

    def _require_key(self, claim: sigv4.Claim, partition: str) -> accounts.Key:
        key = accounts.find_key(claim.key_id)
        known = (
            key is not None
            and key.active
            and key.owner.partition == partition
            and (key.token is not None or time.time() - key.created >= self.new_keys_unknown)
        )
        if key is None or not known:
            raise answers.refuse(claim.service, Reason.UNKNOWN_KEY, AWSAccessKeyId=claim.key_id)
        return key


def _claim(request: wire.Request, service: str) -> sigv4.Claim:
    if "authorization" not in request.headers:
        raise answers.refuse(service, Reason.UNSIGNED)
    try:
        claim = sigv4.parse(request.headers)
    except sigv4.MalformedError:
        raise answers.refuse(service, Reason.MALFORMED) from None
    if claim.service not in naming.SERVICES:
        raise answers.Refusal(400, "UnknownOperationException", f"{claim.service} is not emulated")
    return claim


def _require_region(claim: sigv4.Claim) -> str:
    partition = regions().get(claim.region)
    expected = claim.region
    if partition is None:
        expected = "us-east-1"
    elif claim.service in _GLOBAL:
        expected = _GLOBAL[claim.service][partition]
    if partition is None or expected != claim.region:
        raise answers.refuse(
            claim.service, Reason.WRONG_REGION, region=claim.region, expected=expected, Region=expected
        )
    return partition


def _require_session(request: wire.Request, key: accounts.Key, service: str, now: float) -> None:
    token = request.headers.get("x-amz-security-token")
    if token is None and key.token is not None:
        raise answers.refuse(service, Reason.UNKNOWN_KEY)
    if token != key.token:
        raise answers.refuse(service, Reason.BAD_TOKEN)
    if key.expires is not None and now >= key.expires:
        raise answers.refuse(service, Reason.EXPIRED)


def _require_signature(request: wire.Request, claim: sigv4.Claim, key: accounts.Key) -> None:
    expected = sigv4.signature(
        claim,
        sigv4.signing_key(key.secret, claim.date, claim.region, claim.service),
        method=request.method,
        target=request.target,
        headers=request.headers,
        payload=_payload_hash(request, claim.service),
    )
    # Two judges that share no code: ours, and moto's with botocore's signer.
    if not hmac.compare_digest(expected, claim.signature) or not backing.signature_matches(
        request, service=claim.service, account=key.owner.account
    ):
        raise answers.refuse(claim.service, Reason.BAD_SIGNATURE, AWSAccessKeyId=claim.key_id)


def _payload_hash(request: wire.Request, service: str) -> str:
    actual = hashlib.sha256(request.body).hexdigest()
    if service != "s3":
        return actual
    stated = request.headers.get("x-amz-content-sha256", "")
    if stated == actual or (stated in _S3_UNSIGNED and request.secure):
        return stated
    if stated.startswith("STREAMING-AWS4-"):
        raise answers.Refusal(501, "NotImplemented", "signed chunks are not emulated")
    raise answers.Refusal(
        400,
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )


@functools.cache
def regions() -> dict[str, str]:
    """Returns every region that STS serves, with its partition."""
    session = boto3.session.Session()
    return {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("sts", partition)
        if region != "aws-global"
    }
