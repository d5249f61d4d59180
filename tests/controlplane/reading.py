"""Reads of the API server without a process for each: for what is looked at again and again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client import rest

OK, NOT_FOUND = 200, 404
RETRIES = 3
"""How often a connection that was cut is made anew, as after a restart of the API server."""


class Reader:
    """Reads as the user of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        found = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=found)
        self._url = str(found.host)
        self._headers = {"Accept": "application/json"}
        if token := found.get_api_key_with_prefix("BearerToken"):
            self._headers["Authorization"] = token
        self._pool = rest.RESTClientObject(found).pool_manager

    def read(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """Read an object or a list; None where there is none, RuntimeError for any other refusal."""
        answer = self._pool.request(
            "GET", f"{self._url}{path}", fields=dict(query), headers=self._headers, retries=RETRIES
        )
        if answer.status == NOT_FOUND:
            return None
        if answer.status != OK:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.data.decode()}")
        return dict(json.loads(answer.data))
