"""Documents of one's own: JSON, INI, and files of variables as a shell reads them."""

from __future__ import annotations

import configparser
import json
import subprocess
from pathlib import Path

import pytest

from credential_operator import errors, formats
from unit.material import ID, SECRET, fields
from unit.reading import render

KEYS = {"user": "accessKeyID", "pass_word": "secretAccessKey"}


def shell(folder: Path, content: bytes, *names: str) -> list[str]:
    """Source a file of variables and return some of them."""
    file = folder / "env"
    file.write_bytes(content)
    script = f'. "{file}"; printf "%s\\n" {" ".join(f"$1${name}$1".replace("$1", chr(34)) for name in names)}'
    done = subprocess.run(["sh", "-euc", script], env={}, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_an_object_has_the_names_and_nothing_else() -> None:
    data = render("s3", "json", fields("s3"), keys={**KEYS, "at": "endpoint"})
    assert data.keys() == {"credentials.json"}
    assert json.loads(data["credentials.json"]) == {
        "user": ID,
        "pass_word": SECRET,
        "at": "https://minio.example:9000",
    }


@pytest.mark.parametrize(("options", "section"), [({}, "DEFAULT"), ({"section": "backups"}, "backups")])
def test_a_section_has_a_line_for_each_name(options: dict[str, str], section: str) -> None:
    data = render("s3", "ini", fields("s3"), keys=KEYS, **options)
    assert data.keys() == {"config"}
    parser = configparser.RawConfigParser()
    parser.read_string(data["config"].decode())
    assert dict(parser[section]) == {"user": ID, "pass_word": SECRET}


def test_a_shell_reads_the_variables(tmp_path: Path) -> None:
    found = {**fields("s3"), "secretAccessKey": 'a$b`c"d!*'}
    data = render("s3", "env-file", found, keys={"USER_1": "accessKeyID", "_pass": "secretAccessKey"})
    assert data.keys() == {".env"}
    assert shell(tmp_path, data[".env"], "USER_1", "_pass") == [ID, 'a$b`c"d!*']


@pytest.mark.parametrize("name", ["json", "ini", "env-file"])
def test_the_document_stands_under_the_key_that_is_chosen(name: str) -> None:
    assert render("s3", name, fields("s3"), keys=KEYS, key="app.conf").keys() == {"app.conf"}


@pytest.mark.parametrize("name", ["json", "ini", "env-file"])
def test_a_field_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(errors.InvalidSpec, match=r"sessionToken.*accessKeyID"):
        render("s3", name, fields("s3"), keys={"a": "sessionToken"})


@pytest.mark.parametrize("variable", ["1a", "a-b", "a.b"])
def test_a_name_that_is_no_variable_is_refused(variable: str) -> None:
    with pytest.raises(errors.InvalidSpec, match=f"keys names {variable}"):
        render("s3", "env-file", fields("s3"), keys={variable: "accessKeyID"})


def test_names_that_readers_of_ini_take_for_one_are_refused() -> None:
    with pytest.raises(errors.InvalidSpec, match="upper and lower case"):
        render("s3", "ini", fields("s3"), keys={"a": "accessKeyID", "A": "secretAccessKey"})


@pytest.mark.parametrize("name", ["json", "ini", "env-file"])
def test_they_serve_every_type_with_fields(name: str) -> None:
    assert formats.find()[name].serves(["token"])
    assert not formats.find()[name].serves([])


@pytest.mark.parametrize("name", ["json", "ini", "env-file"])
def test_bytes_that_are_no_text_are_refused(name: str) -> None:
    with pytest.raises(errors.InvalidKeyMaterial, match="store is not text") as raised:
        render("opaque", name, {"store": b"\xffcanary"}, keys={"store": "store"})
    assert "canary" not in repr(raised.value)
