"""Sessions of AWS that are over."""

from emulators import clients
from emulators.aws import AwsEmulator, User

Keys = dict[str, str]


def key(aws: AwsEmulator, user: User) -> Keys:
    """Makes an access key, as a source Secret holds it."""
    key_id, secret = aws.create_key(user)
    return {"accessKeyID": key_id, "secretAccessKey": secret}


def ended(aws: AwsEmulator, base: Keys, role: str, *, external_id: str) -> Keys:
    """Opens a session of a role and ends it."""
    client = clients.client("sts", aws, (base["accessKeyID"], base["secretAccessKey"]))
    made = client.assume_role(RoleArn=role, RoleSessionName="verdicts", ExternalId=external_id)["Credentials"]
    client.close()
    aws.expire_session(made["AccessKeyId"])
    return {
        "accessKeyID": made["AccessKeyId"],
        "secretAccessKey": made["SecretAccessKey"],
        "sessionToken": made["SessionToken"],
    }


def wrong(base: Keys) -> Keys:
    """Gives a key whose secret is not its own."""
    return {**base, "secretAccessKey": "wrong" * 8}


def unknown(base: Keys) -> Keys:
    """Gives a key that was never made."""
    return {**base, "accessKeyID": "AKIAQ3EGUNKNOWNKEY23"}


def disabled(aws: AwsEmulator, user: User) -> Keys:
    """Makes a key and switches it off."""
    made = key(aws, user)
    aws.set_key_status(made["accessKeyID"], "Inactive")
    return made


DISABLED = "AWS answers for a key that is switched off as for one that it does not know."
