"""Keys of Azure's enterprise reporting APIs, about which nobody can be asked."""

import datetime
from collections.abc import Mapping

import jwt

from verdicts.script import Case, Script
from verdicts.scripts import _unasked

SIGNED_WITH = "an-enterprise-portal-" + "s" * 40
LIFE = datetime.timedelta(days=30)
NOBODY = "Microsoft has retired the APIs: nobody can be asked."


def _key(life: datetime.timedelta, *, signed_with: str = SIGNED_WITH) -> dict[str, str]:
    end = datetime.datetime.now(datetime.UTC) + life
    return {"apiKey": jwt.encode({"EnrollmentNumber": "8608480", "exp": end}, signed_with, algorithm="HS256")}


def _prepare(_: None) -> Mapping[str, Case]:
    config = {"enrollment": "8608480"}
    return {
        "good": Case(config, _key(LIFE)),
        "wrong secret": Case(config, _key(LIFE, signed_with="w" * 40)),
        "expired": Case(config, _key(-LIFE)),
    }


SCRIPTS = (
    Script(
        type="azureEnterprise",
        emulator=None,
        prepare=_prepare,
        exceptions=_unasked.exceptions(NOBODY, but=("expired",)),
    ),
)
