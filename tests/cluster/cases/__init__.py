"""Examples of the rules that each credential type brings: one module each, with `CASES`."""

import importlib
import pkgutil

from cluster.cases.case import Case


def found() -> dict[str, Case]:
    """Return the examples of all types."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name != "case")
    return {
        name: case
        for module in names
        for name, case in importlib.import_module(f"{__name__}.{module}").CASES.items()
    }
