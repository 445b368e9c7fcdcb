"""What a de-identification says about itself: a report without any value or name of the source, and the key file."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from medtransfer.store.files import full_disk_explained, write_text
from medtransfer.study.confidentiality.dicom import Person
from medtransfer.study.confidentiality.profile import Options
from medtransfer.work.deidentify_ledger import Register

if TYPE_CHECKING:
    from medtransfer.work.deidentify import Outcome

PROFILE = "DICOM PS3.15 2024b, table E.1-1, Basic Application Level Confidentiality Profile"
_NOT_DONE = (
    "Text in pixels is not looked for, faces in heads are not removed, and text in attributes that the profile keeps"
    " is not read."
)


def write_report(out: Path, options: Options, outcome: Outcome, register: Register) -> None:
    """Write ``report.csv`` (element, action, count) and ``report.json`` (the same with the totals)."""
    rows = [(what, action, count) for (what, action), count in sorted(register.changes.items())]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("element", "action", "count"))
    writer.writerows(rows)
    write_text(out / "report.csv", table.getvalue())
    report = {
        "profile": PROFILE,
        "not_done": _NOT_DONE,
        "options": asdict(options),
        "files": len(register),
        "left_out": outcome.left_out,
        "held_back": Counter(held.kind for held in outcome.held),
        "failed": Counter(error.code for _, error in outcome.failed),
        "changes": [{"element": what, "action": action, "count": count} for what, action, count in rows],
    }
    write_text(out / "report.json", json.dumps(report, indent=1))


class KeyFile:
    """Which patient became which pseudonym; readable by its owner alone. It grows by a line per new patient."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[str] = set()
        if path.exists():
            with path.open(encoding="utf-8", newline="") as stream:
                self._known = {row["pseudonym"] for row in csv.DictReader(stream)}
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(("patient_id", "pseudonym", "days_when_dates_shift"))

    def add(self, person: Person) -> None:
        """Write a patient down, once, before the first of their files is written."""
        if person.pseudonym not in self._known:
            self._known.add(person.pseudonym)
            self._append((person.original, person.pseudonym, person.days))

    def _append(self, row: tuple[str | int, ...]) -> None:
        with (
            full_disk_explained(),
            os.fdopen(
                os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8", newline=""
            ) as stream,
        ):
            csv.writer(stream, lineterminator="\n").writerow(row)
            stream.flush()
            os.fsync(stream.fileno())
