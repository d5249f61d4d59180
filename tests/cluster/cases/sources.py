"""The rules of layouts of source Secrets."""

from typing import Any

from cluster.cases.azure import azure
from cluster.cases.case import Case, source_case
from cluster.cases.google import keyed
from cluster.cases.registry import user
from cluster.crds import Json, spec

AWS = "aws-credentials-file, env, fields, velero"
TAKES = {
    "aws-credentials-file": "the options key, profile",
    "azure-sdk-auth": "the options key",
    "docker-registry": "the options key",
    "env": "no options",
    "fields": "no options",
    "google-key-file": "the options key",
    "ini": "the options key, section",
    "velero": "the options key, profile",
}
"""What each layout of a source Secret takes."""


def source(whole: Json | None = None, **reference: Any) -> Json:
    """Return a spec whose source Secret is named so."""
    return {**(whole or spec()), "secretRef": {"name": "keys", **reference}}


def typed(layout: str) -> Json:
    """Return a spec of a type that can be read from a layout."""
    types = {"azure-sdk-auth": azure(), "google-key-file": keyed(), "docker-registry": user()}
    return types.get(layout, spec())


def lacking(layout: str) -> dict[str, str]:
    """Return an option that a layout does not take."""
    return {"profile": "a"} if layout == "ini" else {"section": "a"}


CASES = {
    **{
        f"a source of the format {layout} takes its own options": Case(
            "spec.secretRef.options",
            f"format {layout} takes {takes}: remove the others",
            good=source(typed(layout), format=layout, options={"key": "a"} if "key" in takes else {}),
            bad=source(typed(layout), format=layout, options=lacking(layout)),
        )
        for layout, takes in TAKES.items()
    },
    **dict(
        (
            source_case("aws", spec(), sources=AWS, wrong="google-key-file"),
            source_case("s3", spec(without="aws", s3={}), sources=AWS, wrong="docker-registry"),
        )
    ),
    "a source has keys of one's own choice in one format only": Case(
        "spec.secretRef.keys",
        "must be set for the format fields only: velero knows where its fields stand; remove it",
        good=source(format="fields", keys={"accessKeyID": "user"}),
        bad=source(format="velero", keys={"accessKeyID": "user"}),
    ),
    "a source's file is under a key that a Secret can have": Case(
        "spec.secretRef.options.key",
        "must be a key of a Secret: letters, digits, '-', '_' and '.', such as access-key",
        good=source(format="velero", options={"key": "bsl.credentials"}),
        bad=source(format="velero", options={"key": "bsl/credentials"}),
    ),
    "a source's profile has a name that tools can read": Case(
        "spec.secretRef.options.profile",
        "must be a profile's name: letters, digits, '.', '_' and '-'",
        good=source(format="velero", options={"profile": "a-1"}),
        bad=source(format="velero", options={"profile": "a]b"}),
    ),
    "a source's section has a name that tools can read": Case(
        "spec.secretRef.options.section",
        "must be a section's name: letters, digits, '.', '_' and '-'",
        good=source(format="ini", options={"section": "DEFAULT"}),
        bad=source(format="ini", options={"section": "[a]"}),
    ),
}
