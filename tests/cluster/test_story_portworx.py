"""The way of Portworx's page on cloud credentials: create for a bucket, list, validate, delete, delete-refs."""

from cluster.desk import WRONG, Desk
from cluster.space import GROUP
from emulators.aws import allow

USER = "alice"


def test_a_user_of_pxctl_finds_the_same_way_here(desk: Desk) -> None:
    space, aws = desk.space, desk.space.aws
    bucket = f"{space.name}-snaps"[:63]
    aws.create_bucket(bucket)
    aws.set_policies(space.arn, [allow("s3:*")])
    key = space.new_key()

    # pxctl credentials create --provider s3 --s3-region … --s3-endpoint … --bucket … NAME
    where = ("--region", "us-east-1", "--endpoint", aws.url, "--bucket", bucket, "--force-path-style")
    creating = desk.typed("create", "s3", "snaps", *where, "--storage-class", "STANDARD", "--wait", user=USER)
    for field, value in {"accessKeyID": key[0], "secretAccessKey": key[1], "sessionToken": ""}.items():
        creating.expect_hidden(field)
        creating.type(f"{value}\n")
    creating.expect("encryptionKey")
    creating.type("\n")
    assert creating.end() == 0, creating.seen
    assert "snaps is valid" in creating.seen

    # pxctl credentials list: uuid, region, endpoint, access key
    uid = space.get("credential", "snaps")["metadata"]["uid"]
    listed = desk.shown("list", "-o", "wide", user=USER)
    assert all(word in listed for word in (uid, "us-east-1", aws.url, key[0], bucket))
    # pxctl credentials validate <uuid or name>
    for name in ("snaps", uid):
        assert "snaps is valid" in desk.shown("validate", name, user=USER)
    aws.delete_key(key[0])
    assert "snaps is not valid" in desk.fails(3, "validate", uid, user=USER)
    again = space.new_key()
    rotated = desk.typed("rotate", "snaps", user=USER)
    for field, value in {"accessKeyID": again[0], "secretAccessKey": again[1], "sessionToken": ""}.items():
        rotated.expect_hidden(field)
        rotated.type(f"{value}\n")
    rotated.expect("encryptionKey")
    rotated.type("\n")
    assert rotated.end() == 0, rotated.seen

    # Deletions of cloudsnaps are pending: pxctl credentials delete, pxctl credentials delete-refs
    space.apply(space.reference("cloudsnap-delete", "snaps"))
    space.until(lambda: desk.json("refs", "snaps")["count"] == 1, "it is needed")
    assert "kubectl credential delete-refs snaps" in desk.fails(4, "delete", uid, user=USER)
    for answer, left in ((None, 1), ("n\n", 1), ("y\n", 0)):
        asked = desk.typed("delete-refs", uid, user=USER)
        asked.expect(r"Delete 1 reference to snaps\?")
        if answer is None:
            asked.interrupt()
        else:
            asked.type(answer)
        asked.end()
        assert len(space.all("credentialreferences")) == left, asked.seen
    space.until(lambda: desk.json("refs", "snaps")["count"] == 0, "nobody needs it")
    assert desk.shown("delete", uid, "-o", "name", user=USER) == f"credential.{GROUP}/snaps\n"

    seen = creating.seen + rotated.seen + listed
    assert not any(secret in seen for secret in (key[1], again[1], WRONG))
