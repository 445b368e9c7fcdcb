"""IDRiD, disease grading (Porwal et al., Data 2018, 3(3), 25; CC BY 4.0): 516 fundus photographs of one clinic.

Two tables, one for training and one for testing, give each photograph a grade of diabetic retinopathy (0 to 4) and a
risk of macular oedema (0 to 2). The numbers of the photographs start anew in the second: they lie in a folder for
each. No patients are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medtransfer.cohort.published.columns import Columns
from medtransfer.cohort.published.folder import Folder, part_called
from medtransfer.cohort.published.listing import Entry, Listing, no_patients

TABLE = r"(\w\. ?)?IDRiD_Disease.Grading_(Train|Test)ing.Labels\.csv"
NAMES = {
    "dr": "Diabetic retinopathy",
    "dr_referable": "Referable diabetic retinopathy",
    "dme": "Diabetic macular oedema",
}
_FROM: Mapping[str, tuple[str, int]] = {
    "dr": ("Retinopathy grade", 1),
    "dr_referable": ("Retinopathy grade", 2),
    "dme": ("Risk of macular edema", 2),
}
"""The column of each label, and the grade from which on it is present.

Referable is moderate or worse; macular oedema is risk 2, hard exudates within a disc diameter of the macula's centre.
"""


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the tables that are there."""
    entries = []
    for path in tables:
        part = part_called([path.name])
        table = Columns(path)
        pictures = folder.pictures.of(part) if part else folder.pictures
        pictures = pictures if pictures or len(tables) > 1 else folder.pictures
        grades = zip(*(table.texts(column) for column, _ in _FROM.values()), strict=True)
        for name, row in zip(table.texts("Image name"), grades, strict=True):
            labels = {
                label: int(int(grade) >= least) if grade.isdecimal() else None
                for (label, (_, least)), grade in zip(_FROM.items(), row, strict=True)
            }
            entries.append(Entry(pictures.find(name), f"{part}/{name}", labels, split=part))
    return Listing(NAMES, entries, (no_patients(),))
