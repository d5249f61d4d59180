"""The key file of a Google Cloud service account."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from credential_operator.formats import _file, _json, _text, contract

FIELD = "serviceAccountJSON"


class Format:
    """The file as Google's libraries read it where GOOGLE_APPLICATION_CREDENTIALS names it."""

    name: ClassVar[str] = "google-key-file"
    title: ClassVar[str] = (
        "A service account's key file under the key `key.json`: for Config Connector, Kaniko, "
        "external-dns, and every tool of Google's that the file is mounted for."
    )
    source_title: ClassVar[str] = "A service account's key file under the key `key.json`."
    secret_type: ClassVar[str] = contract.OPAQUE
    options = contract.Options
    source_options = _file.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is a key file."""
        return FIELD in fields

    def render(self, material: contract.Material, _: contract.Options) -> Mapping[str, bytes]:
        """Gives the file."""
        return {"key.json": _text.text(FIELD, material.fields[FIELD]).encode()}

    def read(
        self,
        data: Mapping[str, bytes],
        options: _file.Options,
        asked: contract.Asked,  # noqa: ARG002  the contract's form
    ) -> contract.Found:
        """Reads the file."""
        return file(*_file.text(data, options.key, ["key.json"]))


def file(where: str, content: str) -> contract.Found:
    """Takes a whole file for the key; raises InvalidKeyMaterial where it is no JSON."""
    _json.read(content, where)
    return contract.Found(values={FIELD: content.encode()}, facts={}, places={FIELD: where})


FORMAT = Format()
