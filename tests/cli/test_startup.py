"""A list begins at once: it loads nothing that it does not need."""

import subprocess
import sys

from cli.desk import Desk

HEAVY = (
    "aiohttp",
    "boto3",
    "botocore",
    "cryptography",
    "google",
    "jinja2",
    "kopf",
    "kubernetes",
    "pydantic",
    "yaml",
)
LOADED = """
import sys
from credential_operator.cli import app
sys.argv = ["kubectl-credential", "list", "-A"]
try:
    app.main()
finally:
    print("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def test_a_list_loads_nothing_that_it_does_not_need(desk: Desk) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, env=desk.environment(), check=True
    )

    assert "backups" in answer.stdout
    assert set(HEAVY).isdisjoint(answer.stderr.split())
