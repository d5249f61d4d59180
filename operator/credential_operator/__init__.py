"""Validates cloud and API credentials, publishes the good ones, and protects those in use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credential_operator.holding import Hold, NotHeld, hold

__all__ = ["Hold", "NotHeld", "hold"]


def __getattr__(name: str) -> Any:
    """Loads what is for holders when it is asked for: the operator and its command import this package too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("credential_operator.holding"), name)
