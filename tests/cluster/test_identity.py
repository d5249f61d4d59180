"""ServiceAccounts that providers trust need no stored key: their real tokens, before emulators that verify them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import shlex
from collections.abc import Iterator

import pytest

from cluster import space as spaces
from cluster.sites import Site
from cluster.space import Json, Space
from emulators.aws import ACCOUNT as NUMBER
from emulators.aws import AwsEmulator, allow, federate
from emulators.azure import AzureEmulator
from emulators.google import Google
from providers import entra

PROJECT = "example-project"
EMAIL = "backup@example-project.iam.gserviceaccount.com"
POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters"
PROVIDER = f"{POOL}/providers/production"
ACCOUNT = "backup"


@dataclasses.dataclass(frozen=True)
class Issuer:
    """The cluster, as providers know it, and one of its ServiceAccounts."""

    url: str
    keys: Json
    subject: str


@dataclasses.dataclass(frozen=True)
class Scene:
    """A spec without a stored key, whose it is to be, what it sees, and a permission that it lacks.

    `issues`: the kind of short-lived key that is published, `as_`: its environment variable.
    """

    spec: Json
    principal: str
    reach: int
    has: str
    lacks: str
    issues: str = "AccessToken"
    as_: str = "GOOGLE_OAUTH_ACCESS_TOKEN"


@contextlib.contextmanager
def google(issuer: Issuer) -> Iterator[Scene]:
    with Google() as emulator:
        emulator.create_account(EMAIL, project=PROJECT)
        emulator.trust_issuer(issuer.url, issuer.keys, provider=PROVIDER)
        emulator.let_impersonate(EMAIL, f"principal:{POOL}/subject/{issuer.subject}")
        has = "storage.buckets.list"
        emulator.grant(PROJECT, f"serviceAccount:{EMAIL}", has, "resourcemanager.projects.get")
        spec = {
            "google": {"apiEndpoint": emulator.url, "caBundle": emulator.ca_pem.decode()},
            "workloadIdentity": {"provider": PROVIDER, "impersonate": EMAIL},
        }
        yield Scene(spec, EMAIL, reach=1, has=has, lacks="storage.objects.get")


@contextlib.contextmanager
def azure(issuer: Issuer) -> Iterator[Scene]:
    with AzureEmulator() as emulator:
        stage = entra.staged(emulator)
        emulator.trust_issuer(issuer.url, issuer.keys)
        emulator.add_federated_credential(entra.CLIENT, issuer.url, issuer.subject)
        has = "Microsoft.Compute/virtualMachines/read"
        emulator.assign_role(entra.CLIENT, entra.SUBSCRIPTION, actions=[has])
        config = {**stage.config, "subscriptionID": entra.SUBSCRIPTION, "caBundle": emulator.ca_pem.decode()}
        spec = {"azure": config, "workloadIdentity": {}}
        lacks = "Microsoft.Compute/virtualMachines/write"
        yield Scene(spec, entra.CLIENT, reach=1, has=has, lacks=lacks, as_="AZURE_ACCESS_TOKEN")


def amazon(issuer: Issuer, emulator: AwsEmulator) -> Scene:
    emulator.trust_issuer(issuer.url, issuer.keys)
    allowed = allow("s3:Get*", "iam:SimulatePrincipalPolicy", "organizations:*")
    trust = federate(issuer.url, issuer.subject)
    role = emulator.create_role("cluster", trust=trust, policies=[allowed])
    emulator.create_organization(["one", "two"])
    endpoints = dict.fromkeys(("endpoint", "iamEndpoint", "organizationsEndpoint"), emulator.url)
    spec = {"aws": {"region": "eu-west-1", **endpoints}, "workloadIdentity": {"roleARN": role}}
    principal = f"arn:aws:sts::{NUMBER}:assumed-role/cluster/credential-operator"
    issued = {"issues": "SessionToken", "as_": "AWS_SESSION_TOKEN"}
    return Scene(spec, principal, reach=3, has="s3:GetObject", lacks="s3:PutObject", **issued)


@pytest.fixture
def scenes(space: Space, aws: AwsEmulator) -> Iterator[dict[str, Scene]]:
    """Providers that trust the cluster of the space, by the name of their Credential."""
    found = json.loads(space.cluster.kubectl("get", "--raw=/.well-known/openid-configuration").stdout)
    keys = json.loads(space.cluster.kubectl("get", "--raw=/openid/v1/jwks").stdout)
    issuer = Issuer(found["issuer"], keys, f"system:serviceaccount:{space.name}:{ACCOUNT}")
    with contextlib.ExitStack() as stack:
        yield {
            "aws": amazon(issuer, aws),
            "azure": stack.enter_context(azure(issuer)),
            "google": stack.enter_context(google(issuer)),
        }


def test_a_service_account_that_the_provider_trusts_needs_no_key(
    space: Space, site: Site, scenes: dict[str, Scene]
) -> None:
    for name, scene in scenes.items():
        identity = {"serviceAccountName": ACCOUNT, **scene.spec["workloadIdentity"]}
        asked = {"validation": {"permissions": [scene.has]}, "discoverReach": True}
        asked["targets"] = [{"name": f"{name}-env", "format": "env", "issue": {"kind": scene.issues}}]
        spec = {**scene.spec, "workloadIdentity": identity, **asked}
        space.apply(space.document("Credential", name, spec))

    # What is missing is named, with what to do about it.
    for name in scenes:
        space.becomes(name, Ready="False SourceNotFound", Validated="False SourceNotFound")
        assert "may not make tokens" in _said(space, name)
    _obey(space, _said(space, "aws"))
    _look(space, "again")
    for name in scenes:
        space.until(functools.partial(_misses_the_account, space, name), "it is said what is missing")
    space.kubectl("create", "serviceaccount", ACCOUNT)

    _look(space, "at last")
    for name, scene in scenes.items():
        status = space.becomes(name, Ready="True Available", Validated="True Accepted")["status"]
        assert status["identity"]["principal"] == scene.principal
        assert status["reach"]["count"] == scene.reach
        assert status["permissions"] == {"missing": []}
        assert "source" not in status
        assert status["targets"][0]["expiresAt"]
        assert space.data(f"{name}-env")[scene.as_]

    for name, scene in scenes.items():
        more = {"validation": {"permissions": [scene.has, scene.lacks]}}
        space.patch("credential", name, {"spec": more})
    for name, scene in scenes.items():
        status = space.becomes(name, Validated="False PermissionDenied", seconds=120)["status"]
        assert status["permissions"]["missing"] == [scene.lacks]
    # A token begins so, wherever one would come to be shown.
    assert "eyJ" not in site.operator.log.read_text()


def _look(space: Space, why: str) -> None:
    """Have the operator look now, which it otherwise does within a minute."""
    mark = f"credential-operator.io/reconcile-at={why}"
    space.kubectl("annotate", "credential", "--all", "--overwrite", mark)


def _said(space: Space, name: str) -> str:
    return spaces.message(space.get("credential", name), "Validated")


def _misses_the_account(space: Space, name: str) -> bool:
    return f"ServiceAccount {ACCOUNT} does not exist" in _said(space, name)


def _obey(space: Space, message: str) -> None:
    """Do what a message says, as the administrator, and wait until it counts."""
    _, _, commands = message.partition("Allow it: ")
    for command in commands.split(" && "):
        program, *rest = shlex.split(command)
        assert program == "kubectl"
        space.cluster.kubectl(*rest)
    who = "--as=system:serviceaccount:credential-operator:credential-operator"
    may = ("auth", "can-i", "create", f"serviceaccounts/{ACCOUNT}", "--subresource=token", who)
    space.until(lambda: space.run(*may, check=False).returncode == 0, "the operator may make tokens")
