"""What a de-identification has written: one line per file, so that the same command goes on where it was stopped.

A line names the source by a keyed digest, which nobody without the secret can relate to a file or a patient.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from medtransfer.errors import DataError
from medtransfer.result.model import Record
from medtransfer.store import json_lines
from medtransfer.study.confidentiality.changes import Changes


class Written(Record):
    """One file: the digest of its source, its place below the output folder, its series there, what was changed."""

    source: str
    file: str
    study: str = ""
    series: str = ""
    changes: list[tuple[str, str, int]] = []


class Register:
    """The lines that exist, and the numbers that the next study, series and file get.

    Raises
    ------
    DataError
        When a line other than an unfinished last one is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sources: dict[str, str] = {}
        self._studies: dict[str, int] = {}
        self._series: dict[str, dict[str, int]] = {}
        self._files: Counter[Path] = Counter()
        self.changes: Changes = Counter()
        for line in json_lines.read(path, Written, self._damaged):
            self._take(line)

    def __len__(self) -> int:
        return len(self._sources)

    def file_of(self, source: str) -> str:
        """Return where a source was written to; empty when it was not."""
        return self._sources.get(source, "")

    def place_in_series(self, study: str, series: str) -> Path:
        """Return the place of the next DICOM file of a series."""
        study_number = self._studies.setdefault(study, len(self._studies) + 1)
        known = self._series.setdefault(study, {})
        folder = Path(f"study-{study_number:04}", f"series-{known.setdefault(series, len(known) + 1):04}")
        return folder / f"{self._files[folder] + 1:06}.dcm"

    def place_in(self, folder: str, suffix: str) -> Path:
        """Return the place of the next file of a folder."""
        return Path(folder, f"{self._files[Path(folder)] + 1:06}{suffix}")

    def append(self, line: Written) -> None:
        """Write a line and wait until the disk has it.

        Raises
        ------
        EnvironmentFailure
            When the disk is full.
        """
        json_lines.append(self._path, line)
        self._take(line)

    def _take(self, line: Written) -> None:
        self._sources[line.source] = line.file
        if line.study or line.series:
            self.place_in_series(line.study, line.series)
        self._files[Path(line.file).parent] += 1
        for what, action, count in line.changes:
            self.changes[(what, action)] += count

    def _damaged(self, number: int) -> DataError:
        return DataError(
            f"line {number} of the record of what was written here is damaged",
            code="deidentify.ledger",
            hint="Start again into another folder.",
            subject=self._path.name,
        )
