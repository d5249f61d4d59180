"""Sessions of AWS that a ServiceAccount's token opens, without a stored key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credential_operator import errors
from credential_operator.providers import contract
from emulators import aws as emulators
from providers import amazon, issuing, suite


class TestKeyless(amazon.Account):
    @pytest.fixture
    def issuer(self, emulator: emulators.AwsEmulator) -> issuing.Issuer:
        made = issuing.Issuer()
        emulator.trust_issuer(made.url, made.jwks)
        return made

    @pytest.fixture
    def role(self, emulator: emulators.AwsEmulator, issuer: issuing.Issuer) -> str:
        return emulator.create_role(
            "cluster",
            trust=emulators.federate(issuer.url, issuing.SUBJECT),
            policies=[
                emulators.allow("s3:Get*", "iam:SimulatePrincipalPolicy", "organizations:*", "sts:AssumeRole")
            ],
            path="/ours/",
        )

    @pytest.fixture
    def identity(self, role: str) -> dict[str, str]:
        return {"roleARN": role}

    @pytest.fixture
    def untrusted(
        self, stage: suite.Stage, identity: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> Callable[..., Any]:
        def exchange(kind: type[errors.CredentialError], token: str, **options: Any) -> Any:
            given = options.pop("identity", identity)
            return suite.refusal(
                kind, lambda: stage.exchange(given, token, **options), secrets=[token], log=caplog
            )

        return exchange

    def test_a_token_opens_a_session_that_all_else_works_with(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        issuer: issuing.Issuer,
        identity: dict[str, str],
    ) -> None:
        emulator.create_organization(["one"])
        keys = stage.exchange(identity, issuer.token("sts.amazonaws.com"))
        assert stage.ask("validate", keys=keys) == contract.Validation(
            identity=contract.Identity(
                principal=f"arn:aws:sts::{emulators.ACCOUNT}:assumed-role/cluster/credential-operator",
                account=emulators.ACCOUNT,
            )
        )
        assert stage.ask("grants", amazon.NAMES, keys=keys).missing == ("ec2:RunInstances", "s3:DeleteObject")
        assert stage.ask("reach", keys=keys).count == 2
        assert stage.ask("history", keys=keys) is None
        assert amazon.actions(emulator) == [
            "AssumeRoleWithWebIdentity",
            "GetCallerIdentity",
            "SimulatePrincipalPolicy",
            "ListAccounts",
        ]

    def test_the_session_takes_the_next_role(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, issuer: issuing.Issuer, role: str
    ) -> None:
        trust = emulators.trust(role, external_id=suite.EXTERNAL_ID)
        far = emulator.create_role("far", trust=trust, account=amazon.OTHER)
        config = {**amazon.assuming(stage, far), "accountID": amazon.OTHER}
        keys = stage.exchange({"roleARN": role}, issuer.token("sts.amazonaws.com"), config=config)
        found = stage.ask("validate", keys=keys, config=config)
        assert found.identity == contract.Identity(principal=far, account=amazon.OTHER)
        assert (found.key_id, found.external_id) == (None, suite.EXTERNAL_ID)

    def test_no_key_material_is_in_what_is_returned_or_logged(
        self,
        stage: suite.Stage,
        issuer: issuing.Issuer,
        identity: dict[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("DEBUG")
        token = issuer.token("sts.amazonaws.com")
        keys = stage.exchange(identity, token)
        left_behind = (
            f"{keys!r} {keys} {keys.model_dump()}" + repr(stage.ask("validate", keys=keys)) + caplog.text
        )
        secrets = (token, keys.key().secret, keys.key().token)
        assert not [text for text in secrets if text in left_behind]

    @pytest.mark.parametrize(
        ("identity", "audience"),
        [
            ({"roleARN": "arn:aws:iam::123456789012:role/a"}, "sts.amazonaws.com"),
            ({"roleARN": "arn:aws-us-gov:iam::123456789012:role/a"}, "sts.amazonaws.com"),
            ({"roleARN": "arn:aws-cn:iam::123456789012:role/a"}, "sts.amazonaws.com.cn"),
            ({"roleARN": "arn:aws:iam::123456789012:role/a", "audience": "ours"}, "ours"),
        ],
    )
    def test_the_audience_is_the_partitions_unless_it_is_written(
        self, stage: suite.Stage, identity: dict[str, str], audience: str
    ) -> None:
        provider: Any = stage.provider
        read = provider.workload_identity.model_validate({"serviceAccountName": "a", **identity})
        assert provider.audience(stage.read(), read) == audience

    def test_a_token_for_somebody_else_is_rejected(
        self, issuer: issuing.Issuer, untrusted: Callable[..., Any]
    ) -> None:
        assert "audience" in untrusted(errors.Rejected, issuer.token("vault")).message

    def test_an_issuer_that_the_account_does_not_know_is_rejected(
        self, emulator: emulators.AwsEmulator, issuer: issuing.Issuer, untrusted: Callable[..., Any]
    ) -> None:
        strange = issuing.Issuer("https://oidc.example.com/other")
        assert (
            "OpenID Connect provider"
            in untrusted(errors.Rejected, strange.token("sts.amazonaws.com")).message
        )
        forged = issuing.Issuer(issuer.url, number=1)
        untrusted(errors.Rejected, forged.token("sts.amazonaws.com"))
        untrusted(errors.Rejected, "no token at all")

    def test_a_token_whose_time_is_over_is_expired(
        self, issuer: issuing.Issuer, untrusted: Callable[..., Any]
    ) -> None:
        untrusted(errors.Expired, issuer.token("sts.amazonaws.com", seconds=-1))

    def test_a_serviceaccount_that_the_role_does_not_trust_is_not_permitted(
        self, issuer: issuing.Issuer, untrusted: Callable[..., Any]
    ) -> None:
        stranger = issuer.token("sts.amazonaws.com", subject="system:serviceaccount:others:backup")
        message = untrusted(errors.PermissionDenied, stranger).message
        assert (
            "the token of system:serviceaccount:others:backup from https://oidc.example.com/cluster"
            in message
        )
        assert "trust policy" in message
        none = {"roleARN": f"arn:aws:iam::{emulators.ACCOUNT}:role/none"}
        untrusted(errors.PermissionDenied, issuer.token("sts.amazonaws.com"), identity=none)

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("IDPCommunicationError", errors.ProviderUnreachable),
            ("IDPRejectedClaim", errors.Rejected),
            ("RegionDisabledException", errors.Misconfigured),
            ("Throttling", errors.RateLimited),
            ("SomethingNew", errors.ProviderUnreachable),
        ],
    )
    def test_codes_decide(
        self,
        emulator: emulators.AwsEmulator,
        issuer: issuing.Issuer,
        untrusted: Callable[..., Any],
        code: str,
        kind: type[errors.CredentialError],
    ) -> None:
        emulator.faults.error(status=400, code=code, message=suite.BODY)
        untrusted(kind, issuer.token("sts.amazonaws.com"))

    @pytest.mark.parametrize(
        "body", ["", "<html>", "{}", "<AssumeRoleWithWebIdentityResponse/>", f"<Error><Code>{suite.BODY}"]
    )
    def test_a_lying_provider_opens_nothing(
        self,
        emulator: emulators.AwsEmulator,
        issuer: issuing.Issuer,
        untrusted: Callable[..., Any],
        body: str,
    ) -> None:
        emulator.faults.answer(body, status=200)
        untrusted(errors.ProviderUnreachable, issuer.token("sts.amazonaws.com"))

    @pytest.mark.parametrize(
        "config",
        [
            {"region": "cn-north-1"},
            {"partition": "aws-cn", "region": "eu-west-1"},
            {"accountID": amazon.OTHER},
            {"assumeRole": {"roleARN": "arn:aws-cn:iam::210987654321:role/x"}},
            {"assumeRole": {"roleARN": "arn:aws:iam::210987654321:role/x", "duration": "61m"}},
        ],
    )
    def test_what_cannot_be_right_is_named_without_a_call(
        self,
        stage: suite.Stage,
        emulator: emulators.AwsEmulator,
        untrusted: Callable[..., Any],
        config: dict[str, Any],
    ) -> None:
        untrusted(errors.Misconfigured, "a.b.c", config={**stage.config, **config})
        assert emulator.calls == []

    def test_a_chinese_role_is_of_its_own_partition(
        self, stage: suite.Stage, emulator: emulators.AwsEmulator, issuer: issuing.Issuer
    ) -> None:
        emulator.trust_issuer(issuer.url, issuer.jwks, audiences=["sts.amazonaws.com.cn"])
        trust = emulators.federate(issuer.url, issuing.SUBJECT, audience="sts.amazonaws.com.cn")
        trust["Statement"][0]["Principal"]["Federated"] = trust["Statement"][0]["Principal"][
            "Federated"
        ].replace("arn:aws:", "arn:aws-cn:")
        role = emulator.create_role(
            "li", trust=trust, partition="aws-cn", policies=[emulators.allow("iam:*", "s3:*")]
        )
        config = {**stage.config, "region": "cn-northwest-1"}
        keys = stage.exchange({"roleARN": role}, issuer.token("sts.amazonaws.com.cn"), config=config)
        found = stage.ask("grants", amazon.NAMES, keys=keys, config=config)
        assert found == contract.Grants(missing=("ec2:RunInstances",))
