"""Archives in which nothing tells when and by whom they were made: the same files are the same bytes."""

import gzip
import pathlib
import tarfile
from collections.abc import Mapping
from typing import BinaryIO, cast


def squeeze(
    packed: pathlib.Path, files: Mapping[str, pathlib.Path], *, level: int = 9, time: int = 0
) -> pathlib.Path:
    """Write a compressed tar of files by their names in it, and return it."""
    with (
        packed.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=level, fileobj=file, mtime=0) as squeezed,
    ):
        _write(cast("BinaryIO", squeezed), files, time)
    return packed


def pack(packed: pathlib.Path, files: Mapping[str, pathlib.Path], *, time: int = 0) -> pathlib.Path:
    """Write a tar of files by their names in it, and return it."""
    with packed.open("wb") as file:
        _write(file, files, time)
    return packed


def below(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Return every file below a folder by its path in it, in order."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path for path in found}


def _write(file: BinaryIO, files: Mapping[str, pathlib.Path], time: int) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, source in files.items():
            entry = tarfile.TarInfo(name)
            runs = source.stat().st_mode & 0o100
            entry.size, entry.mode, entry.mtime = source.stat().st_size, 0o755 if runs else 0o644, time
            with source.open("rb") as content:
                tar.addfile(entry, content)
