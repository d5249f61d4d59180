"""Formats of target Secrets: one module each, found by their being here."""

import functools
import sys
from collections.abc import Mapping
from typing import Any

from credential_operator import plugins
from credential_operator.formats import contract


@functools.cache
def find() -> Mapping[str, contract.Format[Any]]:
    """Finds every format by name, those of installed packages included; a broken one fails loudly."""
    return plugins.find(sys.modules[__name__], "FORMAT", skip={"contract"})
