"""COVIDx (Wang, Lin and Wong, Scientific Reports 2020, arXiv 2003.09871), in all versions with lists of four words.

A line of ``train*.txt`` or ``test*.txt`` says patient, file, class and source; pictures lie in ``train`` and ``test``.
The classes are normal, pneumonia and COVID-19 (versions A), or negative and positive (versions B). Who has COVID-19
may have pneumonia or not, and who is negative may too: there ``pneumonia`` is unknown. The source becomes the site,
because in this set it nearly tells the class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from medtransfer.cohort.published.folder import Folder, part_called
from medtransfer.cohort.published.listing import Entry, Listing
from medtransfer.cohort.sheet import text_of

LIST = r"(train|val|test)(_\w+([-.]\w+)*)?\.txt"
LIST_LINE = re.compile(
    r"(?P<patient>\S+)\s+(?P<file>\S.*?\.\w{3,5})\s+(?P<finding>normal|pneumonia|COVID-19|negative|positive)"
    r"(?:\s+(?P<source>\S+))?\s*"
)
_NAMES = {"covid_19": "COVID-19", "pneumonia": "Pneumonia"}
_ANSWERS: dict[str, dict[str, int | None]] = {
    "normal": {"covid_19": 0, "pneumonia": 0},
    "pneumonia": {"covid_19": 0, "pneumonia": 1},
    "COVID-19": {"covid_19": 1, "pneumonia": None},
    "negative": {"covid_19": 0, "pneumonia": None},
    "positive": {"covid_19": 1, "pneumonia": None},
}


class Line(NamedTuple):
    """What one line of a list says."""

    patient: str
    file: str
    finding: str
    source: str


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the lists of the parts."""
    entries = []
    for path in tables:
        part = part_called([path.name])
        pictures = folder.pictures.of(part) if part else folder.pictures
        entries += [
            Entry(pictures.find(line.file), line.patient, _ANSWERS[line.finding], split=part, site=line.source)
            for line in listed(text_of(path))
        ]
    return Listing(_NAMES, entries)


def listed(text: str) -> list[Line]:
    """Return the lines of a list; those of another form are not part of it."""
    lines = (LIST_LINE.fullmatch(line) for line in text.splitlines())
    return [Line(line["patient"], line["file"], line["finding"], line["source"] or "") for line in lines if line]
