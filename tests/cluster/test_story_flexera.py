"""The way of Flexera's page on managing credentials: create, rotate and remove one of every scheme."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from cluster.desk import Desk
from cluster.space import Json
from credential_operator.cli import flags
from emulators.aws import trust
from emulators.azure import AzureEmulator
from emulators.google import Google
from emulators.http_api import HttpApi
from emulators.ntlm import Ntlm
from emulators.oauth2 import OAuth2Server
from emulators.oracle import Oracle
from providers import entra, test_oracle

EMAIL = "backup@example-project.iam.gserviceaccount.com"
FIRST, SECOND = "Kanarie-first-7bPxRfiCYEXAMPLEKEY", "Kanarie-second-7bPxRfiCYEXAMPLEKEY"
NAME, VALID = "mine", "mine is valid"


@dataclasses.dataclass(frozen=True)
class Scheme:
    """What somebody fills in: a type's public fields, and two keys, one after the other.

    `changed` are public fields that go with the second key; `said` is how the first one is judged,
    `target` has it published where flags can say how.
    """

    type: str
    config: Json
    keys: Sequence[Json]
    changed: tuple[str, str] = ("", "")
    said: str = VALID
    target: Sequence[str] = ("--target", "mine-copy=env")


def api_key(desk: Desk) -> Iterator[Scheme]:
    with HttpApi() as api:
        for text in (FIRST, SECOND):
            api.add_key(f"Bearer {text}", field="Authorization")
        config = {"location": "Header", "field": "Authorization", "prefix": "Bearer", "probe": probe(api)}
        yield Scheme("apiKey", config, [{"key": FIRST}, {"key": SECOND}])


def basic(desk: Desk) -> Iterator[Scheme]:
    with HttpApi() as api:
        yield Scheme("basic", {"probe": probe(api)}, users(api, "alice", "bob"))


def ntlm(desk: Desk) -> Iterator[Scheme]:
    with Ntlm() as server:
        yield Scheme("ntlm", {"probe": probe(server)}, users(server, r"TESTS\alice", r"TESTS\bob"))


def users(server: Any, *names: str) -> list[Json]:
    """Make two users, and return their keys."""
    found = []
    for name, password in zip(names, (FIRST, SECOND), strict=True):
        server.set_user(name, password)
        found.append({"username": name, "password": password})
    return found


def probe(server: Any) -> Json:
    """Return the request that proves a key."""
    return {"url": f"{server.url}/me", "caBundle": server.ca_pem.decode()}


def jwt(desk: Desk) -> Iterator[Scheme]:
    keys = [{"signingKey": test_oracle.pem(test_oracle.generated())} for _ in range(2)]
    config = {"algorithm": "RS256", "issuer": "me", "audience": "you"}
    yield Scheme("jwt", config, keys, said="mine is published without a check", target=())


def oauth2(desk: Desk) -> Iterator[Scheme]:
    with OAuth2Server() as server:
        keys = []
        for client, secret in (("policies", FIRST), ("policies-2", SECOND)):
            server.add_client(client, secret, scopes=["read"])
            keys.append({"clientID": client, "clientSecret": secret})
        config = {"tokenURL": server.token_url, "scopes": ["read"], "caBundle": server.ca_pem.decode()}
        yield Scheme("oauth2", config, keys)


def aws(desk: Desk, **config: Any) -> Iterator[Scheme]:
    space = desk.space
    keys = [space.fields(space.new_key()) for _ in range(2)]
    yield Scheme("aws", {"region": "eu-west-1", "endpoint": space.aws.url, **config}, keys)


def aws_sts(desk: Desk) -> Iterator[Scheme]:
    user = desk.space.arn
    role = desk.space.aws.create_role("flexera", trust=trust(user, external_id="42"))
    yield from aws(desk, assumeRole={"roleARN": role, "externalID": "42"})


def azure_rm(desk: Desk) -> Iterator[Scheme]:
    with AzureEmulator() as azure:
        stage = entra.staged(azure)
        azure.add_secret(entra.CLIENT, SECOND)
        config = {**stage.config, "resource": "management", "caBundle": azure.ca_pem.decode()}
        yield Scheme("azure", config, [dict(stage.good), {"clientSecret": SECOND}])


def azure_ea(desk: Desk) -> Iterator[Scheme]:
    keys = [{"apiKey": FIRST}, {"apiKey": SECOND}]
    yield Scheme("azureEnterprise", {"enrollment": "8608480"}, keys, said="mine is published without a check")


def gce(desk: Desk) -> Iterator[Scheme]:
    with Google() as google:
        google.create_account(EMAIL, project="example-project")
        keys = [google.create_key(EMAIL) for _ in range(2)]
        config = {"tokenURL": google.token_url, "apiEndpoint": google.url}
        yield Scheme("google", {**config, "caBundle": google.ca_pem.decode()}, keys)


def oracle(desk: Desk) -> Iterator[Scheme]:
    tenancy, user = test_oracle.TENANCY, test_oracle.USER
    with Oracle() as cloud:
        cloud.create_user(tenancy, user)
        keys = [test_oracle.generated() for _ in range(2)]
        prints = [cloud.upload_key(user, test_oracle.public_pem(key)) for key in keys]
        config = {
            "tenancyOCID": tenancy,
            "userOCID": user,
            "fingerprint": prints[0],
            "region": "eu-frankfurt-1",
            "endpoint": cloud.url,
            "caBundle": cloud.ca_pem.decode(),
        }
        shown = [{"privateKey": test_oracle.pem(key)} for key in keys]
        yield Scheme("oracle", config, shown, changed=(prints[0], prints[1]))


SCHEMES: dict[str, Callable[[Desk], Iterator[Scheme]]] = {
    each.__name__: each
    for each in (api_key, basic, jwt, ntlm, oauth2, aws, aws_sts, azure_rm, azure_ea, gce, oracle)
}


def words(config: Json, folder: pathlib.Path, above: str = "") -> Iterator[str]:
    """Write public fields as the flags that a user types; a bundle stands in a file."""
    for name, value in config.items():
        flag = f"{above}-{flags.kebab(name)}" if above else f"--{flags.kebab(name)}"
        if isinstance(value, dict):
            yield from words(value, folder, flag)
        elif isinstance(value, list):
            yield from (word for one in value for word in (flag, one))
        elif name == "caBundle":
            file = folder / "authority.pem"
            file.write_text(value)
            yield from (flag, str(file))
        else:
            yield from (flag, value)


def texts(key: Json) -> set[str]:
    """Return what the source Secret holds of a key: Google's is a file of its own."""
    return {json.dumps(key)} if "private_key_id" in key else {*key.values()}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_is_created_rotated_and_removed(desk: Desk, tmp_path: pathlib.Path, name: str) -> None:
    space = desk.space
    with contextlib.contextmanager(SCHEMES[name])(desk) as scheme:
        made = ("create", scheme.type, NAME, *words(scheme.config, tmp_path), "--description", "policies")
        created = desk.run(
            *made, *scheme.target, "--from-file", "-", "--wait",
            stdin=json.dumps(scheme.keys[0]), user="alice",
        )  # fmt: skip
        assert created.returncode == 0, created.stdout + created.stderr
        assert scheme.said in created.stdout
        before = space.data("mine-copy") if scheme.target else {}
        assert "policies" in desk.shown("describe", NAME, user="vera")

        if scheme.changed[0]:
            editor = f"sed -i s/{scheme.changed[0]}/{scheme.changed[1]}/"
            desk.shown("edit", NAME, user="alice", KUBE_EDITOR=editor)
        rotated = desk.run("rotate", NAME, "--from-file", "-", stdin=json.dumps(scheme.keys[1]), user="alice")
        assert rotated.returncode == 0, rotated.stdout + rotated.stderr
        space.becomes(NAME, Ready="True Available" if VALID in scheme.said else "True AvailableUnchecked")
        if scheme.target:
            assert space.data("mine-copy") != before
        assert {*space.data("mine-keys").values()} >= texts(scheme.keys[1])

        assert "mine is deleted" in desk.shown("delete", NAME, user="alice")
    assert space.find("secret", "mine-copy") is None
    assert space.find("secret", "mine-keys") is not None
    said = created.stdout + created.stderr + rotated.stdout + rotated.stderr
    assert not any(secret in said for secret in (FIRST, SECOND, "PRIVATE KEY"))
