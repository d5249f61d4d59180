"""`make cli`: writes dist/kubectl-credential, its archive for this platform, and the manifest of all archives there."""

import argparse
import importlib.metadata
import sys

from bundle import krew, plugin

RELEASES = "https://example.com/credential-operator/releases"
"""Where archives will be, as long as nobody says."""


def main() -> int:
    """Build all three, and say where they are."""
    parser = argparse.ArgumentParser(prog="make cli", description=__doc__)
    parser.add_argument("--releases", default=RELEASES, metavar="URL", help="where the archives will be")
    releases = parser.parse_args().releases.rstrip("/")
    made = plugin.build(plugin.ROOT / "dist")
    packed = krew.archive(made)
    archives = packed.parent.glob(f"{plugin.NAME}-*.tar.gz")
    written = packed.with_name(krew.TEMPLATE.name)
    document = krew.manifest(importlib.metadata.version("credential-operator"), releases, archives)
    written.write_text(krew.written(document))
    for file in (made, packed, written):
        sys.stdout.write(f"{file.relative_to(plugin.ROOT)}  {file.stat().st_size / 1e6:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
