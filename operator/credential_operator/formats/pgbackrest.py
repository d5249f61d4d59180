"""Configuration of pgBackRest, as the operators of Crunchy and Percona mount it from Secrets.

pgbackrest.org/configuration.html; access.crunchydata.com, "Backup Configuration"; docs.percona.com, "Configure storage
for backups" of the operator for PostgreSQL
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pydantic

from credential_operator.formats import _ini, _keys, contract

LARGEST = 256
"""pgBackRest's own bound."""


class Options(contract.Options):
    """The repository."""

    repo: Annotated[int, pydantic.Field(ge=1, le=LARGEST)] = 1
    """The number of the repository, as in repo1-s3-key."""


class Format(_keys.Format[Options]):
    """Lines of the section `global` with the key alone; the rest stands in the operators' resources."""

    name: ClassVar[str] = "pgbackrest"
    title: ClassVar[str] = (
        "A file for pgBackRest, as Crunchy's and Percona's operators take it: `s3.conf`, `azure.conf`, or "
        "`gcs-key.json`, which repo1-gcs-key is to name."
    )
    options = Options
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={"s3-key": "accessKeyID", "s3-key-secret": "secretAccessKey", "s3-token": "sessionToken"},
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={"azure-account": "accountName", "azure-key": "accountKey"},
        ),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={"gcs-key.json": "serviceAccountJSON"}),
    )

    def render(self, material: contract.Material, options: Options) -> Mapping[str, bytes]:
        """Gives the file."""
        if _keys.SERVICE_ACCOUNT.issubset(material.variables):
            return super().render(material, options)
        cloud = "s3" if _keys.BUCKET.issubset(material.variables) else "azure"
        chosen = self.chosen(material, options)
        lines = {f"repo{options.repo}-{name}": value for name, value in chosen.items()}
        return {f"{cloud}.conf": _ini.section("global", lines).encode()}


FORMAT = Format()
