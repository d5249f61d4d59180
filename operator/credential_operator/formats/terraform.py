"""Variables that Terraform's and OpenTofu's providers and backends read where their configuration says nothing.

The documentation of the providers hashicorp/aws, hashicorp/azurerm ("Authenticating using a Service Principal with a
Client Secret"), hashicorp/google ("Provider Configuration Reference") and oracle/oci ("Configuring the Provider":
`TF_VAR_` variables), and of the backend azurerm (ARM_ACCESS_KEY).
"""

from collections.abc import Mapping
from typing import ClassVar

from credential_operator.formats import _keys, _text, contract, env

ENVIRONMENTS = {"AzurePublic": "public", "AzureUSGovernment": "usgovernment", "AzureChina": "china"}


class Format(_keys.Format[contract.Options]):
    """What the provider of the type's cloud reads, one key each."""

    name: ClassVar[str] = "terraform"
    title: ClassVar[str] = (
        "Variables of Terraform and OpenTofu, for `envFrom`: AWS_*, ARM_* (ARM_ACCESS_KEY for state in a storage "
        "account), GOOGLE_CREDENTIALS and GOOGLE_PROJECT, TF_VAR_* of Oracle's provider."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(needs=_keys.ACCESS_KEY, names={}),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={
                "ARM_CLIENT_ID": "clientID",
                "ARM_CLIENT_SECRET": "clientSecret",
                "ARM_TENANT_ID": "tenantID",
                "ARM_SUBSCRIPTION_ID": "subscriptionID",
                "ARM_ENVIRONMENT": "environment",
            },
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(
            needs=_keys.STORAGE_ACCOUNT,
            names={"ARM_ACCESS_KEY": "accountKey", "ARM_ENVIRONMENT": "environment"},
        ),
        _keys.Layout(
            needs=_keys.SERVICE_ACCOUNT,
            names={"GOOGLE_CREDENTIALS": "serviceAccountJSON", "GOOGLE_PROJECT": "projectID"},
        ),
        _keys.Layout(
            needs=_keys.SIGNING_KEY,
            names={
                "TF_VAR_tenancy_ocid": "tenancyOCID",
                "TF_VAR_user_ocid": "userOCID",
                "TF_VAR_fingerprint": "fingerprint",
                "TF_VAR_private_key": "privateKey",
                "TF_VAR_private_key_password": "passphrase",
                "TF_VAR_region": "region",
            },
        ),
    )

    def render(self, material: contract.Material, options: contract.Options) -> Mapping[str, bytes]:
        """Gives the variables; those of AWS are its SDKs' own."""
        if _keys.ACCESS_KEY.issubset(material.variables):
            return env.FORMAT.render(material, options)
        return super().render(material, options)

    def values(self, fields: _keys.Values, _: contract.Options) -> _keys.Values:
        """Adds the cloud as the provider calls it."""
        if "cloud" not in fields:
            return fields
        return {**fields, "environment": ENVIRONMENTS[_text.line("cloud", fields["cloud"])]}


FORMAT = Format()
