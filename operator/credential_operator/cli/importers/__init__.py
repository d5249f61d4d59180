"""Credentials of other systems, read: a module for each, behind `contract.Importer`; all of it is pure."""

from collections.abc import Mapping

from credential_operator.cli.importers import cloudesire, contract, flexera, pharmer, portworx

ALL: Mapping[str, contract.Importer] = {
    one.name: one for one in (pharmer.IMPORTER, flexera.IMPORTER, cloudesire.IMPORTER, portworx.IMPORTER)
}
"""By name, in the order in which they are asked whether a file is theirs."""
