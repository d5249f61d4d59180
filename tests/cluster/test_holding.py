"""Holding a Credential while a job runs: what docs/holding.md shows and promises."""

import concurrent.futures
import contextlib
import json
import pathlib
import re
import signal
import sys
from collections.abc import Iterator

import pytest

import credential_operator
from cluster import holders
from cluster import space as spaces
from cluster.holders import PAGE, REASON, RECIPES, Job
from cluster.sites import Site
from cluster.space import Json, Space
from controlplane.faults import FaultProxy

CLAIMS = "/credentialreferences"


@pytest.fixture(scope="module")
def team(site: Site) -> Space:
    """A namespace with a Credential that all tests hold, and with people who may edit."""
    space = site.space("holders")
    space.published(whenReferenced="Hold")
    space.kubectl("create", "rolebinding", "alice", "--clusterrole=edit", "--user=alice")
    return space


@pytest.fixture(scope="module")
def tokens(team: Space) -> dict[str, str]:
    """Tokens of two ServiceAccounts: with the Role of the page, and with what Python needs of it."""
    return {"sh": holders.admit(team, "nightly"), "py": holders.admit(team, "python", *holders.PYTHON_NEEDS)}


@pytest.fixture
def shell(team: Space, tokens: dict[str, str], tmp_path: pathlib.Path) -> Job:
    found = team.cluster.kubeconfig_for("nightly", tokens["sh"])
    return Job(team, tmp_path, holders.settle(found, team, tmp_path / "kubeconfig"))


@pytest.fixture
def python(team: Space, tokens: dict[str, str], tmp_path: pathlib.Path) -> Job:
    found = team.cluster.kubeconfig_for("python", tokens["py"])
    return Job(team, tmp_path, holders.settle(found, team, tmp_path / "kubeconfig"))


@pytest.fixture
def here(python: Job, monkeypatch: pytest.MonkeyPatch) -> Space:
    """The namespace, with this process as the job."""
    monkeypatch.setenv("KUBECONFIG", str(python.kubeconfig))
    return python.space


@pytest.fixture
def faults(
    site: Site,
    team: Space,
    tokens: dict[str, str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[FaultProxy]:
    """A way to the API server that can fail, which this process as the job takes."""
    with FaultProxy(site.plane.url, site.plane.authority) as proxy:
        found = proxy.kubeconfig(tmp_path / "straight", token=tokens["py"])
        monkeypatch.setenv("KUBECONFIG", str(holders.settle(found, team, tmp_path / "through-proxy")))
        yield proxy


def test_the_page_has_every_recipe() -> None:
    assert list(RECIPES) == [
        "credential-holder.yaml",
        "nightly.sh",
        "renewal.sh",
        "nightly.py",
        "templates/claim.yaml",
        "templates/migration.yaml",
    ]


# The shell script


def _renewing() -> str:
    """Return the script with the renewal, put together as the page says."""
    script = RECIPES["nightly.sh"].replace("leaseDurationSeconds: 3600", "leaseDurationSeconds: 60")
    before, job, after = script.partition("./delete-snapshots")
    return before + RECIPES["renewal.sh"] + job + after


@pytest.mark.parametrize(("script", "status"), [(RECIPES["nightly.sh"], 3), (_renewing(), 0)])
def test_a_script_holds_the_credential_while_its_job_runs(shell: Job, script: str, status: int) -> None:
    shell.write("nightly.sh", script)
    with shell.running("bash", "nightly.sh") as process:
        claim = shell.working()
        assert spaces.conditions(claim)["Bound"] == "True Bound"
        assert claim["metadata"]["name"].startswith("nightly-")
        _counts(shell.space, claim)

        printed = shell.finish(process, status=status)

    assert process.returncode == status, printed
    assert holders.claims(shell.space) == []


def test_a_script_whose_claim_does_not_count_says_why_and_does_not_start_its_job(shell: Job) -> None:
    script = RECIPES["nightly.sh"].replace("name: backups", "name: nowhere")
    shell.write("nightly.sh", script.replace("--timeout=30s", "--timeout=1s"))
    with shell.running("bash", "nightly.sh") as process:
        printed = shell.finish(process)

    assert process.returncode == 1
    assert "NotGranted" in printed
    assert not (shell.folder / "started").exists()
    assert holders.claims(shell.space) == []


def test_a_script_renews_its_claim_until_it_is_killed(shell: Job) -> None:
    shell.write("sleep", "#!/bin/sh\nexec /bin/sleep 0.5\n")  # in place of 20 seconds
    shell.write("nightly.sh", _renewing())
    with shell.running("bash", "nightly.sh") as process:
        name = shell.working()["metadata"]["name"]
        for _ in range(2):
            _renewed(shell.space, name)

        process.kill()
        process.wait()
        shell.finish(process)

    shell.space.kubectl("delete", "credentialreference", name)


# Python


def test_a_python_job_holds_the_credential_while_it_runs(python: Job) -> None:
    python.write("nightly.py", RECIPES["nightly.py"])
    with python.running(sys.executable, "nightly.py") as process:
        claim = python.working()
        assert spaces.conditions(claim)["Bound"] == "True Bound"
        assert claim["metadata"]["name"].startswith("backups-")
        _counts(python.space, claim)

        printed = python.finish(process)

    assert process.returncode == 0, printed
    assert holders.claims(python.space) == []


def test_a_python_job_that_makes_a_signal_its_end_releases(python: Job) -> None:
    (line,) = re.findall(r"`(signal\.signal\(.*?\))`", PAGE)
    python.write("nightly.py", f"import signal, sys\n{line}\n{RECIPES['nightly.py']}")
    with python.running(sys.executable, "nightly.py") as process:
        python.working()
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=15)

    assert process.returncode == 143, printed
    assert holders.claims(python.space) == []


def test_an_exception_releases_and_goes_on(here: Space) -> None:
    hold = credential_operator.hold("backups", reason=REASON)

    def job() -> None:
        with hold:
            (claim,) = holders.claims(here)
            assert spaces.conditions(claim)["Bound"] == "True Bound"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        job()

    assert hold.namespace == here.name
    assert not hold.lost.is_set()
    assert here.find("credentialreference", hold.name) is None


@pytest.mark.parametrize(
    ("credential", "options", "reason"),
    [
        ("nowhere", {}, "NotGranted"),
        ("keyless", {"ready": True}, "SourceNotFound"),
        ("backups", {"lease": 5}, "Invalid"),
    ],
)
def test_what_is_not_held_says_why_and_leaves_nothing(
    here: Space, credential: str, options: Json, reason: str
) -> None:
    here.apply(here.credential("keyless", secretRef={"name": "nowhere"}))
    why = f"a test of {reason}"

    with (
        pytest.raises(credential_operator.NotHeld) as raised,
        credential_operator.hold(credential, reason=why, wait=2, **options),
    ):
        pytest.fail("the block runs")

    assert raised.value.reason == reason
    assert raised.value.message
    assert holders.claims(here, why) == []


def test_who_does_not_wait_begins_without_the_credential(here: Space) -> None:
    with credential_operator.hold("nowhere", reason=REASON, wait=0) as hold:
        here.becomes(hold.name, "credentialreference", Bound="False NotGranted")
    assert not hold.lost.is_set()


def test_a_name_that_is_taken_stays_with_who_has_it(here: Space) -> None:
    with credential_operator.hold("backups", reason=REASON, name="taken") as first:
        with (
            pytest.raises(credential_operator.NotHeld) as raised,
            credential_operator.hold("backups", reason=REASON, name="taken"),
        ):
            pytest.fail("the block runs")
        assert raised.value.reason == "AlreadyExists"
        assert here.find("credentialreference", "taken") is not None
    assert not first.lost.is_set()


def test_a_hold_that_counts_no_more_says_so(here: Space) -> None:
    here.apply(here.credential("doomed", secretRef={"name": "nowhere"}))
    with (
        credential_operator.hold("backups", reason=REASON, lease=10) as deleted,
        credential_operator.hold("backups", reason=REASON, lease=10, name="again") as replaced,
        credential_operator.hold("doomed", reason=REASON, lease=10) as forced,
    ):
        here.kubectl("delete", "credentialreference", deleted.name, "again")
        here.apply(here.reference("again"))
        why = "credential-operator.io/force-delete=a test"
        here.kubectl("annotate", "credential", "doomed", why)
        here.kubectl("delete", "credential", "doomed")
        for hold in (deleted, replaced, forced):
            here.until(hold.lost.is_set, f"{hold} is lost")
        assert here.find("credentialreference", deleted.name) is None

    assert here.find("credentialreference", forced.name) is None
    assert "renewTime" not in here.get("credentialreference", "again")["spec"]
    here.kubectl("delete", "credentialreference", "again")


# Outages, and the end of leases


def test_answers_that_are_lost_make_no_second_claim_and_lose_none(team: Space, faults: FaultProxy) -> None:
    faults.cut(method="POST", path=CLAIMS, applied=True, times=1)
    faults.fail(503, method="GET", path=CLAIMS, times=1)
    faults.cut(method="DELETE", path=CLAIMS, applied=True, times=1)

    with credential_operator.hold("backups", reason=REASON, name="once"):
        (claim,) = holders.claims(team)
        assert spaces.conditions(claim)["Bound"] == "True Bound"
    assert holders.claims(team) == []


def test_an_outage_that_is_shorter_than_the_lease_loses_nothing(
    team: Space, faults: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    with credential_operator.hold("backups", reason=REASON, lease=10) as hold:
        faults.refuse_connections()
        team.until(lambda: len(_failures(caplog)) >= 2, "renewals fail")
        faults.accept_connections()
        _renewed(team, hold.name)
        assert not hold.lost.is_set()
    assert not hold.lost.is_set()
    assert team.find("credentialreference", hold.name) is None


def test_an_api_server_that_is_away_at_the_beginning_is_said_to_be(team: Space, faults: FaultProxy) -> None:
    faults.refuse_connections()
    with (
        pytest.raises(credential_operator.NotHeld) as raised,
        credential_operator.hold("backups", reason=REASON, wait=0),
    ):
        pytest.fail("the block runs")
    assert raised.value.reason == "Unavailable"
    assert holders.claims(team) == []


def test_at_the_end_of_a_lease_only_who_renews_it_still_holds(
    team: Space, faults: FaultProxy, python: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    python.write("nightly.py", RECIPES["nightly.py"].replace("reason=", "lease=10, reason="))
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(python.running(sys.executable, "nightly.py"))
        killed = python.working()["metadata"]["name"]
        away = stack.enter_context(credential_operator.hold("backups", reason="away", lease=10))
        monkeypatch.setenv("KUBECONFIG", str(python.kubeconfig))
        alive = stack.enter_context(credential_operator.hold("backups", reason="alive", lease=10))
        process.kill()
        faults.refuse_connections()

        for name in (killed, away.name):
            team.becomes(name, "credentialreference", Bound="False Expired")
        team.until(away.lost.is_set, "who was cut off knows")
        team.until(lambda: _users(team) == [alive.name], "only one is counted")
        assert not alive.lost.is_set()

        # What is not deleted is renewed on.
        faults.accept_connections()
        team.becomes(away.name, "credentialreference", Bound="True Bound")

    assert team.get("credentialreference", killed)["spec"]["ttlSecondsAfterFinished"] == 3600
    team.kubectl("delete", "credentialreference", killed)
    assert [team.find("credentialreference", hold.name) for hold in (away, alive)] == [None, None]


# The Helm chart


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_chart_holds_the_credential_for_its_job_and_for_its_release(
    team: Space, tmp_path: pathlib.Path, phase: str
) -> None:
    release, chart = f"app-{phase.lower()}", _chart(tmp_path)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        options = ("--set=image=app", "--timeout=120s", f"--namespace={team.name}")
        helm = ("install", release, str(chart), *options)
        installing = pool.submit(team.cluster.helm, *helm, impersonate="alice", check=False)
        job = f"--selector=batch.kubernetes.io/job-name={release}-migration"
        team.until(lambda: team.kubectl("get", "pod", job, "--output=name"), "the Job has its Pod")
        claim = team.becomes(f"{release}-migration", "credentialreference", Bound="True Bound")
        assert claim["status"]["expiresAt"]

        # Nothing runs Pods here.
        status = json.dumps({"status": {"phase": phase}})
        (pod,) = team.kubectl("get", "pod", job, "--output=name").split()
        team.kubectl("patch", pod, "--subresource=status", "--type=merge", f"--patch={status}")
        done = installing.result()

    assert (done.returncode == 0) == (phase == "Succeeded"), done.stderr
    assert team.find("credentialreference", f"{release}-migration") is None
    if phase == "Succeeded":
        team.becomes(release, "credentialreference", Bound="True Bound")
        team.cluster.helm("uninstall", release, f"--namespace={team.name}", impersonate="alice")
    assert team.find("credentialreference", release) is None


def _chart(folder: pathlib.Path) -> pathlib.Path:
    """Write a chart that has the page's templates and nothing else."""
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    for name, text in RECIPES.items():
        if name.startswith("templates/"):
            (folder / name).write_text(text)
    return folder


def _users(space: Space) -> list[str]:
    """Return who the Credential says that it is held for."""
    references = space.get("credential", "backups")["status"]["references"]
    return [one["name"] for one in references.get("items", ())]


def _counts(space: Space, claim: Json) -> None:
    name = claim["metadata"]["name"]
    space.until(lambda: name in _users(space), f"{name} is counted")


def _renewed(space: Space, name: str) -> None:
    """Wait until a claim is renewed."""

    def moment() -> object:
        return space.get("credentialreference", name)["spec"].get("renewTime")

    before = moment()
    space.until(lambda: moment() != before, f"{name} is renewed")


def _failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one for one in caplog.messages if one.startswith("could not renew")]
