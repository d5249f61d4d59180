"""Prometheus: the program itself, which scrapes operators and is asked as Grafana asks it."""

import http.client
import json
import pathlib
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import yaml

from emulators import program

Json = dict[str, Any]

INTERVAL = 1
"""Seconds between scrapes."""


class Prometheus(program.Program):
    """A server on loopback that scrapes ports of loopback as the chart's PodMonitor says, and evaluates rules."""

    name: ClassVar[str] = "prometheus"
    probe: ClassVar[str] = "/-/ready"

    def __init__(self, ports: Sequence[int], *, rules: pathlib.Path) -> None:
        super().__init__(tls=False)
        self._ports = ports
        self._rules = rules

    def prepare(self, folder: pathlib.Path) -> None:
        """Writes its configuration."""
        every = f"{INTERVAL}s"
        settings = {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [str(self._rules)],
            "scrape_configs": [
                {
                    "job_name": "operator",
                    "honor_labels": True,
                    "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in self._ports]}],
                }
            ],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))

    def command(self, binary: pathlib.Path, folder: pathlib.Path) -> tuple[program.Argv, Mapping[str, str]]:
        """Gives arguments and environment."""
        options = {
            "config.file": folder / "prometheus.yaml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": f"127.0.0.1:{self.port}",
        }
        return [binary, *(f"--{name}={value}" for name, value in options.items())], {}

    def is_itself(self, status: int) -> bool:
        """Knows it by its being ready."""
        return status == http.client.OK

    def query(self, text: str) -> list[Json]:
        """Return the series that a query has now; a query that is none raises HTTPError."""
        return list(self._get(f"query?{urllib.parse.urlencode({'query': text})}")["result"])

    def rules(self) -> list[Json]:
        """Return the rules as they were last evaluated."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str) -> Json:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10) as answer:
            return dict(json.load(answer)["data"])
