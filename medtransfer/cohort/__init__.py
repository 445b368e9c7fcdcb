"""Labelled cases: tables and class folders, the checks on them, and the frozen split by patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort.model import Case, Cohort, Partition, Problem

__all__ = ["Case", "Cohort", "Partition", "Problem", "read"]


def read(path: Path, labels: Sequence[str] | None = None) -> Cohort:
    """Read a table of cases, a folder that holds one, or a tree with one folder per class.

    Parameters
    ----------
    path
        A table (``.csv``, ``.tsv``, ``.txt``, ``.xlsx``, ``.parquet``), a folder with a ``labels.csv`` or
        ``labels.xlsx`` in it, or a folder with one subfolder of images per class.
    labels
        The labels to learn, by id or by column heading; None takes every column that holds nothing but 1, 0 and
        empty cells.

    Raises
    ------
    DataError
        When the table or the folder cannot be understood. What is wrong with single rows is listed in
        :attr:`Cohort.problems` instead.
    """
    from medtransfer.cohort import reading

    return reading.read(path, labels)
