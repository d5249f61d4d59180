"""The rules of apiKey."""

from cluster.cases.case import Case, probe_cases, probing

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
}
