"""Access keys for buckets."""

from collections.abc import Mapping

from emulators.aws import AwsEmulator, allow, trust
from verdicts.script import Case, Says, Script
from verdicts.scripts import _sessions
from verdicts.situations import refused

EXTERNAL_ID = "agreed-with-the-owner"


def _prepare(aws: AwsEmulator) -> Mapping[str, Case]:
    aws.create_bucket("backups")
    user = aws.create_user("backup", policies=[allow("s3:ListBucket", "sts:AssumeRole")])
    stranger = aws.create_user("stranger")
    role = aws.create_role("backup", trust=trust(user, external_id=EXTERNAL_ID))
    config = {"endpoint": aws.url, "bucket": "backups"}
    good = _sessions.key(aws, user)
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, _sessions.wrong(good)),
        "unknown id": Case(config, _sessions.unknown(good)),
        "expired": Case(config, _sessions.ended(aws, good, role, external_id=EXTERNAL_ID)),
        "disabled": Case(config, _sessions.disabled(aws, user)),
        "no permission": Case(config, _sessions.key(aws, stranger)),
        "misconfigured": Case({**config, "bucket": "nowhere"}, good),
    }


SCRIPTS = (
    Script(
        type="s3",
        emulator=AwsEmulator,
        prepare=_prepare,
        exceptions={"disabled": Says(refused("Rejected"), _sessions.DISABLED)},
    ),
)
