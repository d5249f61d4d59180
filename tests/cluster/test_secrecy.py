"""Key material is in Secrets and nowhere else: a canary that is planted as such is searched in all that is said.

A control plane of this file's own, so that all of its etcd can be read.
"""

import base64
import pathlib
import secrets
import urllib.parse
from collections.abc import Iterable, Iterator

import pytest

import replica
from cluster import sites, workloads
from cluster.sites import Site
from cluster.space import Json, Key, Space
from controlplane import ControlPlane
from emulators.aws import AwsEmulator, allow, trust

WINDOW = 12
"""Characters of a canary that are enough to be a leak."""
CHECK = "credential-operator.io/reconcile-at"

BUG = """
import sys
from credential_operator import __main__
from credential_operator.providers import aws

def validate(self, config, keys, context):
    key = keys.key()
    raise ValueError(f"Invalid header value {key.secret!r} of {key!r} {keys!r}")

def fields(self, config, keys):
    raise KeyError(keys.key().secret)

name = sys.argv.pop(1)
setattr(aws.Provider, name, globals()[name])
sys.exit(__main__.main())
"""
"""An operator whose credential type has a bug: what it raises says the key."""


@pytest.fixture(scope="module")
def site(aws: AwsEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ControlPlane() as plane, sites.site(plane, aws, tmp_path_factory.mktemp("secrecy")) as started:
        yield started


def canary() -> str:
    """Return key material as it may look."""
    return f"Kanarie/{secrets.token_urlsafe(30)}"


def leaks(text: bytes, canaries: Iterable[str]) -> list[str]:
    """Return what of the canaries is in a text, as it is or encoded."""
    found = []
    for whole in canaries:
        for start in range(0, len(whole) - WINDOW + 1, 3):
            part = whole[start : start + WINDOW]
            forms = {part, urllib.parse.quote(part, safe=""), part.encode().hex()}
            forms |= {base64.b64encode(part.encode()[shift:]).decode()[:-4] for shift in range(3)}
            found += [form for form in forms if form.encode() in text]
    return found


def said(site: Site, operators: Iterable[replica.Replica]) -> Iterator[tuple[str, bytes]]:
    """Yield all that is stored outside of Secrets, and all that operators have written and shown."""
    for key, value in site.plane.etcd_dump():
        if not key.startswith("/registry/secrets/"):
            yield key, value
    for operator in operators:
        yield f"log of {operator.name}", operator.log.read_bytes()
        if operator.running:
            yield "metrics", operator.get("/metrics").encode()
            for name in ("cmdline", "environ"):
                yield name, pathlib.Path(f"/proc/{operator.pid}/{name}").read_bytes()


def leaked(site: Site, canaries: list[str], *operators: replica.Replica) -> dict[str, list[str]]:
    """Return where canaries were found, and what of them."""
    places = dict(said(site, [site.operator, *operators]))
    assert any("/credentials/" in place for place in places)
    return {place: found for place, text in places.items() if (found := leaks(text, canaries))}


def test_the_search_finds_a_canary_as_it_is_and_encoded(site: Site, space: Space) -> None:
    secret = canary()
    space.apply(space.credential())
    forms = (secret, base64.b64encode(f"x{secret}".encode()).decode(), secret[7:21], secret.encode().hex())
    for number, form in enumerate(forms):
        space.kubectl("create", "configmap", f"leak-{number}", f"--from-literal=a={form}")

    found = leaked(site, [secret])

    assert sorted(place.rpartition("/")[2] for place in found) == [f"leak-{n}" for n in range(len(forms))]


def test_key_material_is_nowhere_but_in_secrets_whatever_happens_to_it(
    site: Site, space: Space, aws: AwsEmulator
) -> None:
    previous = canary()
    user = space.new_user(allow("sts:AssumeRole"))
    good, rotated = space.new_key(), space.new_key()
    role = aws.create_role(space.name, trust=trust(user))
    wrong, newline, token, control, extra, down, pasted, twice = (canary() for _ in range(8))
    assuming = {"region": "eu-west-1", "endpoint": aws.url, "assumeRole": {"roleARN": role}}
    nobody = {"region": "eu-west-1", "endpoint": "https://127.0.0.1:1"}
    targets = [{"name": f"{one}-target", "format": one} for one in ("env", "aws-credentials-file", "velero")]
    adopted, owned = ([{"name": f"{one}-env", "format": "env", "adopt": True}] for one in ("old", "helms"))
    helm = {"app.kubernetes.io/managed-by": "Helm"}
    space.apply(space.secret("old-env", {"password": previous}))
    space.apply(space.secret("helms-env", {"password": previous}, labels=helm))
    issued = [{"name": "issued-env", "format": "env", "issue": {"kind": "AssumeRole", "roleARN": role}}]
    nobodys = {"kind": "AssumeRole", "roleARN": f"{role}-of-nobody"}
    cases: dict[str, tuple[Key, dict[str, str], Json]] = {
        "good": (good, {"unrelated": extra}, {"targets": targets}),
        "role": (good, {}, {"aws": assuming}),
        "issued": (good, {}, {"targets": issued}),
        "adopted": (good, {}, {"targets": adopted}),
        "owned": (good, {}, {"targets": owned}),
        "refused": (good, {}, {"targets": [{**issued[0], "name": "refused-env", "issue": nobodys}]}),
        "wrong": ((good[0], wrong), {}, {}),
        "newline": ((good[0], f"{newline}\n"), {}, {}),
        "control": ((good[0], f"{control}\x00"), {}, {}),
        "token": (good, {"sessionToken": token}, {}),
        "down": ((good[0], down), {}, {"aws": nobody}),
        "pasted": ((f"{pasted} ", good[1]), {}, {}),
        "twice": ((twice, twice), {}, {}),
        "absent": (good, {}, {"targets": [{"name": "t", "format": "fields", "keys": {"a": "sessionToken"}}]}),
    }
    for name, (key, fields, spec) in cases.items():
        space.apply(space.source(key, name, **fields))
        space.apply(space.credential(name, secretRef={"name": name}, **spec))
    for name, ready in {
        "good": "True Available",
        "role": "True Available",
        "issued": "True Available",
        "adopted": "True Available",
        "owned": "False TargetConflict",
        "refused": "False PermissionDenied",
        "wrong": "Unknown Pending",
        "newline": "False InvalidKeyMaterial",
        "control": "False InvalidKeyMaterial",
        "token": "Unknown Pending",
        "down": "False ProviderUnreachable",
        "pasted": "False InvalidKeyMaterial",
        "twice": "Unknown Pending",
        "absent": "False Misconfigured",
    }.items():
        space.becomes(name, Ready=ready)

    waiting = {"refused-env", "newline-env", "control-env", "down-env", "pasted-env", "t"}
    space.apply(*(workloads.pod(name, name) for name in waiting))
    told = ("Warning", "TargetNotPublished")
    space.until(lambda: all(told in space.events(name) for name in waiting), "who waits is told")

    aws.faults.answer(
        f"<Error><Code>AccessDenied</Code><Message>{good[1]}</Message></Error>", status=403, count=1
    )
    space.kubectl("annotate", "credential", "good", f"{CHECK}=1")
    space.becomes("good", Validated="Unknown Unconfirmed")
    space.apply(space.source(rotated, "good"))
    space.becomes("good", Ready="True Available")
    space.kubectl("delete", "secret", "env-target")
    space.until(lambda: space.key_in("env-target") == rotated, "the target is repaired")
    space.kubectl("delete", "credential", "role")

    session = space.data("issued-env")
    issued_keys = [session["AWS_SECRET_ACCESS_KEY"], session["AWS_SESSION_TOKEN"]]
    assert good[1] not in str(session)
    assert space.data("old-env-before-adoption") == {"password": previous}
    canaries = [
        previous,
        good[1],
        *issued_keys,
        rotated[1],
        wrong,
        newline,
        token,
        control,
        extra,
        down,
        pasted,
        twice,
    ]
    assert leaked(site, canaries) == {}


@pytest.mark.parametrize("where", ["validate", "fields"])
def test_a_bug_that_carries_key_material_in_its_exception_does_not_tell_it(
    site: Site, space: Space, where: str
) -> None:
    space.new_user()
    key = space.new_key()
    site.operator.stop()
    broken = replica.Replica(
        site.kubeconfig,
        site.operator.log.parent,
        name=f"broken-{where}",
        settings=sites.chosen(site.aws),
        command=("-c", BUG, where, "run"),
    )
    try:
        with broken:
            space.apply(space.source(key), space.credential())
            if where == "validate":
                space.becomes(Ready="Unknown InternalError", Reconciling="True InternalError")
            else:
                sites.wait(
                    lambda: broken.metric("credential_operator_reconcile_total", result="InternalError") > 0,
                    "the bug was met",
                )
            assert leaked(site, [key[1]], broken) == {}
            assert "ValueError" in broken.tail() or "KeyError" in broken.tail()
    finally:
        site.operator.start()
    space.becomes(Ready="True Available", seconds=120)
