"""The rule of opaque, and what it has none for: its fields are the source Secret's."""

from cluster.cases.case import Case
from cluster.crds import spec

CASES = {
    "opaque: a target has a format that can hold it": Case(
        "spec.targets",
        "must have formats that can serve opaque: env, env-file, fields, ini, json",
        good=spec(
            without="aws",
            opaque={},
            secretRef={"name": "keys", "keys": {"LICENSE_KEY": "licence.key"}},
            targets=[{"name": "a", "format": "fields", "keys": {"it": f"{'a' * 249}.p12"}}],
        ),
        bad=spec(without="aws", opaque={}, targets=[{"name": "a", "format": "velero"}]),
    ),
}
