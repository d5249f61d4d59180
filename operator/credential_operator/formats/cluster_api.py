"""Secrets of Cluster API's identities, which its providers read by fixed keys.

github.com/kubernetes-sigs: cluster-api-provider-aws (AWSClusterStaticIdentity), cluster-api-provider-azure
(AzureClusterIdentity, docs/book/src/topics/multitenancy.md), cluster-api-provider-gcp (cloud/scope/credentials.go);
github.com/oracle/cluster-api-provider-oci (OCIClusterIdentity, cloud/util/util.go and cloud/config).
"""

from typing import ClassVar

from credential_operator.formats import _keys, contract


class Format(_keys.Format[contract.Options]):
    """What the identity of the type's cloud reads."""

    name: ClassVar[str] = "cluster-api"
    title: ClassVar[str] = (
        "The Secret of a Cluster API identity: AWSClusterStaticIdentity, AzureClusterIdentity, OCIClusterIdentity, "
        "credentialsRef of a GCPCluster."
    )
    options = contract.Options
    layouts = (
        _keys.Layout(
            needs=_keys.AWS,
            names={
                "AccessKeyID": "accessKeyID",
                "SecretAccessKey": "secretAccessKey",
                "SessionToken": "sessionToken",
            },
        ),
        _keys.Layout(
            needs=_keys.APPLICATION,
            names={"clientSecret": "clientSecret"},
            lacks=frozenset({"clientCertificate"}),
        ),
        _keys.Layout(needs=_keys.SERVICE_ACCOUNT, names={"credentials": "serviceAccountJSON"}),
        _keys.Layout(
            needs=_keys.SIGNING_KEY,
            names={
                "tenancy": "tenancyOCID",
                "user": "userOCID",
                "key": "privateKey",
                "fingerprint": "fingerprint",
                "passphrase": "passphrase",
                "region": "region",
                "useInstancePrincipal": "useInstancePrincipal",
            },
        ),
    )

    def values(self, fields: _keys.Values, _: contract.Options) -> _keys.Values:
        """Says to Oracle's provider that the key is what to use."""
        return {**fields, "useInstancePrincipal": "false"}


FORMAT = Format()
