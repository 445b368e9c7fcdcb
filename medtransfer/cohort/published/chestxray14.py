"""ChestX-ray14 of the NIH (Wang et al., CVPR 2017): 112,120 frontal radiographs of 30,805 patients.

``Data_Entry_2017.csv`` (or ``_v2020``) holds the findings, separated by ``|``. The test set is that of the authors,
``test_list.txt``. Boxes are in ``BBox_List_2017.csv``, in pixels of the published pictures of 1024 x 1024. Pictures
lie in ``images_001/images`` to ``images_012/images``, or anywhere else in the folder.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from medtransfer.cohort.model import Box, Partition
from medtransfer.cohort.published import chest_labels, frames
from medtransfer.cohort.published.chest_labels import CHESTXRAY14, chest_label
from medtransfer.cohort.published.columns import Columns, person
from medtransfer.cohort.published.folder import Folder, part_called
from medtransfer.cohort.published.listing import Entry, Listing, remark
from medtransfer.cohort.sheet import text_of

TABLE = r"Data_Entry_2017.*\.csv"
LIST = r"(train|val|valid|test)(_\w+)?\.txt"
LIST_LINE = re.compile(r"\s*(\d{8}_\d{3}\.png)((?:\s+[01]){14})\s*")
FRAME = (1024, 1024)
NAMES = chest_labels.names(CHESTXRAY14)
_OFFICIAL: tuple[tuple[str, Partition], ...] = (("train_val_list", "train"), ("test_list", "test"))
_SIDES = ("Bbox [x", "y", "w", "h]")
_NO_LISTS = remark(
    "no-official-test",
    "test_list.txt is not there: the test patients are drawn here, and are not those of published figures",
    "Put the authors' train_val_list.txt and test_list.txt into the folder to keep their test set.",
)


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the latest ``Data_Entry_2017*.csv`` with the authors' lists."""
    table = Columns(max(tables, key=lambda path: path.name))
    parts = _official_parts(folder)
    boxes = _boxes(folder)
    rows = zip(
        table.texts("Image Index"),
        table.texts("Finding Labels"),
        table.texts("Patient ID"),
        table.texts_if_any("View Position"),
        table.texts_if_any("Patient Gender", "Patient Sex"),
        table.texts_if_any("Patient Age"),
        strict=True,
    )
    entries = []
    for name, findings, patient, view, sex, age in rows:
        image = folder.pictures.find(name)
        entries.append(
            Entry(
                image=image,
                patient=patient,
                labels=findings_in(findings),
                split=parts.get(name),
                attributes={**chest_labels.view(view), **person(sex, age)},
                boxes=_on(image, boxes.get(name, ())),
            )
        )
    return Listing(NAMES, entries, () if parts else (_NO_LISTS,))


def read_lists(folder: Folder, lists: Sequence[Path]) -> Listing:
    """Read lists of a file name and fourteen zeros and ones, a list for each part, as Xiao et al. (WACV 2023) have."""
    boxes = _boxes(folder)
    entries = []
    for path in lists:
        part = part_called([path.name])
        for name, labels in listed(text_of(path)):
            image = folder.pictures.find(name)
            drawn = _on(image, boxes.get(name, ()))
            entries.append(Entry(image, name.partition("_")[0], labels, split=part, boxes=drawn))
    return Listing(NAMES, entries)


def findings_in(text: str) -> dict[str, int | None]:
    """Return what ``Mass|Nodule`` or ``No Finding`` says of all fourteen findings."""
    present = {chest_label(finding) for finding in text.split("|")}
    return {label: int(label in present) for label in NAMES}


def listed(text: str) -> list[tuple[str, dict[str, int | None]]]:
    """Return the file names and findings of a list; lines of another form are not part of it."""
    lines = (LIST_LINE.fullmatch(line) for line in text.splitlines())
    return [(line[1], dict(zip(NAMES, map(int, line[2].split()), strict=True))) for line in lines if line]


def _official_parts(folder: Folder) -> dict[str, Partition]:
    parts: dict[str, Partition] = {}
    for name, part in _OFFICIAL:
        path = folder.table(rf"{name}(_\w+)?\.txt")
        if path:
            parts.update(dict.fromkeys(text_of(path).split(), part))
    return parts


def _boxes(folder: Folder) -> Mapping[str, Sequence[Box]]:
    path = folder.table(r"BBox_List_2017.*\.csv")
    if path is None:
        return {}
    table = Columns(path)
    found: dict[str, list[Box]] = defaultdict(list)
    sides = zip(*(table.texts(heading) for heading in _SIDES), strict=True)
    for name, finding, rectangle in zip(table.texts("Image Index"), table.texts("Finding Label"), sides, strict=True):
        box = frames.box(chest_label(finding), rectangle)
        if box:
            found[name].append(box)
    return found


def _on(image: Path | None, boxes: Sequence[Box]) -> tuple[Box, ...]:
    return frames.fitted(boxes, FRAME, image) if image and boxes else ()
