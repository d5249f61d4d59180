"""python -m credential_operator.cli, and the plugin as one file, which completes what is typed under another name."""

import sys
from pathlib import Path

from credential_operator.cli import app, completion

COMPLETES = "kubectl_complete-credential"
"""The name by which kubectl calls what completes the plugin."""


def main() -> None:
    """Does what it is called for."""
    (completion if Path(sys.argv[0]).name == COMPLETES else app).main()


if __name__ == "__main__":
    main()
