"""The rules of apiKey."""

from typing import Any

from cluster.cases.case import Case, probe_cases, probing
from cluster.crds import Json, spec


def preset(name: str, **changes: Any) -> Json:
    """Return a spec of a preset, changed."""
    return spec(without="aws", apiKey={"preset": name, **changes})


CASES = {
    **dict(probe_cases("apiKey", "key")),
    "apiKey: the field is a name": Case(
        "spec.apiKey.field",
        "must be a name: letters, digits, '-', '_' and '.', such as X-API-Key",
        good=probing("apiKey", field="X-API-Key"),
        bad=probing("apiKey", field="X API Key"),
    ),
    "apiKey: the prefix is a word": Case(
        "spec.apiKey.prefix",
        "must be a word without white space, such as Bearer",
        good=probing("apiKey", prefix="Bearer"),
        bad=probing("apiKey", prefix="Bearer "),
    ),
    "apiKey: a preset says everything": Case(
        "spec.apiKey.preset",
        "a preset says how the key is sent and proved: remove location, field, prefix and probe, or the preset",
        good=preset("GitHub", location="Header"),
        bad=preset("GitHub", prefix="token"),
    ),
    "apiKey: a server of one's own has an address": Case(
        "spec.apiKey.preset",
        "preset Grafana has no public address: write the server's under endpoint",
        good=preset("Grafana", endpoint="https://grafana.example.com:3000/sub"),
        bad=preset("Grafana"),
    ),
    "apiKey: the endpoint is a URL": Case(
        "spec.apiKey.endpoint",
        "must be a URL that begins with https://, such as https://grafana.example.com",
        good=preset("GitHub", endpoint="https://github.example.com/api/v3"),
        bad=preset("GitHub", endpoint="http://github.example.com"),
    ),
    "apiKey: the endpoint is a preset's": Case(
        "spec.apiKey.endpoint",
        "is for presets: remove it, and write the whole URL under probe.url",
        good=preset("GitLab", endpoint="https://gitlab.example.com"),
        bad=spec(without="aws", apiKey={"endpoint": "https://gitlab.example.com"}),
    ),
    "apiKey: the bundle is a preset's": Case(
        "spec.apiKey.caBundle",
        "is for presets: remove it, and write the certificates under probe.caBundle",
        good=preset("GitLab", caBundle="-----BEGIN CERTIFICATE-----"),
        bad=probing("apiKey", caBundle="-----BEGIN CERTIFICATE-----"),
    ),
}
