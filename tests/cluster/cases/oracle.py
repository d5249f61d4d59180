"""The rules of oracle."""

from cluster.cases.case import Case, field_cases, probing, without_key
from cluster.crds import Json, spec

TENANCY = f"ocid1.tenancy.oc1..{'a' * 60}"
USER = f"ocid1.user.oc1..{'b' * 60}"
FINGERPRINT = "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34"


def signing(**changes: str) -> Json:
    """Return a spec of an API signing key, changed."""
    config = {
        "tenancyOCID": TENANCY,
        "userOCID": USER,
        "fingerprint": FINGERPRINT,
        "region": "eu-frankfurt-1",
        **changes,
    }
    return spec(without="aws", oracle=config)


CASES = {
    **dict(field_cases("oracle", "privateKey", signing(), sources="env, fields")),
    "oracle: the tenancy is an OCID": Case(
        "spec.oracle.tenancyOCID",
        "must be the OCID of a tenancy: ocid1.tenancy.oc1.. and letters and digits",
        good=signing(tenancyOCID=f"ocid1.tenancy.oc19..{'a' * 60}"),
        bad=signing(tenancyOCID=USER),
    ),
    "oracle: the user is an OCID": Case(
        "spec.oracle.userOCID",
        "must be the OCID of a user: ocid1.user.oc1.. and letters and digits",
        good=signing(userOCID=f"ocid1.user.oc1.eu-frankfurt-1.{'b' * 60}"),
        bad=signing(userOCID=TENANCY),
    ),
    "oracle: the fingerprint is one": Case(
        "spec.oracle.fingerprint",
        "must be a key's fingerprint as the console shows it: 16 pairs of 0-9a-f with colons between",
        good=signing(fingerprint=FINGERPRINT.replace("3", "4")),
        bad=signing(fingerprint=FINGERPRINT.replace(":", "")),
    ),
    "oracle: the region is one": Case(
        "spec.oracle.region",
        "must be a region of Oracle's, such as eu-frankfurt-1",
        good=signing(region="us-gov-ashburn-1"),
        bad=signing(region="fra"),
    ),
    "oracle: permissions can be asked for": Case(
        "spec.validation.permissions",
        "can be set for the types",
        good={**signing(), "validation": {"permissions": ["BUCKET_READ"]}},
        bad={**probing("basic"), "validation": {"permissions": ["BUCKET_READ"]}},
    ),
    "oracle: compartments can be counted": Case(
        "spec.discoverReach",
        "can be set for the types",
        good={**signing(), "discoverReach": True},
        bad={**probing("basic"), "discoverReach": True},
    ),
    "oracle: a key has to be stored": Case(
        "spec.workloadIdentity",
        "can be set for the types",
        good=signing(),
        bad={**without_key(signing()), "workloadIdentity": {"serviceAccountName": "backup"}},
    ),
    "oracle: the endpoint is a URL": Case(
        "spec.oracle.endpoint",
        "must be a URL without path, such as https://identity.eu-frankfurt-1.oraclecloud.com",
        good=signing(endpoint="https://identity.example.com:8443/"),
        bad=signing(endpoint="https://identity.example.com/20160918"),
    ),
    "oracle: the authentication service's endpoint is a URL": Case(
        "spec.oracle.authEndpoint",
        "must be a URL without path, such as https://auth.eu-frankfurt-1.oraclecloud.com",
        good=signing(authEndpoint="https://auth.example.com:8443/"),
        bad=signing(authEndpoint="https://auth.example.com/v1"),
    ),
}
