"""Signed tokens."""

import datetime
from collections.abc import Mapping
from typing import Any

from joserfc import jwk
from joserfc import jwt as jose

from emulators.jwt_api import JwtApi, Trusted
from verdicts.script import Cannot, Case, Json, Says, Script
from verdicts.scripts import _keys, _probed
from verdicts.situations import ACCEPTED

ISSUER, SUBJECT = "reports", "robot@example.com"
LIFE = datetime.timedelta(days=2)


def _token(*, key: str = _keys.PRIVATE, life: datetime.timedelta = LIFE, **changes: str) -> dict[str, str]:
    """Signs a token, with another library than the type's."""
    end = datetime.datetime.now(datetime.UTC) + life
    claims: dict[str, Any] = {"iss": ISSUER, "sub": SUBJECT, "exp": int(end.timestamp()), **changes}
    signer = jwk.RSAKey.import_key(key)
    return {"token": jose.encode({"alg": "RS256"}, claims, signer)}


def _tokens(api: JwtApi) -> Mapping[str, Case]:
    api.trust(Trusted(issuer=ISSUER, key=_keys.PUBLIC, subjects=[SUBJECT]))
    config = _probed.probe(api.url)
    return {
        "good": Case(config, _token()),
        "wrong secret": Case(config, _token(key=_keys.OTHER_PRIVATE)),
        "unknown id": Case(config, _token(iss="nobody")),
        "expired": Case(config, _token(life=-LIFE)),
        "no permission": Case(config, _token(sub="somebody@example.com")),
        "misconfigured": Case(_probed.probe(api.url, "/open"), _token()),
    }


def _signers(api: JwtApi) -> Mapping[str, Case]:
    api.trust(Trusted(issuer=ISSUER, key=_keys.PUBLIC, subjects=[SUBJECT]))
    config: Json = {"issuer": ISSUER, "subject": SUBJECT, **_probed.probe(api.url)}
    good = {"signingKey": _keys.PRIVATE}
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, {"signingKey": _keys.OTHER_PRIVATE}),
        "unknown id": Case({**config, "issuer": "nobody"}, good),
        "no permission": Case({**config, "subject": "somebody@example.com"}, good),
        "misconfigured": Case({**config, **_probed.probe(api.url, "/open")}, good),
    }


SCRIPTS = (
    Script(
        type="jwt",
        emulator=JwtApi,
        prepare=_tokens,
        exceptions={
            "disabled": Cannot(_probed.STATUSES),
            "garbage": _probed.EXCEPTIONS["garbage"],
            "clock skew": Says(ACCEPTED, "The token was signed elsewhere and outlives the difference."),
        },
    ),
    Script(
        type="jwt",
        variant="signingKey",
        emulator=JwtApi,
        prepare=_signers,
        target={"format": "fields", "keys": {"key.pem": "signingKey"}},
        exceptions={name: why for name, why in _probed.EXCEPTIONS.items() if name != "clock skew"},
    ),
)
