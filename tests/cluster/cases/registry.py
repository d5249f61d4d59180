"""The rules of registry."""

from typing import Any

from cluster.cases.case import Case, field_cases
from cluster.crds import Json, spec


def user(**changes: Any) -> Json:
    """Return a spec of the type, changed."""
    return spec(without="aws", registry={"host": "registry.example.com", **changes})


CASES = {
    "registry: the host is a host": Case(
        "spec.registry.host",
        "must be a registry's host, with its port where that is not 443, such as registry.example.com:5000",
        good=user(host="[2001:db8::1]:5000"),
        bad=user(host="https://index.docker.io/v1/"),
    ),
    "registry: a repository is without host and tag": Case(
        "spec.registry.repository",
        "must be a repository without host and tag, such as team/app",
        good=user(repository="team/sub-team/my__app.v2"),
        bad=user(repository="team/app:1.0"),
    ),
    **dict(field_cases("registry", "password", user(), sources="docker-registry, env, fields")),
}
