"""What Pods say of the Secrets that they use, and which of these look like keys that nobody manages."""

from typing import Any

import pytest

from cli import world
from credential_operator.api import reports
from credential_operator.cli import mentions, store, trial, unmanaged
from credential_operator.cli.documents import Credential, Reference

Json = dict[str, Any]

CANARY = "Kanarie7bPxRfiCYEXAMPLEKEYwJalrXUtnFEMIK"
KEY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def held(variable: str, secret: str, key: str = "") -> Json:
    """Return a variable that a Secret gives."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key or variable}}}


def plain(**variables: str) -> list[Json]:
    """Return variables with a value."""
    return [{"name": name, "value": value} for name, value in variables.items()]


def workload(*env: Json, kind: str = "Deployment", name: str = "api", **container: Any) -> Json:
    """Return a workload of one container; `volumes` and `imagePullSecrets` are of its Pods."""
    spec: Json = {word: container.pop(word) for word in ("volumes", "imagePullSecrets") if word in container}
    spec["containers"] = [{"name": "main", "env": [*env], **container}]
    template: Json = {"spec": spec} if kind == "Pod" else {"spec": {"template": {"spec": spec}}}
    if kind == "CronJob":
        template = {"spec": {"jobTemplate": template}}
    return {"kind": kind, "metadata": {"name": name, "namespace": "team-a"}, **template}


def mounting(path: str, *env: Json, **more: Any) -> Json:
    """Return a workload that mounts a Secret; `items` are of the volume, the rest of the mount."""
    items = {"items": more.pop("items")} if "items" in more else {}
    volume = {"name": "v", "secret": {"secretName": "keys", **items}}
    return workload(*env, volumes=[volume], volumeMounts=[{"name": "v", "mountPath": path, **more}])


def loose(
    *found: Json, known: set[tuple[str, str]] | None = None
) -> tuple[list[reports.Loose], list[reports.Loose]]:
    return unmanaged.loose(mentions.mentions(found), known or set(), store.consumers(found))


def one(*found: Json) -> reports.Loose:
    """Return the one Secret that looks like a key; its manifest is one that can be read."""
    (told,), _ = loose(*found)
    if told.manifest:
        trial.read(told.manifest, "team-a", trial.catalogue())
    return told


def spec(*found: Json) -> Any:
    """Return the spec that is proposed."""
    told = one(*found)
    assert told.manifest, told.said
    return told.manifest["spec"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"])
def test_every_kind_of_workload_is_looked_at(kind: str) -> None:
    told = one(workload(*(held(name, "keys") for name in KEY), kind=kind))

    assert (told.namespace, told.name, told.type, told.keys) == ("team-a", "keys", "aws", KEY)
    assert [(user.kind, user.name) for user in told.users] == [(kind, "api")]
    assert told.manifest is not None
    assert told.manifest["metadata"] == {"name": "keys", "namespace": "team-a"}
    assert told.manifest["spec"] == {"aws": {}, "secretRef": {"name": "keys"}}


def test_init_containers_count_and_what_has_ended_does_not() -> None:
    pod = workload(kind="Pod")
    pod["spec"]["initContainers"] = [{"name": "first", "env": [held(name, "keys") for name in KEY]}]
    assert one(pod).type == "aws"

    assert loose({**pod, "status": {"phase": "Succeeded"}}) == ([], [])


def test_public_fields_that_stand_in_plain_are_taken_over() -> None:
    keys = [held(name, "keys") for name in KEY]

    assert spec(workload(*keys, *plain(AWS_REGION="eu-west-1")))["aws"] == {"region": "eu-west-1"}
    assert spec(workload(*keys, *plain(AWS_REGION=f"{CANARY} {CANARY}")))["aws"] == {}
    assert spec(workload(*keys, *plain(AWS_ENDPOINT_URL_S3="https://minio:9000")))["s3"] == {
        "endpoint": "https://minio:9000"
    }
    hidden = spec(workload(*keys, *plain(AWS_ENDPOINT_URL_S3=f"https://me:{CANARY}@minio:9000")))
    assert hidden == {"aws": {}, "secretRef": {"name": "keys"}}


def test_fields_that_differ_between_workloads_are_left_out() -> None:
    keys = [held(name, "keys") for name in KEY]

    found = [workload(*keys, *plain(AWS_REGION=region), name=region) for region in ("eu-west-1", "us-east-1")]

    assert spec(*found)["aws"] == {}


def test_keys_of_other_names_are_named() -> None:
    found = workload(held(KEY[0], "keys", "id"), held(KEY[1], "keys", "secret"))

    assert spec(found)["secretRef"] == {
        "name": "keys",
        "keys": {"accessKeyID": "id", "secretAccessKey": "secret"},
    }


def test_half_a_key_is_told_and_not_proposed() -> None:
    told = one(
        workload(held("AWS_SECRET_ACCESS_KEY", "keys"), *plain(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE"))
    )

    assert (told.type, told.manifest) == ("aws", None)
    assert told.said[1].startswith("accessKeyID: needed, and no Pod says it.")


def test_fields_that_only_the_secret_has_are_told() -> None:
    told = one(workload(held("AZURE_CLIENT_SECRET", "keys"), held("AZURE_TENANT_ID", "keys")))

    assert (told.type, told.manifest) == ("azure", None)
    assert told.said[1].startswith("clientID, tenantID: needed")


@pytest.mark.parametrize(
    ("variable", "key"),
    [("DB_PASSWORD", "password"), ("TOKEN", "token"), ("KEY", "key"), ("PEM", "privateKey")],
)
def test_names_that_say_nothing_are_left_alone(variable: str, key: str) -> None:
    assert loose(workload(held(variable, "keys", key))) == ([], [])


@pytest.mark.parametrize(
    ("found", "type_", "reference"),
    [
        (
            mounting("/var/google", *plain(GOOGLE_APPLICATION_CREDENTIALS="/var/google/sa.json")),
            "google",
            {"format": "google-key-file", "options": {"key": "sa.json"}},
        ),
        (mounting("/root/.aws/", *plain(HOME="/root")), "aws", {"format": "aws-credentials-file"}),
        (
            mounting(
                "/etc/aws",
                *plain(AWS_SHARED_CREDENTIALS_FILE="/etc/aws/config/key"),
                items=[{"key": "file", "path": "config/key"}],
            ),
            "aws",
            {"format": "aws-credentials-file", "options": {"key": "file"}},
        ),
        (
            mounting("/key.json", *plain(GOOGLE_APPLICATION_CREDENTIALS="/key.json"), subPath="key.json"),
            "google",
            {},
        ),
    ],
    ids=["folder", "home", "items", "subPath"],
)
def test_files_are_known_by_what_points_to_them(found: Json, type_: str, reference: Json) -> None:
    assert spec(found) == {type_: {}, "secretRef": {"name": "keys", **reference}}


def test_projected_volumes_name_secrets_too() -> None:
    sources = [{"secret": {"name": "keys"}}, {"configMap": {"name": "other"}}]
    volume = {"name": "v", "projected": {"sources": sources}}
    mounts = [{"name": "v", "mountPath": "/.aws"}, {"name": "elsewhere", "mountPath": "/data"}]

    assert one(workload(volumes=[volume], volumeMounts=mounts)).type == "aws"


def test_a_file_that_may_be_of_several_providers_is_told_as_such() -> None:
    names = ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE", "AZURE_CREDENTIALS_FILE")

    told = one(mounting("/credentials", *plain(**dict.fromkeys(names, "/credentials/cloud"))))

    assert (told.type, told.manifest, told.keys) == ("", None, ("cloud",))
    assert told.said[0].startswith("It holds a file for aws or azure or google: ")


@pytest.mark.parametrize(
    ("images", "host"),
    [
        (["ghcr.io/a/b:1"], "ghcr.io"),
        (["localhost:5000/a"], "localhost:5000"),
        (["nginx"], "docker.io"),
        (["me/mine"], "docker.io"),
    ],
)
def test_a_pull_secret_is_for_the_registry_of_the_images(images: list[str], host: str) -> None:
    found = [workload(image=image, imagePullSecrets=[{"name": "pull"}]) for image in images]

    assert spec(*found) == {
        "registry": {"host": host},
        "secretRef": {"name": "pull", "format": "docker-registry"},
    }


def test_a_pull_secret_for_several_registries_is_told() -> None:
    images = ("ghcr.io/a", "quay.io/b")
    told = one(
        *(workload(image=image, name=image[:4], imagePullSecrets=[{"name": "pull"}]) for image in images)
    )

    assert (told.type, told.manifest) == ("registry", None)
    assert "host: needed" in told.said[1]


def test_what_is_used_whole_cannot_be_told() -> None:
    told, unseen = loose(
        workload(envFrom=[{"secretRef": {"name": "whole"}}, {"configMapRef": {"name": "c"}}])
    )

    assert (told, [one.name for one in unseen]) == ([], ["whole"])


def test_what_a_credential_has_is_left_out() -> None:
    made = Credential(
        world.credential(
            "a",
            1,
            {"secretRef": {"name": "source"}, "rotation": {"store": "kept"}, "targets": [{"name": "target"}]},
        )
    )
    borrowed = Reference(world.reference("b", world.BACKUPS, target={"name": "borrowed", "format": "env"}))
    declared = Reference(world.reference("c", world.BACKUPS))
    names = ("source", "kept", "target", "borrowed", "loose")
    found = [workload(*(held(key, name) for key in KEY), name=name) for name in names]

    told, unseen = loose(*found, known=unmanaged.managed([made], [borrowed, declared]))

    assert ([one.name for one in told], unseen) == (["loose"], [])


def test_a_service_account_says_nothing() -> None:
    account = {
        "kind": "ServiceAccount",
        "metadata": {"name": "a", "namespace": "team-a"},
        "secrets": [{"name": "k"}],
    }

    assert loose(account) == ([], [])
