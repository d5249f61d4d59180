"""What a caller may do: identity policies for every action, and the owner of every bucket."""

from __future__ import annotations

from emulators.server import accounts, answers, naming, policy
from emulators.server.answers import Reason

# AWS names some permissions otherwise than the operation they allow.
_S3_ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
}
_GLOBAL_BUCKET_REGION = "us-east-1"


def require_allowed(caller: accounts.Principal, call: naming.Call, region: str) -> None:
    """Raises a Refusal unless the caller's identity policies allow the call."""
    if call.action == "GetCallerIdentity":
        # Needs no permission, and no Deny can take it away.
        return
    if call.service == "s3":
        _require_bucket(caller, call, region)
    require(caller, f"{call.service}:{_permission(call)}", _resource(caller, call), call.service)


def require(caller: accounts.Principal, action: str, resource: str, service: str) -> None:
    """Raises AccessDenied unless the caller's identity policies allow the action on the resource."""
    question = policy.Question(action, resource, context_of(caller))
    if policy.decide(caller.documents, question) is not policy.Decision.ALLOWED:
        raise denied(caller, action, resource, service)


def denied(caller: accounts.Principal, action: str, resource: str, service: str) -> answers.Refusal:
    """Words the refusal of an action."""
    return answers.refuse(service, Reason.DENIED, caller=caller.arn, action=action, resource=resource)


def context_of(caller: accounts.Principal) -> dict[str, str]:
    """Returns the condition keys that every request has."""
    return {
        "aws:PrincipalArn": caller.role_arn or caller.arn,
        "aws:PrincipalAccount": caller.account,
        "aws:SourceIp": "127.0.0.1",
    }


def _require_bucket(caller: accounts.Principal, call: naming.Call, region: str) -> None:
    """Checks a bucket as S3 does: that it is, where it is, whose it is."""
    if call.bucket is None or call.action == "CreateBucket":
        return
    home = accounts.bucket_home(call.bucket)
    if home is None:
        raise answers.Refusal(
            404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": call.bucket}
        )
    account, actual = home
    if actual != region:
        raise _elsewhere(call.bucket, region, actual)
    # Bucket policies are not emulated, so nobody else was ever let in.
    if account != caller.account:
        raise answers.refuse("s3", Reason.DENIED)


def _elsewhere(bucket: str, signed: str, actual: str) -> answers.Refusal:
    """Tells the region as S3's endpoints do: the global one signs for us-east-1, regional ones redirect."""
    headers = {"x-amz-bucket-region": actual}
    if signed == _GLOBAL_BUCKET_REGION:
        refusal = answers.refuse("s3", Reason.WRONG_REGION, region=signed, expected=actual, Region=actual)
        return answers.Refusal(refusal.status, refusal.code, refusal.message, refusal.fields, headers)
    message = (
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint."
    )
    fields = {"Bucket": bucket, "Endpoint": f"{bucket}.s3.{actual}.amazonaws.com"}
    return answers.Refusal(301, "PermanentRedirect", message, fields, headers)


def _permission(call: naming.Call) -> str:
    return _S3_ACTIONS.get(call.action, call.action) if call.service == "s3" else call.action


def _resource(caller: accounts.Principal, call: naming.Call) -> str:
    if call.service == "s3":
        path = "/".join(part for part in (call.bucket or "*", call.key) if part)
        return f"arn:{caller.partition}:s3:::{path}"
    if call.service == "iam":
        return _iam_resource(caller, call)
    return "*"


def _iam_resource(caller: accounts.Principal, call: naming.Call) -> str:
    home = f"arn:{caller.partition}:iam::{caller.account}"
    if "PolicySourceArn" in call.form:
        return call.form["PolicySourceArn"]
    if "RoleName" in call.form:
        return f"{home}:role/{call.form['RoleName']}"
    if "UserName" in call.form:
        named = accounts.user(caller.account, caller.partition, call.form["UserName"])
        return named.arn if named else f"{home}:user/{call.form['UserName']}"
    # The actions on one's own keys name no user.
    return caller.arn if "AccessKey" in call.action else "*"
