"""Formats, read by the very programs that they are for, before a store that verifies every key.

s3cmd stands for programs that want an INI file of one's own, podman for whatever pulls images.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from controlplane import tools
from credential_operator import formats, providers
from credential_operator.formats import contract as formats_contract
from credential_operator.providers import contract
from emulators import s3
from emulators.distribution import PASSWORD as PASSWORD_THERE
from emulators.distribution import USERNAME as USER_THERE
from emulators.distribution import Distribution

KEY = ("backup", "as-its-administrator-liked:%=;#'\"/+")
TENANT, CLIENT = "8d3e1c9a-0000-4000-8000-000000000000", "5c6f2b7e-0000-4000-8000-000000000000"
BUCKET = "their-bucket"
PASSWORD = "of the repository"


@pytest.fixture(scope="module")
def store() -> Iterator[s3.Versity]:
    with s3.Versity(region="garage", hosts=("localhost",)) as running:
        running.create_user(KEY[0], secret=KEY[1])
        running.create_bucket(BUCKET, owner=KEY[0])
        yield running


@pytest.fixture(scope="module")
def registry() -> Iterator[Distribution]:
    with Distribution(["team/app"]) as running:
        yield running


def published(
    folder: pathlib.Path, type_name: str, spec: Mapping[str, Any], data: Mapping[str, bytes], **target: Any
) -> Mapping[str, bytes]:
    """Lay a key out as a target, and mount it into a folder as the kubelet does."""
    provider, form = providers.find()[type_name], formats.find()[target.pop("format")]
    config = provider.config.model_validate(spec)
    keys = contract.load(provider, data, {})
    material = formats_contract.Material(
        type=type_name, fields=provider.fields(config, keys), variables=provider.variables
    )
    content = form.render(material, form.options.model_validate(target))
    for name, value in content.items():
        (folder / name).write_bytes(value)
    return content


def in_the_store(
    folder: pathlib.Path, store: s3.Versity, secret: str = KEY[1], **target: Any
) -> dict[str, str]:
    """Lay the store's key out; returns the environment of a container that has the Secret as its variables."""
    spec = {"endpoint": store.url, "bucket": BUCKET, "region": store.region, "forcePathStyle": True}
    data = {
        "accessKeyID": KEY[0].encode(),
        "secretAccessKey": secret.encode(),
        "encryptionKey": PASSWORD.encode(),
    }
    content = published(folder, "s3", spec, data, **target)
    return {name: value.decode() for name, value in content.items()}


def run(
    folder: pathlib.Path,
    *command: str | pathlib.Path,
    environment: Mapping[str, str] | None = None,
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing but a home folder and what is given: variables, and its standard input."""
    own = {"HOME": str(folder), "PATH": os.environ["PATH"], **(environment or {})}
    return subprocess.run(
        command, env=own, cwd=folder, input=given, check=False, capture_output=True, text=True, timeout=120
    )


# rclone


def rclone(
    folder: pathlib.Path, store: s3.Versity, *command: str | pathlib.Path
) -> subprocess.CompletedProcess[str]:
    options = ("--config", folder / "rclone.conf", "--ca-cert", store.ca_path or "", "--retries=1")
    return run(folder, tools.path("rclone"), *options, *command)


def test_rclone_writes_and_reads_with_its_remote(tmp_path: pathlib.Path, store: s3.Versity) -> None:
    in_the_store(tmp_path, store, format="rclone", remote="off-site")
    (tmp_path / "night.txt").write_text("a backup")

    written = rclone(tmp_path, store, "copy", tmp_path / "night.txt", f"off-site:{BUCKET}/rclone")
    assert written.returncode == 0, written.stderr
    assert rclone(tmp_path, store, "cat", f"off-site:{BUCKET}/rclone/night.txt").stdout == "a backup"


def test_rclone_is_refused_with_another_key(tmp_path: pathlib.Path, store: s3.Versity) -> None:
    in_the_store(tmp_path, store, "another", format="rclone")
    refused = rclone(tmp_path, store, "lsf", f"remote:{BUCKET}")
    assert refused.returncode != 0
    assert "SignatureDoesNotMatch" in refused.stderr


@pytest.mark.parametrize(
    ("type_name", "spec", "data"),
    [
        ("azureStorage", {"accountName": "backups"}, {"accountKey": "YSBrZXk="}),
        (
            "azure",
            {"tenantID": TENANT, "clientID": CLIENT, "storageAccount": "backups"},
            {"clientSecret": "a~secret/+=;#%"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rclone_reads_every_line_as_it_is_meant(
    tmp_path: pathlib.Path,
    store: s3.Versity,
    type_name: str,
    spec: Mapping[str, Any],
    data: Mapping[str, str],
) -> None:
    published(
        tmp_path, type_name, spec, {name: text.encode() for name, text in data.items()}, format="rclone"
    )
    shown = rclone(tmp_path, store, "config", "dump")
    remote = json.loads(shown.stdout)["remote"]
    assert remote["type"] == "azureblob"
    assert {*data.values(), "backups"} <= {*remote.values()}


# restic


def test_restic_keeps_a_backup_in_its_repository(tmp_path: pathlib.Path, store: s3.Versity) -> None:
    environment = in_the_store(tmp_path, store, format="restic", prefix="nightly")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "night.txt").write_text("a backup")

    def restic(*command: str) -> str:
        options = ("--cacert", store.ca_path or "", "--no-cache")
        done = run(tmp_path, tools.path("restic"), *options, *command, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    restic("init")
    restic("backup", "data")
    (snapshot,) = json.loads(restic("snapshots", "--json"))
    assert restic("dump", snapshot["id"], "/data/night.txt") == "a backup"


# pgBackRest


def test_pgbackrest_lists_its_repository(tmp_path: pathlib.Path, store: s3.Versity) -> None:
    tools.install({"pgbackrest": "pgbackrest"})
    in_the_store(tmp_path, store, format="pgbackrest")
    place = {
        "repo1-type": "s3",
        "repo1-s3-bucket": BUCKET,
        "repo1-s3-endpoint": f"localhost:{store.port}",  # it compares names alone with certificates
        "repo1-s3-region": store.region,
        "repo1-s3-uri-style": "path",
        "repo1-storage-ca-file": store.ca_path,
    }
    options = [f"--{name}={value}" for name, value in place.items()]
    options += [f"--config-include-path={tmp_path}", "--log-level-file=off"]

    def pgbackrest(*command: str, given: str = "") -> str:
        done = run(tmp_path, "pgbackrest", *options, *command, given=given)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pgbackrest("repo-put", "night.txt", given="a backup")
    assert "night.txt" in pgbackrest("repo-ls")
    assert pgbackrest("repo-get", "night.txt") == "a backup"


# Container runtimes


@pytest.mark.parametrize(("password", "status"), [(PASSWORD_THERE, 0), ("another", 125)])
def test_podman_logs_in_with_what_a_pod_would_pull_with(
    tmp_path: pathlib.Path, registry: Distribution, password: str, status: int
) -> None:
    tools.install({"podman": "podman"})
    data = {"username": USER_THERE.encode(), "password": password.encode()}
    published(tmp_path, "registry", {"host": registry.host}, data, format="docker-registry")
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "ca.crt").write_bytes(registry.ca_pem)
    options = (f"--authfile={tmp_path / '.dockerconfigjson'}", f"--cert-dir={tmp_path / 'trust'}")

    done = run(tmp_path, "podman", "login", *options, registry.host)
    assert done.returncode == status, done.stderr
    assert ("Existing credentials are valid" in done.stdout) == (status == 0)


# s3cmd


def test_s3cmd_reads_an_ini_file_of_ones_own(tmp_path: pathlib.Path, store: s3.Versity) -> None:
    keys = {"access_key": "accessKeyID", "secret_key": "secretAccessKey", "bucket_location": "region"}
    in_the_store(tmp_path, store, format="ini", key=".s3cfg", section="default", keys=keys)
    host = store.url.removeprefix("https://")
    program = pathlib.Path(sys.executable).with_name("s3cmd")
    options = (f"--host={host}", f"--host-bucket={host}", f"--ca-certs={store.ca_path}", "--no-progress")

    (tmp_path / "night.txt").write_text("a backup")
    put = run(tmp_path, sys.executable, program, *options, "put", "night.txt", f"s3://{BUCKET}/s3cmd/")
    assert put.returncode == 0, put.stderr
    got = run(tmp_path, sys.executable, program, *options, "get", f"s3://{BUCKET}/s3cmd/night.txt", "-")
    assert got.stdout == "a backup"
