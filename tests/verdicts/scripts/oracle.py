"""API signing keys of Oracle's users."""

from collections.abc import Mapping

from emulators.oracle import Oracle
from verdicts.script import Cannot, Case, Json, Says, Script
from verdicts.scripts import _keys
from verdicts.situations import ACCEPTED, refused

TENANCY = f"ocid1.tenancy.oc1..{'a' * 60}"
USER, UNSEEN = (f"ocid1.user.oc1..{letter * 60}" for letter in "bc")
OF_ANOTHER_REALM = f"ocid1.user.oc2..{'b' * 60}"


def _prepare(emulator: Oracle) -> Mapping[str, Case]:
    for user in (USER, UNSEEN):
        emulator.create_user(TENANCY, user)
        fingerprint = emulator.upload_key(user, _keys.PUBLIC)
    emulator.set_allowed(UNSEEN, allowed=False)
    gone = emulator.upload_key(USER, _keys.OTHER_PUBLIC)
    emulator.delete_key(USER, gone)
    good, other = ({"privateKey": key} for key in (_keys.PRIVATE, _keys.OTHER_PRIVATE))
    config: Json = {
        "tenancyOCID": TENANCY,
        "userOCID": USER,
        "fingerprint": fingerprint,
        "region": "eu-frankfurt-1",
        "endpoint": emulator.url,
    }
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, other),
        "unknown id": Case({**config, "fingerprint": gone}, other),
        "no permission": Case({**config, "userOCID": UNSEEN}, good),
        "misconfigured": Case({**config, "userOCID": OF_ANOTHER_REALM}, good),
    }


SCRIPTS = (
    Script(
        type="oracle",
        emulator=Oracle,
        prepare=_prepare,
        exceptions={
            "wrong secret": Says(
                refused("InvalidKeyMaterial"), "The fingerprint tells without a call that it is another key."
            ),
            "expired": Cannot("An API signing key is good until it is deleted."),
            "disabled": Cannot("An API signing key cannot be switched off, only deleted."),
            "no permission": Says(
                ACCEPTED, "Oracle looks at the signature first: who may not see its own user has a good key."
            ),
        },
    ),
)
