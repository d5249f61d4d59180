"""The chart's alert rules, judged by Prometheus' own promtool."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from alerts.cases import CASES, Case, Json
from controlplane import tools

ROOT = pathlib.Path(__file__).parents[2]
RULES = ROOT / "deploy" / "chart" / "files" / "alerts.yaml"
ALERTS: list[Json] = [
    rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
]
SECTIONS = [
    line.removeprefix("## ")
    for line in (ROOT / "docs" / "runbooks.md").read_text().splitlines()
    if line.startswith("## ")
]


def promtool(*args: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Run promtool, whatever it answers."""
    return subprocess.run([tools.path("promtool"), *args], capture_output=True, text=True, check=False)


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(ALERTS)} rules found" in done.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert} {case.when}")
def test_an_alert_fires_when_it_should_and_only_then(case: Case, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [_test(case)]}))

    done = promtool("test", "rules", file)

    assert done.returncode == 0, done.stdout + done.stderr


def _test(case: Case) -> Json:
    (rule, *_) = (rule for rule in ALERTS if rule["alert"] == case.alert)
    annotations = {**rule["annotations"], "summary": case.summary}
    fires = [] if case.labels is None else [{"severity": case.severity, **case.labels}]
    alerts = [{"exp_labels": labels, "exp_annotations": annotations} for labels in fires]
    return {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "alert_rule_test": [{"eval_time": f"{case.minutes}m", "alertname": case.alert, "exp_alerts": alerts}],
    }


def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    rules = {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert {(case.alert, case.severity) for case in CASES if case.labels is not None} == rules
    assert {case.alert for case in CASES if case.labels is None} == {alert for alert, _ in rules}


def test_every_alert_has_a_section_in_the_runbooks() -> None:
    names = [*dict.fromkeys(rule["alert"] for rule in ALERTS)]
    assert names == SECTIONS
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"


def test_the_page_about_metrics_names_every_alert_with_its_severities() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    named = dict(re.findall(r"^\| `(Credential\w+)` \| ([\w, ]+) \|", page, re.MULTILINE))
    severities: dict[str, list[str]] = {}
    for rule in ALERTS:
        severities.setdefault(rule["alert"], []).append(rule["labels"]["severity"])
    assert named == {alert: ", ".join(found) for alert, found in severities.items()}
