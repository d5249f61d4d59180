"""Credential types: one module each, found by their being here."""

import functools
import sys
from collections.abc import Mapping
from typing import Any

from credential_operator import plugins
from credential_operator.providers import contract

SHARED = frozenset({"contract", "issue", "network", "policy", "rotate"})


@functools.cache
def find() -> Mapping[str, contract.Provider[Any, Any]]:
    """Finds every credential type by name, those of installed packages too; a broken one fails loudly."""
    return plugins.find(sys.modules[__name__], "PROVIDER", skip=SHARED)
