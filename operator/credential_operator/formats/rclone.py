"""rclone's configuration file.

rclone.org: "Amazon S3 Storage Providers", "Microsoft Azure Blob Storage", "Google Cloud Storage". Its reader of INI
files (github.com/unknwon/goconfig) takes what stands behind = to the end of the line, and replaces %(name)s.
"""

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar

import pydantic

from credential_operator import errors
from credential_operator.api import values
from credential_operator.formats import _ini, _json, _keys, _store, _text, contract, google_key_file
from credential_operator.providers import _azure


class Options(contract.Options):
    """The remote."""

    remote: Annotated[
        str,
        pydantic.Field(max_length=64),
        values.Matching(_ini.NAME, "a remote's name: letters, digits, '.', '_' and '-'"),
    ] = "remote"
    """The name of the remote: what stands before the colon in rclone's paths."""


class Format(_keys.Format[Options]):
    """One remote; buckets stand in the paths that rclone is given."""

    name: ClassVar[str] = "rclone"
    title: ClassVar[str] = (
        "A remote in rclone's configuration under the key `rclone.conf`, for S3, Azure (an account's key, or an "
        "application with storageAccount) and Google: for rclone, VolSync."
    )
    options = Options
    layouts = (
        _keys.Layout(
            needs=_keys.BUCKET,
            names={
                "type": "type",
                "provider": "provider",
                "access_key_id": "accessKeyID",
                "secret_access_key": "secretAccessKey",
                "session_token": "sessionToken",
                "region": "region",
                "endpoint": "endpoint",
                "force_path_style": "path",
                "storage_class": "storageClass",
                "no_check_bucket": "there",
            },
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={"type": "type", "account": "accountName", "key": "accountKey", "endpoint": "domain"},
        ),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={
                "type": "type",
                "account": "storageAccount",
                "tenant": "tenantID",
                "client_id": "clientID",
                "client_secret": "clientSecret",
                "endpoint": "domain",
            },
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={}),
    )

    def render(self, material: contract.Material, options: Options) -> Mapping[str, bytes]:
        """Gives the file."""
        if google_key_file.FIELD in material.variables:
            key = _one_line(material.fields[google_key_file.FIELD])
            text = f"[{options.remote}]\ntype = google cloud storage\nservice_account_credentials = {key}\n"
        else:
            text = _ini.section(options.remote, self.chosen(material, options))
        if "%(" in text:
            raise errors.InvalidKeyMaterial(
                "The key holds %(, which rclone would replace: choose another format."
            )
        return {"rclone.conf": text.encode()}

    def values(self, fields: _keys.Values, _: Options) -> _keys.Values:
        """Adds what kind of store it is, and where."""
        if "storageClass" in fields:
            return {**fields, **_bucket(fields)}
        if "accountName" in fields:
            return {**fields, "type": "azureblob", "domain": _store.domain(fields)}
        if "storageAccount" not in fields:
            raise errors.InvalidSpec("spec.azure.storageAccount is missing: name the storage account.")
        cloud = _azure.CLOUDS[_text.line("cloud", fields["cloud"])]
        return {**fields, "type": "azureblob", "domain": f"blob.{cloud.storage}"}


def _bucket(fields: _keys.Values) -> Mapping[str, str]:
    """Says whose S3 it is: rclone knows AWS's own ways, and is to be told of another store's.

    A bucket that is named is there: before an upload rclone would make it, which few keys may.
    """
    there = {"there": "true"} if "bucket" in fields else {}
    if _store.is_amazon(fields):
        return {"type": "s3", "provider": "AWS", **there}
    path = "true" if _store.in_path(fields) else "false"
    return {"type": "s3", "provider": "Other", "path": path, **there}


def _one_line(file: str | bytes) -> str:
    """Writes the key file as JSON of one line and of nothing beyond ASCII."""
    text = _text.text(google_key_file.FIELD, file)
    return json.dumps(_json.read(text, google_key_file.FIELD), separators=(",", ":"))


FORMAT = Format()
