"""Cloudesire's customer cloud credentials: the fields of its panel, as YAML, JSON or lines `Name: value`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from credential_operator.cli.importers import _azure
from credential_operator.cli.importers.contract import Entry, Shape

LINE = re.compile(
    r"^\s*(?:[*-]\s+)?`?([A-Za-z][A-Za-z ]*)`?\s*:\s+`?([^\s`]+(?: [^\s`]+)*)`?\s*$", re.MULTILINE
)
"""A field and its value, also as a list in Markdown has them."""
NAME = "identifier"
AWS = Shape(
    type="aws",
    public={"resourcename": "assumeRole.roleARN"},
    secret={"accesskey": "accessKeyID", "secretkey": "secretAccessKey"},
)
AZURE = Shape(
    type="azure",
    public={"identity": "clientID"},
    secret={"credential": "clientSecret"},
    ignored=frozenset({"endpoint", "oauthendpoint"}),
)


class Importer:
    """Reads the fields of the panel."""

    name: ClassVar[str] = "cloudesire"
    title: ClassVar[str] = "Cloudesire's fields (Identifier, Access key, Identity …)"

    def read(self, text: str, documents: Sequence[Any]) -> list[Entry]:
        """Gives what has an identifier and the fields of a cloud."""
        found = [
            each
            for document in documents
            for each in (document if isinstance(document, list) else [document])
        ]
        written = [one for one in found if isinstance(one, dict)]
        return [entry for fields in written or _lines(text) if (entry := _entry(fields)) is not None]


def _lines(text: str) -> list[dict[str, str]]:
    """Reads lines of names and values; an identifier begins the next credential."""
    found: list[dict[str, str]] = []
    for name, value in LINE.findall(text):
        if _simple(name) == NAME:
            found.append({})
        if found:
            found[-1][name] = value
    return found


def _simple(name: str) -> str:
    """Writes a field's name in one way: OAuth endpoint, oauth_endpoint and oauthEndpoint are one."""
    return re.sub(r"[^a-z]", "", name.lower())


def _entry(fields: Mapping[str, Any]) -> Entry | None:
    given = {_simple(str(name)): value for name, value in fields.items()}
    name = str(given.pop(NAME, ""))
    if not name:
        return None
    if "accesskey" in given:
        return AWS.entry(name, given)
    if "identity" not in given:
        return None
    addresses = (str(given.get(field, "")) for field in ("oauthendpoint", "endpoint"))
    config = {**_azure.tenant(next(addresses)), **_azure.subscription(next(addresses))}
    left = [] if "tenantID" in config else ["The OAuth endpoint is not one of Azure's."]
    return AZURE.entry(name, given, config=config, left=left)


IMPORTER = Importer()
