"""The command `credential-operator`."""

import argparse
import contextlib
import os
import sys

import pydantic

from credential_operator import errors, logs, process, settings, traces


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; gives its exit status."""
    chosen = _parser().parse_args(arguments)
    if chosen.command == "crds":
        return _crds()
    try:
        if chosen.command == "release":
            return _release(chosen.namespace, remove=chosen.secrets == "remove")
        return _run()
    except errors.NoCluster as error:
        sys.stderr.write(f"credential-operator: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="credential-operator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the operator", description=f"Runs the operator. {settings.__doc__}")
    commands.add_parser(
        "crds",
        help="print the CRDs",
        description="Prints the CustomResourceDefinitions for what is installed here.",
    )
    release = commands.add_parser(
        "release",
        help="release everything, for an operator that is gone",
        description="Takes the finalizer off every Credential, and our ownerReferences off published Secrets. "
        "For when operator and admission policies are gone; may be repeated. Exit status 1: something is left.",
    )
    release.add_argument(
        "--namespace", action="append", default=[], help="only this one; default: those of the settings"
    )
    release.add_argument(
        "--secrets", choices=["keep", "remove"], default="keep", help="what becomes of published Secrets"
    )
    return parser


def _settings() -> settings.Settings | None:
    try:
        return settings.load(os.environ)
    except pydantic.ValidationError as error:
        for problem in error.errors():
            name = settings.PREFIX + "_".join(str(part) for part in problem["loc"][:1]).upper()
            sys.stderr.write(f"credential-operator: {name}: {problem['msg']}\n")
        return None


def _run() -> int:
    chosen = _settings()
    if chosen is None:
        return 2
    logs.configure(chosen.log_level)
    with process.without(process.HEAVY):
        from credential_operator import app  # noqa: PLC0415  the other commands need no cluster

    with contextlib.ExitStack() as ending:
        if chosen.traces_endpoint:
            ending.callback(traces.begin(chosen.traces_endpoint, identity=chosen.identity))
        return 0 if app.run(chosen) else 1


def _release(namespaces: list[str], *, remove: bool) -> int:
    chosen = _settings()
    if chosen is None:
        return 2
    from credential_operator import release  # noqa: PLC0415  the other commands need no cluster

    done = release.run(
        namespaces or chosen.namespaces, remove=remove, say=lambda line: sys.stdout.write(f"{line}\n")
    )
    return 0 if done else 1


def _crds() -> int:
    from credential_operator import generate  # noqa: PLC0415

    sys.stdout.write(generate.manifest(generate.crds()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
