"""Labelled cases: tables, published data sets and class folders, their checks, and the frozen split by patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort.model import Case, Cohort, Partition, Problem
from medtransfer.cohort.uncertainty import Uncertainty

__all__ = ["Case", "Cohort", "Partition", "Problem", "Uncertainty", "read"]


def read(path: Path, labels: Sequence[str] | None = None, uncertain: Uncertainty = "unknown") -> Cohort:
    """Read a table of cases, a folder that holds one, a published data set, or a tree with one folder per class.

    Parameters
    ----------
    path
        A table (``.csv``, ``.tsv``, ``.txt``, ``.xlsx``, ``.parquet``), a folder with a ``labels.csv`` or
        ``labels.xlsx`` in it, the folder that a published data set was unpacked into
        (:mod:`medtransfer.cohort.published.registry` lists those known), or a folder with one subfolder of images per
        class.
    labels
        The labels to learn, by id or by column heading; None takes every column that holds nothing but 1, 0, -1 and
        empty cells, or every label of a published data set.
    uncertain
        What answers of -1, "perhaps", count as.

    Raises
    ------
    DataError
        When the table or the folder cannot be understood. What is wrong with single rows is listed in
        :attr:`Cohort.problems` instead.
    """
    from medtransfer.cohort import reading

    return reading.read(path, labels, uncertain)
