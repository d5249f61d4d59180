"""A user name and a password in the Secret type that Kubernetes has for them.

kubernetes.io/docs/concepts/configuration/secret/#basic-authentication-secret
"""

from typing import ClassVar

from credential_operator.formats import _keys, contract

TYPE = "kubernetes.io/basic-auth"


class Format(_keys.Format[contract.Options]):
    """The two keys that Kubernetes asks for."""

    name: ClassVar[str] = "basic-auth"
    title: ClassVar[str] = (
        "`username` and `password` in a `kubernetes.io/basic-auth` Secret: for Flux, Tekton, Kamelets."
    )
    secret_type: ClassVar[str] = TYPE
    options = contract.Options
    layouts = (_keys.Layout(needs=_keys.LOGIN, names={"username": "username", "password": "password"}),)


FORMAT = Format()
