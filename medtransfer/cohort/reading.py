"""Decide whether a path is a table or a tree of class folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort import folders, table
from medtransfer.cohort.model import Cohort
from medtransfer.errors import DataError

TABLE_NAMES = ("labels.csv", "labels.xlsx")


def read(path: Path, labels: Sequence[str] | None = None) -> Cohort:
    """Read a cohort; see :func:`medtransfer.cohort.read`."""
    if path.is_file():
        return table.read(path, labels)
    if not path.is_dir():
        raise DataError(
            "there is no such table or folder",
            code="cohort.missing",
            hint="Check the path: give a table of cases or a folder with one subfolder per class.",
            subject=str(path),
        )
    inside = next((path / name for name in TABLE_NAMES if (path / name).is_file()), None)
    return table.read(inside, labels) if inside else folders.read(path, labels)
