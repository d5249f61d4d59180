"""Layouts of target Secrets, and of source Secrets: one module each, found by their being here."""

import functools
import sys
from collections.abc import Mapping
from typing import Any

from credential_operator import plugins
from credential_operator.formats import contract


def find() -> Mapping[str, contract.Format[Any]]:
    """Finds every format of targets by name, those of installed packages included; a broken one fails loudly."""
    return {name: layout for name, layout in _layouts().items() if hasattr(layout, "render")}


def sources() -> Mapping[str, contract.Source[Any]]:
    """Finds every layout by name that an existing Secret can be read in, likewise."""
    return {name: layout for name, layout in _layouts().items() if hasattr(layout, "read")}


@functools.cache
def _layouts() -> Mapping[str, Any]:
    return plugins.find(sys.modules[__name__], "FORMAT", skip={"contract"})
