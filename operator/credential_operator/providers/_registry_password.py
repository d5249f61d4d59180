"""Passwords of container registries that clouds make from keys of theirs."""

import re
from collections.abc import Mapping

from credential_operator import errors
from credential_operator.providers import _issued, _registry, contract, issue

NAME = "RegistryPassword"
VARIABLES: Mapping[str, tuple[str, ...]] = {**_registry.VARIABLES, **_issued.EXPIRES}


def require_host(options: issue.Registry, form: re.Pattern[str], cloud: str, example: str) -> re.Match[str]:
    """Gives the parts of a registry's host; raises Misconfigured for one that is not of a cloud."""
    found = form.fullmatch(options.registry)
    if found is None:
        raise foreign(options, cloud, example)
    return found


def foreign(options: issue.Registry, cloud: str, example: str) -> errors.Misconfigured:
    """Says that a registry is not of a cloud."""
    return errors.Misconfigured(
        f"issue.registry is {options.registry}, which is no registry of {cloud}: those are called like {example}."
    )


def hand_over(
    options: issue.Registry,
    username: str,
    password: _issued.Token,
    context: contract.Context,
    where: str,
) -> issue.Issued:
    """Gives the fields by the names that the type registry has for them."""
    fields = {"username": username, "password": password.text, "host": options.registry}
    return _issued.hand_over(fields, password.expires_at, context, where)
