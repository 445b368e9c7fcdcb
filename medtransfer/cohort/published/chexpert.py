"""CheXpert of Stanford (Irvin et al., AAAI 2019, arXiv 1901.07031): 224,316 radiographs of 65,240 patients.

``train.csv`` and ``valid.csv`` name each picture by a path whose first part is the folder that it was unpacked into,
and say 1, 0, -1 (uncertain) or nothing of fourteen observations. Nothing means that the report does not mention it,
and counts as absent, as in the authors' own models. Lateral views are left out. ``valid.csv``, read by radiologists,
is the test set, unless the later test set (``test.csv`` or ``test_labels.csv``) is there too: then it is the
validation set.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from medtransfer.cohort.model import Partition
from medtransfer.cohort.published import chest_labels
from medtransfer.cohort.published.chest_labels import NO_FINDING, chest_label
from medtransfer.cohort.published.columns import ANSWERS, Columns, person
from medtransfer.cohort.published.folder import Folder, part_called
from medtransfer.cohort.published.listing import Entry, Listing, remark

TABLE = r"(train|valid|test|test_labels)\.csv"
DESCRIBING = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA")
_PATIENT = re.compile(r"patient\d+", re.IGNORECASE)
_PATIENTS_BELOW = 2
"""Folders of patients lie in ``train``, or in ``train`` within the folder of one of the archives."""
BLANKS = remark("blanks", "findings that a report does not mention count as absent, as in the authors' own models")
_VALID_TESTS = remark(
    "valid-tests",
    "the pictures of valid.csv, which radiologists read, are the test set; training and validation come from train.csv",
)


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read ``train.csv``, ``valid.csv`` and, where they are there, the labels of the test set."""
    tested = any(path.name.casefold().startswith("test") for path in tables)
    patients = _patient_folders(folder.root)
    headings: dict[str, None] = {}
    entries: list[Entry] = []
    laterals = 0
    for table in map(Columns, tables):
        part = part_called([table.name])
        if part == "validation" and not tested:
            part = "test"
        observed = observations(table)
        headings.update(dict.fromkeys(observed))
        frontal = _entries(table, observed, patients, part)
        laterals += len(table) - len(frontal)
        entries += frontal
    problems = (BLANKS, *chest_labels.laterals_left_out(laterals), *(() if tested else (_VALID_TESTS,)))
    return Listing(chest_labels.names(list(headings)), entries, problems)


def observations(table: Columns) -> list[str]:
    """Return the headings of the observations that can be learnt: all but "no finding", which their absence says."""
    found = table.after(*DESCRIBING, "subject_id", "study_id", "dicom_id", "split")
    return [heading for heading in found if chest_label(heading) != NO_FINDING]


def answers(labels: Sequence[str], cells: Sequence[str]) -> tuple[dict[str, int | None], frozenset[str]]:
    """Return what a row says of each label, and the labels of which it says -1, perhaps.

    Nothing is 0: the report does not mention the observation.
    """
    values = {**ANSWERS, "": 0}
    said = dict(zip(labels, cells, strict=True))
    uncertain = frozenset(label for label, cell in said.items() if cell not in values)
    return {label: values.get(cell) for label, cell in said.items()}, uncertain


def _entries(
    table: Columns, observed: Sequence[str], patients: Mapping[str, Path], part: Partition | None
) -> list[Entry]:
    labels = [chest_label(heading) for heading in observed]
    cells = zip(*(table.texts(heading) for heading in observed), strict=True)
    rows = zip(
        table.texts("Path"),
        table.texts_if_any("Frontal/Lateral"),
        table.texts_if_any("AP/PA"),
        table.texts_if_any("Sex"),
        table.texts_if_any("Age"),
        cells,
        strict=True,
    )
    entries = []
    for text, side, view, sex, age, said in rows:
        path = PurePosixPath(text)
        if (side or path.name).casefold().find("lateral") >= 0:
            continue
        known, uncertain = answers(labels, said)
        patient = next((name for name in path.parts if _PATIENT.fullmatch(name)), path.parent.as_posix())
        entries.append(
            Entry(
                image=_image(path, patient, patients),
                patient=patient,
                labels=known,
                uncertain=uncertain,
                split=part,
                attributes={**chest_labels.view(view), **person(sex, age)},
            )
        )
    return entries


def _image(path: PurePosixPath, patient: str, patients: Mapping[str, Path]) -> Path | None:
    """Return the file that a path means: below the folder of its patient, whatever lies above that is called."""
    if patient not in patients or ".." in path.parts:
        return None
    return patients[patient].joinpath(*path.parts[path.parts.index(patient) + 1 :])


def _patient_folders(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    waiting = deque([(root, 0)])
    while waiting:
        folder, depth = waiting.popleft()
        for path in sorted(folder.iterdir()):
            if _PATIENT.fullmatch(path.name):
                found.setdefault(path.name, path)
            elif depth < _PATIENTS_BELOW and path.is_dir():
                waiting.append((path, depth + 1))
    return found
