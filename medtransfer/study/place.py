"""Where files lie: what they are called, and what lies beside them. A folder is one such place, an archive another."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from medtransfer.errors import DataError


class Place(Protocol):
    """Answers for the files of a search."""

    def name_of(self, path: Path) -> str:
        """Return the file's name without folders, as the person knows it."""

    def beside(self, path: Path, name: str) -> Path | None:
        """Return the file called ``name`` in the same folder as ``path``; None when there is none."""


class Folders:
    """The file system."""

    def name_of(self, path: Path) -> str:
        """Return the last part of the path."""
        return path.name

    def beside(self, path: Path, name: str) -> Path | None:
        """Look ``name`` up in the listing of the folder: it cannot lead out of it, nor can a link."""
        found = next((entry for entry in path.parent.iterdir() if entry.name == name), None)
        if found is None or found.resolve().parent != path.parent.resolve() or not found.is_file():
            return None
        return found


def detached(path: Path, name: str, place: Place) -> Path:
    """Return the file ``name`` in which the header at ``path`` says that its values lie.

    Raises
    ------
    DataError
        ``study.detached`` when there is no such file in the same folder.
    """
    found = place.beside(path, name)
    if found is None:
        raise DataError(
            "the file is only a header, and the file with its values is not in the same folder",
            code="study.detached",
            hint="Put both files into one folder.",
            subject=path.name,
        )
    return found
