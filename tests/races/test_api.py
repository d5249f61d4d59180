"""What the races' own user of the API server leaves behind."""

import asyncio
import datetime
import gc
import os
import signal

import pytest

from controlplane import ControlPlane
from races import api
from races.history import NAMESPACES, History


@pytest.fixture
def administrator(plane: ControlPlane) -> str:
    account = "default:history"
    plane.kubectl("create", "serviceaccount", "history")
    plane.kubectl(
        "create", "clusterrolebinding", "history", "--clusterrole=view", f"--serviceaccount={account}"
    )
    return plane.token("default", "history", duration=datetime.timedelta(hours=1))


def test_a_watch_is_left_at_once_whatever_the_api_server_does(
    plane: ControlPlane, administrator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "WATCHED", [one for one in api.WATCHED if one[0] == NAMESPACES])
    stopped = plane.pids()["kube-apiserver"]

    async def watch() -> None:
        async with api.Api(plane, administrator) as user:
            await user.remember(History())
            await asyncio.sleep(1)
            os.kill(stopped, signal.SIGSTOP)

    try:
        asyncio.run(watch())
    finally:
        os.kill(stopped, signal.SIGCONT)
    gc.collect()  # what was left open is said here
