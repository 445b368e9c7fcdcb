"""Find the cases below a folder one after the other, without listing the whole tree first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medtransfer.errors import DataError
from medtransfer.study.reader import Files, Reader
from medtransfer.study.sniff import named_like_an_image


@dataclass(frozen=True)
class Unit:
    """Files that are opened together: one picture or volume, or all DICOM files of a folder.

    ``name`` is the path below the walked folder with forward slashes; ``key`` changes when a file is renamed, moved or
    written to, and is what a resumed batch recognises its finished work by.
    """

    name: str
    paths: tuple[Path, ...]
    key: str


def walk(folder: Path, leave_out: Path) -> Iterator[Unit]:
    """Yield what lies below ``folder`` in a fixed order; hidden files and ``leave_out`` are passed over."""
    for here, names in directories(folder, leave_out):
        yield from units(folder, here, names, Files())


def directories(folder: Path, leave_out: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield ``folder`` and the directories below it in a fixed order, each with the names of its visible files."""
    hidden_from = leave_out.resolve()
    for place, subfolders, files in os.walk(folder):
        here = Path(place)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and (here / name).resolve() != hidden_from
        )
        yield here, sorted(name for name in files if not name.startswith("."))


def units(root: Path, here: Path, names: Sequence[str], reader: Reader) -> Iterator[Unit]:
    """Yield the units among the files of one directory below ``root``, those of DICOM files last."""
    together = []
    for name in names:
        match _kind(here / name, reader):
            case "single":
                yield _unit(root, here / name, (here / name,))
            case "dicom":
                together.append(here / name)
    if together:
        yield _unit(root, here if len(together) > 1 else together[0], tuple(together))


def _kind(path: Path, reader: Reader) -> Literal["single", "dicom", "other"]:
    """Say whether a file is complete in itself, may belong to a DICOM series, or is no image and was never meant to be.

    A file that cannot be read but is named like an image is ``single``: opening it says what is wrong.
    """
    try:
        kind = reader.format(path)
    except DataError:
        kind = None
    if kind == "dicom":
        return "dicom"
    if kind == "dicomdir":  # the files that it names are found by the walk itself
        return "other"
    return "single" if kind is not None or named_like_an_image(path) else "other"


def _unit(root: Path, named_after: Path, paths: tuple[Path, ...]) -> Unit:
    name = named_after.relative_to(root).as_posix()
    identity = hashlib.sha256(name.encode())
    for path in paths:
        try:
            state = path.stat()
        except OSError:  # a link to nowhere: opening it will say so
            continue
        identity.update(f"\0{path.name}\0{state.st_size}\0{state.st_mtime_ns}".encode())
    return Unit(name, paths, identity.hexdigest()[:24])
