"""The ledger of a batch: one line per case, on the disk before the batch goes on, and never rewritten."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from medtransfer.errors import DataError
from medtransfer.result.model import Record
from medtransfer.store import json_lines


class Answer(Record):
    """One label's answer in a row."""

    probability: float
    positive: bool


class Entry(Record):
    """What came of one case.

    ``unit`` is the key of the files that were opened together, ``of`` how many cases they hold: a unit is done when the
    ledger has that many of its entries. ``file`` is relative to the batch's folder.
    """

    unit: str
    of: int
    case: str
    file: str
    modality: str = ""
    status: Literal["done", "failed", "skipped"]
    folder: str = ""
    answers: dict[str, Answer] = {}
    notices: list[str] = []
    code: str = ""
    message: str = ""
    hint: str = ""


class Ledger:
    """An append-only file of entries. Open it once per batch, under the batch's lock.

    Attributes
    ----------
    counts
        How many cases ended how, by status.

    Raises
    ------
    DataError
        When a line other than an unfinished last one is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.counts: Counter[str] = Counter()
        self._cases: set[str] = set()
        self._seen: Counter[str] = Counter()
        self._wanted: dict[str, int] = {}
        for entry in self.read():
            self._count(entry)

    def has_unit(self, key: str) -> bool:
        """Whether every case of these files has its entry."""
        return key in self._wanted and self._seen[key] >= self._wanted[key]

    def count_of(self, key: str) -> int:
        """How many cases of these files have their entry."""
        return self._seen[key]

    def has_case(self, case: str) -> bool:
        """Whether this case has its entry."""
        return case in self._cases

    def append(self, entry: Entry) -> None:
        """Write an entry and wait until the disk has it.

        Raises
        ------
        EnvironmentFailure
            When the disk is full; the ledger then ends with the entry before.
        """
        json_lines.append(self._path, entry)
        self._count(entry)

    def read(self) -> list[Entry]:
        """Read the entries from the file, cutting off a last line that a kill left without its end."""
        return json_lines.read(self._path, Entry, self._damaged)

    def _damaged(self, number: int) -> DataError:
        return DataError(
            f"line {number} of the batch's ledger is damaged",
            code="batch.ledger",
            hint="Start the batch again into another folder with --out.",
            subject=self._path.name,
        )

    def _count(self, entry: Entry) -> None:
        self.counts[entry.status] += 1
        self._cases.add(entry.case)
        self._seen[entry.unit] += 1
        self._wanted[entry.unit] = entry.of
