"""BreakHis as it is published, written as a table of labelled cases.

Its pictures are called ``SOB_M_DC-14-2523-400-001.png``: biopsy, benign or malignant, type, year, slide, magnification,
number. Year and slide name the patient, who may be on pictures of several types; letters after the slide's number are
left out, so that two slides of one biopsy count as one patient in every case. The magnification becomes the site: a
report tells how good a model is at each.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from medtransfer.sdk import DataError

TYPES = {
    "A": "adenosis",
    "F": "fibroadenoma",
    "PT": "phyllodes_tumor",
    "TA": "tubular_adenoma",
    "DC": "ductal_carcinoma",
    "LC": "lobular_carcinoma",
    "MC": "mucinous_carcinoma",
    "PC": "papillary_carcinoma",
}
COLUMNS = ("image", "patient", "site", "malignant", *TYPES.values())
_NAME = re.compile(r"SOB_([BM])_([A-Z]+)-(\d+-\d+)[A-Z]*-(40|100|200|400)-\d+\.png")


def write(folder: Path, table: Path) -> int:
    """Write the table of all pictures in and below a folder, and return how many there are.

    Raises
    ------
    DataError
        When no picture there is called as BreakHis calls them.
    """
    rows = list(_rows(folder))
    if not rows:
        raise DataError(
            "no picture there is called as in BreakHis (SOB_M_DC-14-2523-400-001.png)",
            code="breakhis.nothing-found",
            hint="Give the folder that BreakHis was unpacked into, with its file names as they came.",
        )
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)


def _rows(folder: Path) -> Iterator[list[str | int]]:
    for path in sorted(folder.rglob("SOB_*.png")):
        found = _NAME.fullmatch(path.name)
        if found and found[2] in TYPES:
            types = [int(kind == found[2]) for kind in TYPES]
            yield [str(path.absolute()), found[3], f"{found[4]}x", int(found[1] == "M"), *types]
