"""The commands of docs/runbooks.md, each in the situation that its alert is about."""

import os
import pathlib
import re
import subprocess
from collections.abc import Iterator

import pytest

import pages
from cluster import sites
from cluster.sites import NAMESPACE, Site
from cluster.space import Space
from controlplane import tools
from emulators.aws import AwsEmulator, allow, trust

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "runbooks.md").read_text()
SECTIONS = {text.partition("\n")[0]: pages.blocks(text, "sh") for text in PAGE.split("\n## ")[1:]}
"""What each section has one run, in its order."""
NOWHERE = {"region": "eu-west-1", "endpoint": "https://127.0.0.1:1"}
WRONG = ("AKIAWRONGWRONGWRONG1", "wrong")
SHORT = 16
"""Seconds that sessions last where one is to be renewed."""


def run(site: Site, alert: str, namespace: str = "", *, part: int = 0) -> str:
    """Run what a section shows, as an administrator, for the Credential backups; returns what is printed."""
    path = os.pathsep.join([str(tools.path("kubectl").parent), os.environ["PATH"]])
    told = {"namespace": namespace, "name": "backups", "release": NAMESPACE, "PATH": path}
    command = ["sh", "-euc", SECTIONS[alert][part]]
    done = subprocess.run(
        command, env=site.plane.environment() | told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_leads_is_told(site: Site) -> None:
    sites.wait(lambda: site.operator.metric("credential_operator_leader") == 1, "it leads")
    assert re.search(
        rf"^holder {site.operator.name}, renewed 20\d\d-",
        run(site, "CredentialOperatorNoLeader"),
        re.MULTILINE,
    )


def test_what_the_operator_may_and_whether_the_api_server_answers_is_told(site: Site) -> None:
    assert run(site, "CredentialOperatorNotReconciling").splitlines()[-2:] == ["yes", "ok"]


def test_who_waits_for_a_provider_is_told_and_that_it_is_down(site: Site, space: Space) -> None:
    space.apply(space.source(WRONG), space.credential(aws=NOWHERE))
    space.becomes(Validated="Unknown ProviderUnreachable", Reconciling="True ProviderUnreachable")
    host = "127.0.0.1:1"
    space.until(
        lambda: site.operator.metric("credential_operator_provider_down_credentials", host=host) >= 1,
        "the endpoint counts as down",
        seconds=60,
    )

    (line,) = (
        line for line in run(site, "CredentialProviderDown").splitlines() if line.startswith(f"{space.name}/")
    )
    assert line.startswith(f"{space.name}/backups Tried again with backoff. {host} ")
    assert host in run(site, "CredentialValidationStale", space.name)


def test_why_a_credential_is_not_ready_is_told_and_it_is_asked_at_once_after_the_fix(
    site: Site, space: Space
) -> None:
    space.new_user()
    space.apply(space.credential())
    space.becomes(Ready="False SourceNotFound")

    shown = run(site, "CredentialNotReady", space.name)
    assert re.search(r"^Ready False SourceNotFound: .", shown, re.MULTILINE)

    space.apply(space.source(space.new_key()))
    run(site, "CredentialNotReady", space.name, part=1)
    space.until(
        lambda: "lastHandledReconcileAt" in space.get("credential", "backups")["status"],
        "the question is answered",
    )
    space.becomes(Ready="True Available")


def test_why_a_key_is_held_back_is_told_and_which_one_is_in_use(site: Site, space: Space) -> None:
    key = space.published()
    space.apply(space.source(WRONG))
    space.becomes(Ready="True HeldBack", Synced="False HeldBack", seconds=60)

    in_use, why = run(site, "CredentialHeldBack", space.name).splitlines()
    assert in_use == key[0]
    assert why.startswith("The new key is not published")


@pytest.fixture
def short(aws: AwsEmulator) -> Iterator[None]:
    """Makes every new session short."""
    aws.limit_sessions(SHORT)
    yield
    aws.limit_sessions(None)


@pytest.mark.usefixtures("short")
def test_why_a_renewal_fails_is_told_and_when_the_present_key_ends(
    site: Site, space: Space, aws: AwsEmulator
) -> None:
    user = space.new_user(allow("sts:AssumeRole", "sts:TagSession"))
    role = aws.create_role(space.name, trust=trust(user, actions=("sts:AssumeRole", "sts:TagSession")))
    target = {"name": "env", "format": "env", "issue": {"kind": "AssumeRole", "roleARN": role}}
    space.apply(space.source(space.new_key()), space.credential(targets=[target]))
    space.becomes(Ready="True Available")
    aws.set_trust(role, trust("999999999999"))
    space.becomes(RenewalFailing="True PermissionDenied", seconds=60)

    end, why = run(site, "CredentialRenewalFailing", space.name).splitlines()
    assert re.fullmatch(r"env ends 20\d\d-.*Z", end)
    assert "sts:AssumeRole" in why


def test_who_holds_a_deletion_up_is_told(site: Site, space: Space) -> None:
    space.published(whenReferenced="Hold")
    nightly = space.reference()
    nightly["spec"]["description"] = "42 snapshots"
    other = space.reference("other", "another")
    space.apply(nightly, other)
    space.becomes("nightly", "credentialreference", Bound="True Bound")
    space.kubectl("delete", "credential", "backups", "--wait=false")
    space.becomes(DeletionBlocked="True InUse")

    why, who = run(site, "CredentialDeletionBlocked", space.name).splitlines()
    assert "CredentialReference nightly" in why
    assert who == f"{space.name}/backups {space.name}/nightly 42 snapshots"


def test_when_a_key_ends_is_told(site: Site, space: Space) -> None:
    key_id, _ = space.published(expiresAt="2027-01-31T00:00:00Z")
    assert run(site, "CredentialExpiring", space.name) == f"2027-01-31T00:00:00Z {key_id}\n"


def test_whatever_the_page_shows_is_run_here() -> None:
    mine = pathlib.Path(__file__).read_text()
    assert {alert: len(shown) for alert, shown in SECTIONS.items() if f'"{alert}"' not in mine} == {}
    assert {alert for alert, shown in SECTIONS.items() if len(shown) != 1} == {"CredentialNotReady"}
