"""The configuration of Oracle's SDKs, read by the one for Python."""

from __future__ import annotations

from pathlib import Path

import oci.config
import oci.signer
import pytest
from cryptography.hazmat.primitives import serialization

from unit.material import PEM, fields
from unit.reading import ORACLE, load, render


def written(folder: Path, keys: dict[str, str], **options: str) -> str:
    for name, content in render(
        "oracle", "oci-config", fields("oracle", None, **keys), directory=str(folder), **options
    ).items():
        (folder / name).write_bytes(content)
    return str(folder / "config")


@pytest.mark.parametrize("section", ["DEFAULT", "backups"])
def test_oracles_sdk_reads_and_uses_it(tmp_path: Path, section: str) -> None:
    found = oci.config.from_file(written(tmp_path, {}, section=section), section)
    oci.config.validate_config(found)
    assert (found["user"], found["tenancy"]) == (ORACLE["userOCID"], ORACLE["tenancyOCID"])
    assert (found["fingerprint"], found["region"]) == (ORACLE["fingerprint"], ORACLE["region"])
    oci.signer.Signer(
        found["tenancy"], found["user"], found["fingerprint"], found["key_file"], found["pass_phrase"]
    )


def test_oracles_sdk_opens_an_encrypted_key(tmp_path: Path) -> None:
    locked = serialization.load_pem_private_key(PEM.encode(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"word"),
    )
    config = written(tmp_path, {"privateKey": locked.decode(), "passphrase": "word"})
    found = oci.config.from_file(config)
    oci.signer.load_private_key_from_file(found["key_file"], found["pass_phrase"])


def test_it_is_mounted_where_tools_look_unless_it_is_said() -> None:
    config = render("oracle", "oci-config", fields("oracle"))["config"].decode()
    assert "key_file = ~/.oci/key.pem" in config.splitlines()


def test_what_is_written_can_be_read_as_a_source() -> None:
    found = fields("oracle", passphrase="word")
    assert load("oracle", "ini", render("oracle", "oci-config", found)) == found


@pytest.mark.parametrize("folder", ["oci", "/a b", "/a/", "/a\nb", "~oci", "/"])
def test_a_folder_that_would_end_its_line_or_its_path_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="directory"):
        render("oracle", "oci-config", fields("oracle"), directory=folder)
