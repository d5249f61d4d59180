"""Access keys of AWS, alone and with a role that is assumed with them."""

import functools
from collections.abc import Mapping

from emulators.aws import AwsEmulator, allow, trust
from verdicts.script import Cannot, Case, Json, Says, Script
from verdicts.scripts import _sessions
from verdicts.situations import refused

EXTERNAL_ID = "agreed-with-the-owner"
DISABLED = Says(refused("Rejected"), _sessions.DISABLED)


def _prepare(aws: AwsEmulator, *, assuming: bool) -> Mapping[str, Case]:
    user = aws.create_user("backup", policies=[allow("sts:AssumeRole")])
    role = aws.create_role("backup", trust=trust(user, external_id=EXTERNAL_ID))
    plain: Json = {"region": "eu-west-1", "endpoint": aws.url}
    assumed = {"roleARN": role, "externalID": EXTERNAL_ID}
    config = {**plain, "assumeRole": assumed} if assuming else plain
    good = _sessions.key(aws, user)
    cases = {
        "good": Case(config, good),
        "wrong secret": Case(config, _sessions.wrong(good)),
        "unknown id": Case(config, _sessions.unknown(good)),
        "expired": Case(config, _sessions.ended(aws, good, role, external_id=EXTERNAL_ID)),
        "disabled": Case(config, _sessions.disabled(aws, user)),
    }
    if not assuming:
        return {**cases, "misconfigured": Case({**plain, "accountID": "210987654321"}, good)}
    return {
        **cases,
        "no permission": Case({**plain, "assumeRole": {**assumed, "externalID": "of-another"}}, good),
        "misconfigured": Case({**plain, "assumeRole": {**assumed, "duration": "2h"}}, good),
    }


SCRIPTS = (
    Script(
        type="aws",
        emulator=AwsEmulator,
        prepare=functools.partial(_prepare, assuming=False),
        exceptions={
            "disabled": DISABLED,
            "no permission": Cannot("A key needs no permission to ask whose it is."),
        },
    ),
    Script(
        type="aws",
        variant="assumeRole",
        emulator=AwsEmulator,
        prepare=functools.partial(_prepare, assuming=True),
        exceptions={"disabled": DISABLED},
    ),
)
