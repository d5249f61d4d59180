"""Keys of storage accounts, before a blob service that verifies signatures and clocks."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pytest

from credential_operator import errors
from credential_operator.providers import azure_storage, contract, network
from emulators.azure_storage import AzureStorageEmulator
from providers import probing, suite


def key_of(text: bytes) -> str:
    return base64.b64encode(text.ljust(64, b"+")[:64]).decode()


FIRST, SECOND = key_of(b"canary-first"), key_of(b"canary-second")
ACCOUNT = "backups"


@pytest.fixture(scope="module")
def running() -> Iterator[AzureStorageEmulator]:
    with AzureStorageEmulator(hosts=["rebind.example.com"]) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: AzureStorageEmulator) -> AzureStorageEmulator:
    running.reset()
    running.set_account(ACCOUNT, [FIRST, SECOND], containers=["nightly", "weekly"])
    running.set_account("other", [key_of(b"canary-other")])
    return running


class TestKey(suite.Reading):
    @pytest.fixture
    def stage(self, emulator: AzureStorageEmulator) -> suite.Stage:
        return suite.Stage(
            provider=azure_storage.PROVIDER,
            emulator=emulator,
            config={"accountName": ACCOUNT, "endpoint": emulator.url},
            good={"accountKey": FIRST},
            wrong={
                "key": {"accountKey": key_of(b"canary-wrong")},
                "key of another account": {"accountKey": key_of(b"canary-other")},
            },
            principal=ACCOUNT,
            expect={"identity": contract.Identity(principal=ACCOUNT), "warnings": ()},
            secret_fields=("accountKey",),
        )

    def test_a_check_costs_one_call(self, stage: suite.Stage) -> None:
        stage.check()
        assert [(call.action, call.status) for call in stage.emulator.calls] == [("list", 200)]

    def test_both_keys_are_accepted(self, stage: suite.Stage) -> None:
        stage.check({"accountKey": SECOND})

    def test_an_account_without_containers_is_accepted(self, stage: suite.Stage) -> None:
        stage.emulator.set_account(ACCOUNT, [FIRST])
        stage.check()

    def test_an_account_in_the_path_is_accepted(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "endpoint": f"{stage.emulator.url}/{ACCOUNT}"})

    def test_an_account_that_is_not_there_is_rejected(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        refused(errors.Rejected, config={**stage.config, "accountName": "nobody"})

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ("disabled", errors.KeyDisabled),
            ("keyless", errors.Misconfigured),
            ("walled", errors.PermissionDenied),
        ],
    )
    def test_what_keeps_a_good_key_out_is_told_from_a_wrong_one(
        self, stage: suite.Stage, refused: Callable[..., Any], state: str, kind: type[errors.CredentialError]
    ) -> None:
        stage.emulator.set_account(ACCOUNT, [FIRST], **{state: True})
        refused(kind)

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("AuthenticationFailed", errors.Rejected),
            ("InsufficientAccountPermissions", errors.PermissionDenied),
            ("ResourceNotFound", errors.Misconfigured),
            ("ServerBusy", errors.RateLimited),
            ("SomethingNew", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide_and_unknown_ones_prove_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any], code: str, kind: type[errors.CredentialError]
    ) -> None:
        for status in (400, 403, 409):
            stage.emulator.faults.error(status=status, code=code, message=suite.BODY)
            error = refused(kind)
            assert (code in error.message) == isinstance(error, errors.Stalled)
            stage.emulator.faults.clear()

    def test_a_code_with_a_status_that_it_cannot_have_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        for status in (200, 302, 500):
            stage.emulator.faults.error(status=status, code="AuthenticationFailed", message=suite.BODY)
            refused(errors.ProviderUnreachable)
            stage.emulator.faults.clear()

    def test_a_code_elsewhere_than_in_an_error_proves_nothing(
        self, stage: suite.Stage, refused: Callable[..., Any]
    ) -> None:
        stage.emulator.faults.answer("<Hello><Code>AuthenticationFailed</Code></Hello>", status=403)
        refused(errors.ProviderUnreachable)

    @pytest.mark.parametrize(
        ("said", "config", "kind"),
        [
            (socket.EAI_NONAME, {}, errors.Misconfigured),
            (socket.EAI_NONAME, {"cloud": "AzureChina"}, errors.Misconfigured),
            (socket.EAI_AGAIN, {}, errors.ProviderUnreachable),
            (socket.EAI_FAIL, {}, errors.ProviderUnreachable),
            (socket.EAI_NONAME, {"endpoint": "https://blob.example.com"}, network.NameNotFound),
        ],
    )
    def test_an_account_without_a_name_in_the_dns_is_not_there(
        self,
        stage: suite.Stage,
        refused: Callable[..., Any],
        said: int,
        config: Mapping[str, str],
        kind: type[errors.CredentialError],
    ) -> None:
        """Where the resolver says so, and where the name is the account's own."""
        asked: list[str] = []

        def resolver(host: str, _: int) -> network.Resolution:
            asked.append(host)
            raise socket.gaierror(said, suite.BODY)

        with network.Session(network.Policy(), resolver=resolver) as session:
            error = refused(kind, config={"accountName": "nobody", **config}, within=session)
        assert len(asked) == 1
        assert ("no storage account of that name" in error.message) == (kind is errors.Misconfigured)
        assert stage.emulator.calls == []

    def test_its_own_authority_is_trusted(self, stage: suite.Stage) -> None:
        stage.check(config={**stage.config, "caBundle": stage.emulator.ca_pem.decode()})


def test_what_is_signed_is_what_the_documentation_shows() -> None:
    # The example of learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key.
    url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20"
    headers = {"x-ms-version": "2015-02-21", "x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT"}
    assert azure_storage.to_sign("GET", url, "myaccount", headers) == (
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
        "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
    )


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (f"DefaultEndpointsProtocol=https;AccountName=backups;AccountKey={FIRST}", "connection string"),
        ("?sv=2022-11-02&ss=b&srt=sco&sig=canary", "shared access signature"),
        ("canary not base64", "88 characters"),
        (base64.b64encode(b"canary").decode(), "88 characters"),
        (FIRST[:-4], "88 characters"),
        ("cänary" * 20, "88 characters"),
    ],
)
def test_what_cannot_be_a_key_is_named_without_a_call(key: str, says: str) -> None:
    assert says in probing.message_of(azure_storage.PROVIDER, {"accountName": ACCOUNT}, accountKey=key)


@pytest.mark.parametrize(
    "change",
    [
        {"accountName": "Backups"},
        {"accountName": "ab"},
        {"accountName": "backups.blob.core.windows.net"},
        {"cloud": "AzureGermany"},
        {"endpoint": "http://backups.example.com"},
        {"endpoint": "https://backups.example.com/?sig=canary"},
        {"endpoint": "https://backups@example.com"},
    ],
)
def test_a_config_that_cannot_be_is_refused(change: Mapping[str, str]) -> None:
    with pytest.raises(pydantic.ValidationError):
        azure_storage.Config.model_validate({"accountName": ACCOUNT, **change})


@pytest.mark.parametrize(
    ("config", "endpoint", "told"),
    [
        ({}, "backups.blob.core.windows.net:443", None),
        (
            {"cloud": "AzureChina"},
            "backups.blob.core.chinacloudapi.cn:443",
            "https://backups.blob.core.chinacloudapi.cn",
        ),
        (
            {"endpoint": "https://blob.example.com:10000/backups"},
            "blob.example.com:10000",
            "https://blob.example.com:10000/backups",
        ),
    ],
)
def test_the_cloud_chooses_the_endpoint_and_consumers_learn_an_unusual_one(
    config: Mapping[str, str], endpoint: str, told: str | None
) -> None:
    read = azure_storage.Config.model_validate({"accountName": ACCOUNT, **config})
    assert azure_storage.PROVIDER.endpoint(read) == endpoint
    keys = contract.load(azure_storage.PROVIDER, {"AZURE_STORAGE_KEY": FIRST.encode()}, {})
    assert azure_storage.PROVIDER.fields(read, keys).get("endpoint") == told
