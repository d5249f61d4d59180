"""Finds what a folder of modules, and installed packages, add: credential types and formats."""

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any


def find(package: ModuleType, attribute: str, *, skip: Collection[str]) -> Mapping[str, Any]:
    """Collects `attribute` of every module by its `name`, sorted; a module that cannot be used fails loudly.

    Modules named in `skip`, or with an underscore in front, are shared code. Installed packages add
    theirs through the entry-point group that is named as the package.
    """
    found: dict[str, Any] = {}
    for origin, thing in (*_modules(package, attribute, skip), *_installed(package)):
        if thing.name in found:
            raise ImportError(f"{origin} adds a second {thing.name!r} to {package.__name__}")
        found[thing.name] = thing
    return dict(sorted(found.items()))


def _modules(package: ModuleType, attribute: str, skip: Collection[str]) -> list[tuple[str, Any]]:
    modules = []
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        name = info.name.rpartition(".")[2]
        if name not in skip and not name.startswith("_"):
            module = importlib.import_module(info.name)
            if not hasattr(module, attribute):
                raise ImportError(f"{info.name} has no {attribute}")
            modules.append((info.name, getattr(module, attribute)))
    return modules


def _installed(package: ModuleType) -> list[tuple[str, Any]]:
    return [(entry.value, entry.load()) for entry in importlib.metadata.entry_points(group=package.__name__)]
