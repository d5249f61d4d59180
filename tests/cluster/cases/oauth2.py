"""The rules of oauth2."""

from typing import Any

from cluster.cases.case import Case, field_cases
from cluster.crds import Json, spec


def asking(**changes: Any) -> Json:
    """Return a spec of the type, changed."""
    return spec(without="aws", oauth2={"tokenURL": "https://login.example.com/token", **changes})


def asserting(**changes: Any) -> Json:
    """Return a spec that signs assertions, changed."""
    return asking(grant="JWTBearer", issuer="me", **changes)


CASES = {
    "oauth2: tokens are asked for at a URL": Case(
        "spec.oauth2.tokenURL",
        "must be a URL that begins with https://, such as https://login.example.com/oauth2/token",
        good=asking(tokenURL="https://login.example.com:8443/token?a=b"),
        bad=asking(tokenURL="https://login.example.com/token#a"),
    ),
    "oauth2: a scope is one": Case(
        "spec.oauth2.scopes[0]",
        "must be one scope, without white space, such as api.read",
        good=asking(scopes=["api.read", "https://api.example.com/.default"]),
        bad=asking(scopes=["api.read api.write"]),
    ),
    "oauth2: additional parameters have names": Case(
        "spec.oauth2.additionalParams",
        "every key must be a name: letters, digits, ",
        good=asking(additionalParams={"resource": "https://api.example.com/?a=b"}),
        bad=asking(additionalParams={"a b": "c"}),
    ),
    "oauth2: additional parameters hold no key and are not the grant's": Case(
        "spec.oauth2.additionalParams",
        "must be parameters that hold no key material and are not the grant's to set",
        good=asking(additionalParams={"tenant": "a"}),
        bad=asking(additionalParams={"Client_Secret": "canary"}),
    ),
    "oauth2: an assertion lives an hour at most": Case(
        "spec.oauth2.lifetime",
        "must be a duration from 10s to 1h",
        good=asserting(lifetime="1h"),
        bad=asserting(lifetime="61m"),
    ),
    "oauth2: claims have names": Case(
        "spec.oauth2.claims",
        "every key must be a name: letters, digits, ",
        good=asserting(claims={"https://example.com/team": "a"}),
        bad=asserting(claims={"a b": "c"}),
    ),
    "oauth2: claims hold no key and are not the operator's": Case(
        "spec.oauth2.claims",
        "must be claims that hold no key material and are not the operator's to set",
        good=asserting(claims={"scope": "a b"}),
        bad=asserting(claims={"exp": "1"}),
    ),
    "oauth2: a key's ID has no white space": Case(
        "spec.oauth2.keyID",
        "must be a key ID without white space, as the provider shows it",
        good=asserting(keyID="a/b=="),
        bad=asserting(keyID="a b"),
    ),
    **dict(field_cases("oauth2", "clientSecret", asking(), sources="env, fields")),
}
