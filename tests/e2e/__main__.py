"""`python -m e2e [--kubeconfig FILE --image NAME --address ADDRESS] [--if-possible] [PYTEST'S OPTIONS…]`."""

import argparse
import ipaddress
import os
import subprocess
import sys
import time
from pathlib import Path

from controlplane import processes
from e2e import enclosure, first, images, needs, place

TESTS = Path(__file__).parent
RULE = "=" * 100


def main() -> int:
    """Run the tests; gives their exit status."""
    options, others = _options()
    command = [sys.executable, "-m", "pytest", str(TESTS), *others]
    if options.kubeconfig:
        address = options.address or place.own_address(options.kubeconfig)
        if ipaddress.ip_address(address).is_loopback:
            _tell(
                f"NOT RUN: no Pod reaches the provider at {address}; --address names one of this machine's."
            )
            return 1
        given = place.Place(kubeconfig=str(options.kubeconfig), image=options.image, address=address)
        return subprocess.run(command, env={**os.environ, **given.environment()}, check=False).returncode
    try:
        needs.provide()
    except needs.Missing as error:
        _tell(f"NOT RUN: the operator's image on a real node, since {error}.")
        return 0 if options.if_possible else 1
    return _on_a_node(command)


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m e2e",
        description="Runs the operator's image on a node of its own, or on your cluster.",
    )
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="use this cluster; all is removed again"
    )
    parser.add_argument("--image", help="the operator's image, as the nodes of that cluster pull it")
    parser.add_argument(
        "--address", help="of this machine, as Pods reach it; left out: the one that leads to the API server"
    )
    parser.add_argument(
        "--if-possible", action="store_true", help="end with 0 where this machine cannot have a node"
    )
    options, others = parser.parse_known_args()
    if options.kubeconfig and not options.image:
        parser.error("--kubeconfig needs --image: the nodes of that cluster pull it")
    return options, others


def _on_a_node(command: list[str]) -> int:
    began = time.monotonic()
    with processes.Supervisor() as scratch:
        archive = images.archive(scratch.folder)
        built = time.monotonic()
        given = place.Place(archive=str(archive), image=images.OPERATOR, address=first.ADDRESS)
        code = enclosure.run(command, {**os.environ, **given.environment()})
    ran = time.monotonic()
    _tell(f"On a real node: {ran - began:.0f} s, of them {built - began:.0f} s for images; status {code}.")
    return code


def _tell(text: str) -> None:
    sys.stderr.write(f"{RULE}\n{text}\n{RULE}\n")


if __name__ == "__main__":
    sys.exit(main())
