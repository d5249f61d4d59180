"""The AWS emulator's process: the front on a socket, and the commands that tests give it."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from moto.moto_api._internal.models import moto_api_backend

from emulators import certificates
from emulators.server import accounts, channel, front, gate, naming, organizations, simulate, user_keys, wire


async def begin(config: dict[str, Any], folder: pathlib.Path) -> channel.Service:
    """Starts serving STS, IAM, S3 and Organizations on loopback."""
    authority = certificates.issue(folder, config["hosts"]) if config["tls"] else None
    serving = front.Front()
    # What is loaded once is loaded before the first call is measured.
    gate.regions()
    server = await wire.listen(serving.handle, config["port"], authority.context() if authority else None)
    port = server.sockets[0].getsockname()[1]

    async def close() -> None:
        server.close()

    return channel.Service(certificates.facts(authority, port), _commands(serving), close)


def _commands(serving: front.Front) -> dict[str, Callable[..., Any]]:
    return {
        "create_user": accounts.create_user,
        "create_role": accounts.create_role,
        "delete_role": accounts.delete_role,
        "set_policies": accounts.set_policies,
        "set_trust": accounts.set_trust,
        "create_key": accounts.create_key,
        "keys": accounts.keys,
        "set_key_status": accounts.set_key_status,
        "delete_key": accounts.delete_key,
        "expire_session": accounts.expire_session,
        "create_bucket": accounts.create_bucket,
        "create_organization": organizations.create,
        "trust_issuer": serving.federation.trust,
        "calls": lambda: serving.calls,
        "reset_calls": serving.calls.clear,
        "add_fault": lambda **fault: _add_fault(serving, **fault),
        "clear_faults": serving.faults.clear,
        "faults_left": lambda: serving.faults.left,
        "set_session_seconds": lambda seconds: setattr(serving, "session_seconds", seconds),
        "set_password_life": lambda seconds: setattr(serving.registries, "life", seconds),
        "set_roleless": lambda roleless: setattr(serving, "roleless", roleless),
        "set_page": lambda size: setattr(serving, "page", size),
        "set_list_page": lambda size: setattr(serving.user_keys, "page", size),
        "set_new_keys_unlisted": lambda seconds: setattr(serving.user_keys, "unlisted", seconds),
        "set_new_keys_unknown": lambda seconds: setattr(serving.gate, "new_keys_unknown", seconds),
        "reset": lambda: _reset(serving),
    }


def _add_fault(serving: front.Front, *, effect: str, action: str | None, **rest: Any) -> None:
    # A misspelt action would be a fault that never happens, and a test that proves nothing.
    if action is not None and action not in naming.actions():
        raise ValueError(f"no service here has an action {action}")
    serving.faults.add(effect, action=action, **rest)


def _reset(serving: front.Front) -> None:
    moto_api_backend.reset()
    serving.faults.clear()
    serving.calls.clear()
    serving.federation.clear()
    serving.session_seconds = None
    serving.roleless = False
    serving.registries.clear()
    serving.page = simulate.PAGE
    serving.user_keys = user_keys.UserKeys()
    serving.gate.new_keys_unknown = 0.0
