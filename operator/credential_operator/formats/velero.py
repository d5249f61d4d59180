"""Velero's credentials file: the Secret of a BackupStorageLocation, or `cloud-credentials`."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from credential_operator.formats import _ini, contract


class Format:
    """The file that Velero's AWS plugin mounts; region and endpoint stand in the BackupStorageLocation."""

    name: ClassVar[str] = "velero"
    title: ClassVar[str] = "Velero's credentials file under the key `cloud`."
    secret_type: ClassVar[str] = contract.OPAQUE
    options = _ini.Options

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether there is an access key."""
        return _ini.NEEDED.issubset(fields)

    def render(self, material: contract.Material, options: _ini.Options) -> Mapping[str, bytes]:
        """Gives the file."""
        return {"cloud": _ini.render(material, options.profile, {})}


FORMAT = Format()
