"""Key material of any kind, about which nobody can be asked."""

from collections.abc import Mapping

from verdicts.script import Case, Script
from verdicts.scripts import _unasked

NOBODY = "Nobody knows what it is for."


def _prepare(_: None) -> Mapping[str, Case]:
    return {"good": Case({}, {"LICENSE_KEY": "good"}), "wrong secret": Case({}, {"LICENSE_KEY": "wrong"})}


SCRIPTS = (Script(type="opaque", emulator=None, prepare=_prepare, exceptions=_unasked.exceptions(NOBODY)),)
