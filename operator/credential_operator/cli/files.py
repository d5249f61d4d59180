"""Manifests in files, as `kubectl apply` takes them: YAML or JSON, documents, lists, folders, standard input."""

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from credential_operator.cli.problems import Exit, Problem

STANDARD_INPUT = "-"
ENDINGS = frozenset({".yaml", ".yml", ".json"})
"""What names of manifests end with, in a folder."""
LARGEST = 16 << 20
"""Bytes that are read of one file."""


class Loader(yaml.SafeLoader):
    """Reads YAML as Kubernetes does: a date is a text."""


Loader.yaml_implicit_resolvers = {
    sign: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """An object as a file has it; `file` is the name that was given."""

    file: str
    document: dict[str, Any] = dataclasses.field(repr=False)

    @property
    def kind(self) -> str:
        """Its kind; empty for what has none."""
        return str(self.document.get("kind", ""))

    @property
    def api_version(self) -> str:
        """Its API group and version."""
        return str(self.document.get("apiVersion", ""))

    @property
    def metadata(self) -> dict[str, Any]:
        """Its metadata; empty where there is none that could be read."""
        found = self.document.get("metadata")
        return found if isinstance(found, dict) else {}


def manifests(paths: Iterable[str]) -> list[Manifest]:
    """Gives the objects of files and folders, those of lists one by one; raises Problem, without any content."""
    found = []
    for path, text in texts(paths):
        for document in documents(path, text):
            if not isinstance(document, dict):
                raise Problem(f"{path} holds something that is no Kubernetes object.", Exit.USAGE)
            found += [Manifest(path, each) for each in _unlisted(document)]
    return found


def texts(paths: Iterable[str], *, largest: int = LARGEST) -> Iterator[tuple[str, str]]:
    """Gives the names of files and what is in them, so many bytes at most; of a folder, its manifests by name."""
    for path in paths:
        if path == STANDARD_INPUT:
            yield path, _decoded(path, sys.stdin.buffer.read(largest))
            continue
        for file in _files(Path(path).expanduser()):
            try:
                content = file.read_bytes()[:largest]
            except OSError as error:
                raise Problem(f"{file} cannot be read: {error.strerror}.", Exit.USAGE) from None
            yield str(file), _decoded(str(file), content)


def documents(path: str, text: str) -> list[Any]:
    """Gives the documents of a YAML or JSON file, without empty ones; raises Problem that names the line."""
    try:
        found = list(yaml.load_all(text, Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise Problem(f"{path} is not YAML or JSON{where}.", Exit.USAGE) from None
    return [document for document in found if document is not None]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in ENDINGS)


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{path} is not text in UTF-8.", Exit.USAGE) from None


def _unlisted(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))
    else:
        yield document
