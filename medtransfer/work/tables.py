"""The tables of a batch: ``results.csv`` with one row per case, ``failures.csv`` with those that failed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from medtransfer.store.files import full_disk_explained, write_text
from medtransfer.work.ledger import Entry

RESULTS = "results.csv"
FAILURES = "failures.csv"


class Tables:
    """Both tables, rebuilt from the ledger at the start and then growing with it.

    Parameters
    ----------
    folder
        Where the tables lie.
    labels
        Label ids: two columns each.
    entries
        What the ledger holds already.
    """

    def __init__(self, folder: Path, labels: Sequence[str], entries: Iterable[Entry]) -> None:
        self._folder = folder
        self._labels = labels
        known = list(entries)
        columns = ["case", "file", "modality", "status", "folder", "notices", "error"]
        for label in labels:
            columns += [f"{label}_probability", f"{label}_positive"]
        write_text(folder / RESULTS, _lines([columns, *(self._row(entry) for entry in known)]))
        failed = [_failure(entry) for entry in known if entry.status == "failed"]
        write_text(folder / FAILURES, _lines([["case", "file", "code", "message", "hint"], *failed]))

    def append(self, entry: Entry) -> None:
        """Add a case."""
        _append(self._folder / RESULTS, self._row(entry))
        if entry.status == "failed":
            _append(self._folder / FAILURES, _failure(entry))

    def _row(self, entry: Entry) -> list[str | float]:
        notices = " ".join(entry.notices)
        row: list[str | float] = [entry.case, entry.file, entry.modality, entry.status, entry.folder, notices]
        row.append(entry.message)
        for label in self._labels:
            answer = entry.answers.get(label)
            row += [answer.probability, int(answer.positive)] if answer else ["", ""]
        return row


def _failure(entry: Entry) -> list[str | float]:
    return [entry.case, entry.file, entry.code, entry.message, entry.hint]


def _append(path: Path, row: Sequence[str | float]) -> None:
    with full_disk_explained(), path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(_lines([row]))


def _lines(rows: Iterable[Sequence[str | float]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
