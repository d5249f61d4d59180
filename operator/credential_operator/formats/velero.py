"""Velero's credentials file: the Secret of a BackupStorageLocation, or `cloud-credentials`.

Its plugins for AWS, Azure and Google read a file of their own each: github.com/vmware-tanzu/velero-plugin-for-aws,
velero-plugin-for-microsoft-azure, velero-plugin-for-gcp.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from credential_operator import errors
from credential_operator.formats import _azure, _file, _ini, _lines, _text, contract, google_key_file

APPLICATION: Mapping[str, Sequence[str]] = {
    "clientSecret": ("AZURE_CLIENT_SECRET",),
    "clientID": ("AZURE_CLIENT_ID",),
    "tenantID": ("AZURE_TENANT_ID",),
    "subscriptionID": ("AZURE_SUBSCRIPTION_ID",),
    "cloud": ("AZURE_CLOUD_NAME",),
}
ACCOUNT: Mapping[str, Sequence[str]] = {
    "accountKey": ("AZURE_STORAGE_ACCOUNT_ACCESS_KEY",),
    "cloud": ("AZURE_CLOUD_NAME",),
}


class Format:
    """The file that Velero mounts; region and endpoint stand in the BackupStorageLocation."""

    name: ClassVar[str] = "velero"
    title: ClassVar[str] = (
        "Velero's credentials file under the key `cloud`: a profile for its plugin for AWS, variables for "
        "Azure's (storageAccountKeyEnvVar is AZURE_STORAGE_ACCOUNT_ACCESS_KEY), the key file for Google's."
    )
    source_title: ClassVar[str] = (
        "Velero's credentials file under the key `cloud`, as its plugin for the type's cloud reads it."
    )
    secret_type: ClassVar[str] = contract.OPAQUE
    options = _ini.Options
    source_options = _ini.SourceOptions

    def serves(self, fields: Collection[str]) -> bool:
        """Tells whether a plugin of Velero's has a file for these."""
        return bool(_has_profiles(fields) or google_key_file.FIELD in fields or _names(fields))

    def render(self, material: contract.Material, options: _ini.Options) -> Mapping[str, bytes]:
        """Gives the file."""
        fields = material.fields
        if _has_profiles(fields):
            return {"cloud": _ini.render(material, options.profile, {})}
        _refuse_profile(options)
        if google_key_file.FIELD in fields:
            return {"cloud": _text.text(google_key_file.FIELD, fields[google_key_file.FIELD]).encode()}
        names = _names(material.variables)
        if secrets := {"clientSecret", "accountKey"} & names.keys() - fields.keys():
            raise errors.InvalidKeyMaterial(
                f"{min(secrets)} is missing, and the format velero holds no certificate: write a client "
                "secret, or choose another format."
            )
        written = {**fields, "cloud": _azure.NAMES[_text.line("cloud", fields["cloud"])]}
        lines = {name: (field, written[field]) for field, (name,) in names.items() if field in written}
        return {"cloud": _lines.render(lines)}

    def read(
        self, data: Mapping[str, bytes], options: _ini.SourceOptions, asked: contract.Asked
    ) -> contract.Found:
        """Reads the file."""
        where, content = _file.text(data, options.key, ["cloud"])
        if _has_profiles(asked.variables):
            return _ini.read(content, where, options.profile, asked)
        _refuse_profile(options)
        if google_key_file.FIELD in asked.variables:
            return google_key_file.file(where, content)
        names = _names(asked.variables)
        entries = _lines.read(content, where)
        if name := entries.get("AZURE_CLOUD_NAME"):
            entries["AZURE_CLOUD_NAME"] = _azure.cloud(name)
        found = _file.take(_file.encoded(entries), names, where, asked)
        return _file.need(found, *(field for field in names if field in {"clientSecret", "accountKey"}))


def _has_profiles(fields: Collection[str]) -> bool:
    return _ini.NEEDED.issubset(fields)


def _names(fields: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Gives the variables of Azure's plugin for a type; none where it has no use for the type."""
    if _azure.is_application(fields):
        return APPLICATION
    return ACCOUNT if {"accountKey", "accountName", "cloud"}.issubset(fields) else {}


def _refuse_profile(options: _ini.Options | _ini.SourceOptions) -> None:
    if "profile" in options.model_fields_set:
        raise errors.InvalidSpec("options.profile is for keys of AWS: this file has no profiles; remove it.")


FORMAT = Format()
