"""What is due in a pass, and what may be published after it."""

import datetime
from typing import Any

import pytest

from credential_operator import checks, errors, findings, formats, inventory, providers, references, view
from credential_operator.api import credential
from credential_operator.objects import Key
from credential_operator.providers import contract

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
LATER = "2026-11-22T12:30:00Z"
EARLIER = "2026-11-22T11:30:00Z"
CATALOGUE = view.Catalogue(providers=providers.find(), formats=formats.find(), sources=formats.sources())
ACCEPTED = contract.Validation()


def settled() -> dict[str, Any]:
    """A Credential with one target, about which everything was done."""
    return {
        "metadata": {
            "namespace": "a",
            "name": "backups",
            "uid": "u",
            "resourceVersion": "9",
            "generation": 2,
            "creationTimestamp": "2026-11-22T00:00:00Z",
            "finalizers": [inventory.FINALIZER],
        },
        "spec": {
            "aws": {"region": "eu-west-1"},
            "secretRef": {"name": "keys"},
            "targets": [{"name": "env", "format": "env"}],
        },
        "status": {
            "observedGeneration": 2,
            "nextValidationTime": LATER,
            "source": {"secretName": "keys", "resourceVersion": "5"},
            "targets": [
                {"name": "env", "format": "env", "uid": "t", "resourceVersion": "7", "publishedAt": EARLIER}
            ],
            "conditions": [{"type": "Validated", "status": "True", "reason": "Accepted", "message": ""}],
        },
    }


def known(source: str | None = "5", target: str | None = "7") -> inventory.Inventory:
    found = inventory.Inventory(lambda _: "")
    for name, version in (("keys", source), ("env", target)):
        if version is not None:
            found.put_secret({"namespace": "a", "name": name, "uid": "t", "resourceVersion": version})
    return found


def seen(document: dict[str, Any]) -> view.View:
    parsed = view.parse(inventory.record(document), CATALOGUE)
    assert parsed is not None
    return parsed


def due(
    document: dict[str, Any],
    inventory_: inventory.Inventory | None = None,
    *,
    waiting: bool = False,
    renewable: bool = True,
) -> view.Due:
    return view.due(seen(document), inventory_ or known(), NOW, waiting=waiting, renewable=renewable)


NOTHING = view.Due(validation=False, source_only=False, publication=False)


def test_nothing_is_due_where_everything_was_done() -> None:
    assert due(settled()) == NOTHING


def test_a_changed_spec_is_validated_and_published() -> None:
    document = settled()
    document["metadata"]["generation"] = 3
    assert due(document) == view.Due(validation=True, source_only=False, publication=True)


def test_a_changed_source_is_validated() -> None:
    assert due(settled(), known(source="6")) == view.Due(validation=True, source_only=True, publication=False)
    assert due(settled(), known(source=None)) == view.Due(
        validation=True, source_only=True, publication=False
    )
    assert due(settled(), known(source="6"), waiting=True) == NOTHING


def test_a_target_that_was_touched_or_is_gone_is_published() -> None:
    for version in ("8", None):
        assert due(settled(), known(target=version)) == view.Due(
            validation=False, source_only=False, publication=True
        )


def test_a_target_that_is_new_in_the_status_or_gone_from_the_spec_is_published() -> None:
    document = settled()
    document["status"]["targets"] = []
    assert due(document).publication
    document = settled()
    document["spec"]["targets"] = []
    assert due(document).publication


def test_a_planned_validation_is_due_at_its_time_unless_a_backoff_runs() -> None:
    document = settled()
    document["status"]["nextValidationTime"] = EARLIER
    assert due(document).validation
    assert due(document, waiting=True) == NOTHING


def test_who_asks_for_a_look_gets_one_even_during_a_backoff() -> None:
    document = settled()
    document["metadata"]["annotations"] = {inventory.RECONCILE_AT: "now"}
    assert due(document, waiting=True).validation
    document["status"]["lastHandledReconcileAt"] = "now"
    assert due(document) == NOTHING


def test_what_never_was_validated_is_tried_again() -> None:
    document = settled()
    del document["status"]["nextValidationTime"]
    document["status"]["conditions"].append(
        {"type": "Reconciling", "status": "True", "reason": "ProviderUnreachable"}
    )
    assert due(document).validation
    assert due(document, waiting=True) == NOTHING


def test_a_write_that_was_lost_is_made_again() -> None:
    document = settled()
    document["status"]["conditions"].append(
        {"type": "Reconciling", "status": "True", "reason": "Unavailable"}
    )
    assert due(document) == view.Due(validation=False, source_only=False, publication=True)


def test_an_object_of_an_unknown_type_or_form_is_left_alone() -> None:
    document = settled()
    document["spec"]["future"] = document["spec"].pop("aws")
    assert view.parse(inventory.record(document), CATALOGUE) is None
    document["spec"]["aws"] = {}
    assert view.parse(inventory.record(document), CATALOGUE) is None
    assert CATALOGUE.endpoint(document["spec"]) == ""


def test_a_view_tells_what_a_pass_starts_from() -> None:
    document = settled()
    document["spec"]["expiresAt"] = "2027-01-01T00:00:00Z"
    parsed = seen(document)
    assert (parsed.key, parsed.uid, parsed.deleting, parsed.protected, parsed.forced) == (
        Key("a", "backups"),
        "u",
        False,
        True,
        "",
    )
    assert parsed.timing(0.5).interval == datetime.timedelta(hours=1)
    assert parsed.timing(0.5).expires_at == datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def test_a_target_is_laid_out_by_its_format() -> None:
    document = settled()
    document["spec"]["targets"] = [
        {"name": "own", "format": "fields", "keys": {"id": "accessKeyID"}, "labels": {"a": "b"}}
    ]
    parsed = seen(document)
    desired = CATALOGUE.render(parsed.spec.targets[0], parsed.material(keys(), external_id="x"))
    assert (desired.name, desired.format, desired.secret_type) == ("own", "fields", "Opaque")
    assert desired.data == {"id": b"AKIAEXAMPLE"}
    assert desired.labels == {"a": "b"}
    assert "AKIAEXAMPLE" not in repr(desired)


def opaque(*targets: dict[str, Any]) -> view.View:
    document = settled()
    document["spec"] = {"opaque": {}, "secretRef": {"name": "keys"}, "targets": [*targets]}
    return seen(document)


def test_a_key_of_any_name_is_a_variable_of_its_own_name() -> None:
    parsed = opaque({"name": "env", "format": "env"})
    data = {"LICENSE": b"canary", "a.p12": b"\xff", "roleARN": b"not one of AWS"}
    material = parsed.material(contract.load(parsed.provider, data, {}), external_id="x")
    assert material.fields.keys() == data.keys()
    assert CATALOGUE.render(parsed.spec.targets[0], material).data == {
        "LICENSE": b"canary",
        "roleARN": b"not one of AWS",
    }


def test_a_target_that_no_secret_can_hold_is_refused_by_name() -> None:
    target = {"name": "twice", "format": "fields", "keys": {"a": "it", "b": "it"}}
    parsed = opaque(target)
    for size, fits in ((view.LARGEST // 2, True), (view.LARGEST // 2 + 1, False)):
        read = contract.load(parsed.provider, {"it": b"\xff" * size}, {})
        material = parsed.material(read, external_id="x")
        if fits:
            assert len(CATALOGUE.render(parsed.spec.targets[0], material).data) == 2
        else:
            with pytest.raises(errors.InvalidSpec, match=r"twice.*1 MiB"):
                CATALOGUE.render(parsed.spec.targets[0], material)


def test_the_endpoint_of_a_spec_is_what_its_type_calls() -> None:
    assert CATALOGUE.endpoint(settled()["spec"]) == "sts.eu-west-1.amazonaws.com:443"


def test_a_format_that_is_not_installed_is_named() -> None:
    parsed = seen(settled())
    (target,) = parsed.spec.targets
    with pytest.raises(errors.InvalidSpec, match="env"):
        view.Catalogue(providers={}, formats={}, sources={}).render(
            target, parsed.material(keys(), external_id="x")
        )


def keys() -> Any:
    provider = CATALOGUE.providers["aws"]
    return contract.load(provider, {"accessKeyID": b"AKIAEXAMPLE", "secretAccessKey": b"s"}, {})


def test_a_role_s_external_id_reaches_the_formats_also_where_it_is_derived() -> None:
    document = settled()
    assert "externalID" not in seen(document).material(keys(), external_id="derived").fields
    document["spec"]["aws"]["assumeRole"] = {"roleARN": "arn:aws:iam::123456789012:role/backup"}
    assert seen(document).material(keys(), external_id="derived").fields["externalID"] == "derived"


UNREACHABLE = errors.ProviderUnreachable("down")


@pytest.mark.parametrize(
    ("policy", "verdict", "expected"),
    [
        ("WhenCheckable", ACCEPTED, True),
        ("Required", ACCEPTED, True),
        ("WhenCheckable", contract.Validation(unasked="Nobody to ask."), True),
        ("Disabled", findings.NotChecked(reason="ValidationDisabled"), True),
        ("Required", contract.Validation(unasked="Nobody to ask."), False),
        ("WhenCheckable", UNREACHABLE, False),
        ("BestEffort", UNREACHABLE, True),
        ("BestEffort", errors.Rejected("no"), False),
        ("WhenCheckable", errors.Rejected("no"), False),
        ("WhenCheckable", findings.UNCHANGED, False),
        ("WhenCheckable", RuntimeError(), False),
    ],
)
def test_a_new_key_is_published_only_as_the_policy_allows(
    policy: str,
    verdict: findings.Verdict,
    expected: bool,  # noqa: FBT001
) -> None:
    document = settled()
    document["spec"]["validation"] = {"policy": policy}
    assert view.publishable(seen(document), verdict, "6", same_key=False) is expected


@pytest.mark.parametrize("verdict", [findings.UNCHANGED, UNREACHABLE], ids=["not asked", "unreachable"])
def test_a_key_that_was_accepted_is_written_again_without_asking(verdict: findings.Verdict) -> None:
    assert view.publishable(seen(settled()), verdict, "5", same_key=False)
    assert view.publishable(seen(settled()), verdict, "6", same_key=True)


def test_a_key_that_was_refused_is_not_written_again() -> None:
    document = settled()
    document["status"]["conditions"][0]["status"] = "False"
    assert not view.publishable(seen(document), findings.UNCHANGED, "5", same_key=True)
    assert not view.publishable(seen(settled()), errors.Rejected("no"), "5", same_key=True)


def test_a_key_s_history_is_asked_for_once_a_day() -> None:
    document = settled()
    document["spec"] |= {"discoverReach": True, "validation": {"permissions": ["s3:GetObject"]}}
    everything = checks.Asked(permissions=("s3:GetObject",), reach=True, history=True)
    assert seen(document).asked("5", NOW) == everything
    document["status"]["key"] = {"id": "AKIA1", "observedAt": EARLIER}
    assert not seen(document).asked("5", NOW).history
    assert seen(document).asked("5", NOW + datetime.timedelta(days=1)).history
    assert seen(document).asked("6", NOW).history


class Keyless(type(providers.find()["aws"])):  # type: ignore[misc]
    """AWS that trusts a ServiceAccount."""

    workload_identity = contract.WorkloadIdentity

    def audience(self, config: Any, identity: Any) -> str:
        return "sts.amazonaws.com"

    def exchange(self, config: Any, identity: Any, token: str, context: contract.Context) -> None:
        return None


def test_without_a_stored_key_no_secret_is_waited_for() -> None:
    document = settled()
    del document["spec"]["secretRef"], document["spec"]["targets"]
    document["spec"]["workloadIdentity"] = {"serviceAccountName": "backup"}
    document["status"] |= {"targets": [], "source": {}}
    catalogue = view.Catalogue(providers={"aws": Keyless()}, formats={}, sources={})
    keyless = view.parse(inventory.record(document), catalogue)
    assert keyless is not None
    assert keyless.identity.service_account_name == "backup"
    assert keyless.source_key is None
    assert view.due(keyless, known(), NOW, waiting=False, renewable=True) == NOTHING
    assert known().put_credential(document)


def test_claims_see_whether_their_credential_takes_new_ones() -> None:
    document = settled()
    document["spec"]["acceptReferences"] = False
    assert not references.accepts(seen(document).document)
    assert references.accepts(seen(settled()).document)
    assert seen(settled()).document["metadata"]["uid"] == "u"


# What others may have of it


def lendable(
    status: str = "True",
    reason: str = "Accepted",
    *,
    policy: str = "WhenCheckable",
    version: str = "5",
    **spec: Any,
) -> bool:
    document = settled()
    document["spec"] |= {"validation": {"policy": policy}, **spec}
    document["status"]["conditions"] = [{"type": "Validated", "status": status, "reason": reason}]
    return view.lendable(seen(document), version)


def test_a_key_that_was_accepted_is_lent_and_no_other_version_of_it() -> None:
    assert lendable()
    assert not lendable(version="6")
    assert not lendable("False", "Rejected")
    assert not lendable(suspend=True)


def test_a_key_that_nobody_can_be_asked_about_is_lent_where_its_owner_publishes_it() -> None:
    assert lendable("Unknown", "NotCheckable")
    assert lendable("Unknown", "ValidationDisabled", policy="Disabled")
    assert not lendable("Unknown", "NotCheckable", policy="Required")
    assert not lendable("Unknown", "Unconfirmed")


def test_a_key_whose_provider_is_not_reached_is_lent_only_by_best_effort() -> None:
    assert lendable("Unknown", "ProviderUnreachable", policy="BestEffort", version="6")
    assert not lendable("Unknown", "ProviderUnreachable")


def issued(ends: str, generation: int = 2) -> dict[str, Any]:
    """A Credential whose target holds a short-lived key."""
    document = settled()
    document["spec"]["targets"][0]["issue"] = {"kind": "SessionToken"}
    document["status"]["targets"][0] |= {"expiresAt": ends, "generation": generation}
    return document


def test_a_short_lived_key_that_has_ended_asks_for_a_whole_pass_unless_it_was_just_refused() -> None:
    assert due(issued(LATER)) == NOTHING
    assert due(issued(EARLIER)).validation
    assert due(issued(EARLIER), renewable=False) == NOTHING


def test_a_short_lived_key_that_was_made_for_another_spec_is_made_anew() -> None:
    assert due(issued(LATER, generation=1)).publication


def test_the_formats_of_a_short_lived_key_are_those_that_its_fields_can_be_laid_out_in() -> None:
    aws = CATALOGUE.providers["aws"]
    assert CATALOGUE.served(aws, {"kind": "SessionToken"}) == CATALOGUE.served(aws, None)
    assert CATALOGUE.served(aws, {"kind": "Unheard"}) == [*CATALOGUE.formats]


def rotated(source: str) -> dict[str, Any]:
    """A Credential whose key renews itself, and whose source is so far the Secret of this name."""
    document = settled()
    document["spec"]["rotation"] = {"store": "kept"}
    document["status"]["source"]["secretName"] = source
    return document


def test_the_source_of_a_key_that_renews_itself_is_where_the_operator_keeps_it() -> None:
    before, after = seen(rotated("keys")), seen(rotated("kept"))
    assert (before.has_store, before.source_key, before.left_key) == (False, Key("a", "keys"), None)
    assert (after.has_store, after.source_key, after.left_key) == (True, Key("a", "kept"), Key("a", "keys"))
    assert after.secret_ref == credential.SecretRef(name="kept")
    assert (seen(settled()).has_store, seen(settled()).rotate_at) == (False, "")


def test_a_source_that_has_become_the_operators_own_is_read() -> None:
    inventory_ = known()
    assert due(rotated("keys"), inventory_) == NOTHING
    inventory_.versions[Key("a", "kept")] = "9"
    assert due(rotated("keys"), inventory_) == view.Due(validation=True, source_only=True, publication=False)
