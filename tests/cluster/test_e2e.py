"""`make e2e` where there can be no node: nobody takes that for a success, and CI goes on."""

import os
import sys

import pytest

from controlplane import Cluster, wheels
from controlplane import tools as programs
from e2e import __main__ as command


def _run(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr(sys, "argv", ["e2e", *options])
    return command.main()


@pytest.mark.parametrize(("options", "status"), [((), 1), (("--if-possible",), 0)])
def test_without_root_it_says_that_it_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], status: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "platform", "linux")
    assert _run(monkeypatch, *options) == status
    assert (
        "NOT RUN: the operator's image on a real node, since a kubelet needs root." in capsys.readouterr().err
    )


def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(packages: object) -> None:
        raise wheels.FetchError("runc is not on PATH: apt-get install runc")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(programs, "install", refuse)
    assert _run(monkeypatch) == 1
    assert "apt-get install runc" in capsys.readouterr().err


def test_a_cluster_of_ones_own_needs_an_image_that_it_can_pull(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _run(monkeypatch, "--kubeconfig=somewhere")
    assert "--kubeconfig needs --image" in capsys.readouterr().err


def test_a_provider_that_no_pod_reaches_is_not_started(
    plane: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, f"--kubeconfig={plane.kubeconfig}", "--image=app:1") == 1
    assert "no Pod reaches the provider at 127.0.0.1" in capsys.readouterr().err
