"""The rules of jwt."""

from cluster.cases.case import Case, probe_cases, probing

CASES = {
    **dict(probe_cases("jwt", "token")),
    "jwt: a token lives an hour at most": Case(
        "spec.jwt.lifetime",
        "must be a duration from 10s to 1h",
        good=probing("jwt", lifetime="10s"),
        bad=probing("jwt", lifetime="9s"),
    ),
    "jwt: a key's ID has no white space": Case(
        "spec.jwt.keyID",
        "must be a key ID without white space, as the provider shows it",
        good=probing("jwt", keyID="2026-01"),
        bad=probing("jwt", keyID="a b"),
    ),
    "jwt: claims have names": Case(
        "spec.jwt.claims",
        "every key must be a name: letters, digits, ",
        good=probing("jwt", claims={"https://example.com/team": "a"}),
        bad=probing("jwt", claims={"a b": "c"}),
    ),
    "jwt: claims hold no key and are not the operator's": Case(
        "spec.jwt.claims",
        "must be claims that hold no key material and are not the operator's to set",
        good=probing("jwt", claims={"scope": "a b"}),
        bad=probing("jwt", claims={"password": "canary"}),
    ),
    "jwt: headers have names": Case(
        "spec.jwt.headers",
        "every key must be a name: letters, digits, ",
        good=probing("jwt", headers={"cty": "JWT"}),
        bad=probing("jwt", headers={"a b": "c"}),
    ),
    "jwt: headers hold no key and do not say how they are verified": Case(
        "spec.jwt.headers",
        "must be headers that hold no key material and do not say how the token is verified",
        good=probing("jwt", headers={"typ": "at+jwt"}),
        bad=probing("jwt", headers={"alg": "none"}),
    ),
}
