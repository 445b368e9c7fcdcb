"""Decide whether a path is a table, a published data set as its authors hand it out, or a tree of class folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort import folders, table
from medtransfer.cohort.model import Cohort
from medtransfer.cohort.published import assembly, registry
from medtransfer.cohort.uncertainty import Uncertainty
from medtransfer.errors import DataError

TABLE_NAMES = ("labels.csv", "labels.xlsx")


def read(path: Path, labels: Sequence[str] | None = None, uncertain: Uncertainty = "unknown") -> Cohort:
    """Read a cohort; see :func:`medtransfer.cohort.read`."""
    if path.is_file():
        _refuse_published(path)
        return table.read(path, labels, uncertain)
    if not path.is_dir():
        raise DataError(
            "there is no such table or folder",
            code="cohort.missing",
            hint="Check the path: give a table of cases or a folder with one subfolder per class.",
            subject=str(path),
        )
    inside = next((path / name for name in TABLE_NAMES if (path / name).is_file()), None)
    if inside:
        return table.read(inside, labels, uncertain)
    found = registry.recognised(path)
    if found:
        return assembly.assemble(found.name, found.listing(), labels, uncertain)
    return folders.read(path, labels)


def _refuse_published(path: Path) -> None:
    """Raise where a table is one of a published data set: it says too little without its folder."""
    known = registry.of_table(path)
    if known:
        raise DataError(
            f"this is a table of {known.name}, which is read as a whole",
            code="published.give-folder",
            hint="Give the folder that holds its tables and its pictures.",
            subject=path.name,
        )
