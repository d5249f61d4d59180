"""OAuth 2 clients, with a secret and with a key that signs assertions."""

from collections.abc import Mapping

from emulators.oauth2 import Issuer, OAuth2Server
from verdicts.script import Cannot, Case, Json, Says, Script
from verdicts.scripts import _keys, _unasked
from verdicts.situations import ACCEPTED

USED_UP = "A refresh token is not used only to be checked: its use may use it up."
WORDLESS = "OAuth 2 has no word for it: servers answer as to a wrong key."
ENDLESS: Mapping[str, Cannot | Says] = {"expired": Cannot(WORDLESS), "disabled": Cannot(WORDLESS)}


def _shown(client: str, secret: str) -> dict[str, str]:
    return {"clientID": client, "clientSecret": secret}


def _clients(server: OAuth2Server) -> Mapping[str, Case]:
    server.add_client("backup", "a-secret", scopes=["read"])
    server.add_client("idle", "a-secret", scopes=["read"], allowed=False)
    config: Json = {"tokenURL": server.token_url, "scopes": ["read"]}
    good = _shown("backup", "a-secret")
    return {
        "good": Case(config, good),
        "wrong secret": Case(config, _shown("backup", "another")),
        "unknown id": Case(config, _shown("nobody", "a-secret")),
        "no permission": Case(config, _shown("idle", "a-secret")),
        "misconfigured": Case({**config, "scopes": ["write"]}, good),
    }


def _issuers(server: OAuth2Server) -> Mapping[str, Case]:
    for name, allowed in (("reports", True), ("idle", False)):
        subjects = [f"{name}@example.com"]
        server.add_issuer(
            Issuer(name=name, key=_keys.PUBLIC, subjects=subjects, scopes=["read"], allowed=allowed)
        )
    config: Json = {"tokenURL": server.token_url, "grant": "JWTBearer", "scopes": ["read"]}
    good = {"signingKey": _keys.PRIVATE}

    def of(name: str) -> Json:
        return {**config, "issuer": name, "subject": f"{name}@example.com"}

    return {
        "good": Case(of("reports"), good),
        "wrong secret": Case(of("reports"), {"signingKey": _keys.OTHER_PRIVATE}),
        "unknown id": Case(of("nobody"), good),
        "no permission": Case(of("idle"), good),
        "misconfigured": Case({**of("reports"), "scopes": ["write"]}, good),
    }


def _refreshing(_: None) -> Mapping[str, Case]:
    config: Json = {"tokenURL": "https://login.example.com/token", "grant": "RefreshToken"}
    good = {**_shown("backup", "a-secret"), "refreshToken": "a-refresh-token"}
    return {"good": Case(config, good), "wrong secret": Case(config, {**good, "refreshToken": "another"})}


SCRIPTS = (
    Script(
        type="oauth2",
        emulator=OAuth2Server,
        prepare=_clients,
        exceptions={
            **ENDLESS,
            "clock skew": Says(ACCEPTED, "A client secret is shown, not signed with: no clock is looked at."),
        },
    ),
    Script(
        type="oauth2",
        variant="JWTBearer",
        emulator=OAuth2Server,
        prepare=_issuers,
        target={"format": "fields", "keys": {"key.pem": "signingKey"}},
        exceptions=ENDLESS,
    ),
    Script(
        type="oauth2",
        variant="RefreshToken",
        emulator=None,
        prepare=_refreshing,
        exceptions=_unasked.exceptions(USED_UP),
    ),
)
