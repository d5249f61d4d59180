"""One module for each credential type, found by its being here, with SCRIPTS: a row of the matrix each.

A new type needs nothing but its module. `prepare` gets the started emulator, brings it into every state
that a key can be in, and gives a `Case` by the name of each situation that is neither a fault nor the
stranger's. `exceptions` says of those that cannot be, or that the provider cannot tell, why.
"""

import functools
import importlib
import pkgutil
from collections.abc import Collection

from credential_operator import providers
from verdicts.script import Script


@functools.cache
def find() -> tuple[Script, ...]:
    """Finds every script, by type; shared code has an underscore in front."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(sorted((script for module in modules for script in module.SCRIPTS), key=_order))


def missing(found: Collection[Script]) -> list[str]:
    """Names the installed credential types that have no script."""
    return sorted(providers.find().keys() - {script.type for script in found})


def _order(script: Script) -> tuple[str, str]:
    return script.type.lower(), script.variant
