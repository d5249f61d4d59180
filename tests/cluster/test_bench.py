"""The bench itself works: few objects, and no word on the figures."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from bench import goals
from credential_operator import providers

TESTS = pathlib.Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.timeout(900)
RUNS = ("unchecked 100", "plain 100", "aws 100", "mixed 100")
DISTRIBUTED = "4 Credentials to 10 namespaces"
RENEWED = "40 keys of 12 s, for 2 lives"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("bench") / "results.json"
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", f"--json={file}"],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
    assert str(file) in ended.stdout
    return dict(json.loads(file.read_text()))


def test_every_load_is_measured(results: dict[str, Any]) -> None:
    groups = [figure["group"] for figure in results["figures"] if figure["name"].endswith(".seconds")]

    assert groups == [*RUNS, "restart", DISTRIBUTED]


def test_each_credential_costs_its_reads_and_writes_and_is_checked_once(results: dict[str, Any]) -> None:
    figures = {(figure["group"], figure["name"]): figure["value"] for figure in results["figures"]}

    assert figures["unchecked 100", "operator.requests.POST secrets"] == 1
    assert figures["unchecked 100", "operator.requests.PATCH credentials/status"] == 1
    assert figures["validation, 100", "validation.calls"] == 1


def test_each_reference_that_is_distributed_costs_its_own_writes(results: dict[str, Any]) -> None:
    figures = {(figure["group"], figure["name"]): figure["value"] for figure in results["figures"]}

    assert figures[DISTRIBUTED, "distribution.requests.POST credentialreferences"] == 1
    assert figures[DISTRIBUTED, "distribution.requests.PATCH credentialreferences/status"] == 1
    assert figures[DISTRIBUTED, "distribution.restart.writes"] == 0


def test_each_renewal_costs_one_call_and_one_write_of_its_target(results: dict[str, Any]) -> None:
    figures = {figure["name"]: figure["value"] for figure in results["figures"] if figure["group"] == RENEWED}

    # Some are under way when the counting begins and ends.
    assert figures["renewals.requests.PATCH secrets"] == pytest.approx(1, abs=0.1)
    assert 0 < figures["renewals.calls"] <= 2


def test_what_a_credential_costs_beside_others_is_seen_beside_the_baseline(results: dict[str, Any]) -> None:
    figures = {figure["name"]: figure["value"] for figure in results["figures"]}

    ratio = figures["growth.operator.many"] / figures["growth.operator.few"]
    assert figures["growth.operator"] == pytest.approx(ratio, abs=0.01)
    assert figures["growth.compared"] == pytest.approx(
        figures["growth.together"] / figures["growth.baseline.together"], abs=0.01
    )


def test_a_scrape_has_three_series_of_each_credential_or_none(results: dict[str, Any]) -> None:
    with_each, without = (
        figure["value"] for figure in results["figures"] if figure["name"] == "scrape.series"
    )

    assert with_each - without == 3 * 100


def test_every_type_that_is_asked_has_its_price(results: dict[str, Any]) -> None:
    priced = {figure["name"] for figure in results["figures"] if "by type" in figure["group"]}
    unasked = {"azureEnterprise", "opaque"} & providers.find().keys()

    assert priced == {f"validation.{kind}" for kind in providers.find().keys() - unasked}


def test_a_figure_stands_beside_its_goal(results: dict[str, Any]) -> None:
    judged = {figure["name"]: figure for figure in results["figures"] if "goal" in figure}

    assert {"operator.share", "comparison.speedup", "quiet.writes", "restart.writes", "change.p99"} <= set(
        judged
    )
    assert judged["operator.share"]["bound"] == "AT_MOST"
    assert {type(figure["met"]) for figure in judged.values()} == {bool}
    assert judged.keys() == goals.GOALS.keys()


def test_a_goal_that_was_not_measured_is_missed() -> None:
    lines = list(goals.missed([], of=lambda name: name.startswith("growth.")))

    assert len(lines) == 2
    assert all("not measured" in line for line in lines)


def test_pods_are_watched_with_and_without_secrets(results: dict[str, Any]) -> None:
    groups = [figure["group"] for figure in results["figures"] if figure["name"] == "pods.event"]

    assert groups == ["1,000 Pods, each with a Secret", "1,000 Pods, none with a Secret"]


def test_nothing_is_written_where_nothing_changes(results: dict[str, Any]) -> None:
    figures = {figure["name"]: figure["value"] for figure in results["figures"]}

    assert (figures["quiet.writes"], figures["restart.writes"], figures["restart.calls"]) == (0, 0, 0)
