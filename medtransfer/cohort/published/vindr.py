"""VinDr-CXR (Nguyen et al., Scientific Data 2022, arXiv 2012.15029): 18,000 PA radiographs, drawn in by radiologists.

From PhysioNet: ``image_labels_train.csv`` with a row for each picture and radiologist, ``image_labels_test.csv`` with
the consensus of five, and the boxes in ``annotations_train.csv`` and ``annotations_test.csv``. From Kaggle:
``train.csv`` with the boxes alone, of which one without a rectangle says "No finding".

Three radiologists read a training picture. A finding counts as present where more than half of those who read the
picture report it; kept are all boxes that were drawn around such a finding. The data set names no patients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medtransfer.cohort.model import Box, Partition, Problem
from medtransfer.cohort.published import chest_labels, frames
from medtransfer.cohort.published.chest_labels import NO_FINDING, chest_label
from medtransfer.cohort.published.columns import ANSWERS, Columns
from medtransfer.cohort.published.folder import Folder, part_called
from medtransfer.cohort.published.listing import Entry, Listing, no_patients, remark

TABLE = r"(image_labels_(train|test)|train)\.csv"
SIZES = r"(train|test)_meta\.csv"
_DICOM = (".dicom", ".dcm")
_MAJORITY = remark("majority", "a finding counts as present where more than half of the radiologists reported it")
_CORNERS = ("x_min", "y_min", "x_max", "y_max")


@dataclass
class _Readings:
    """What radiologists said of one picture: who read it, and who reported which finding."""

    part: Partition | None
    readers: set[str] = field(default_factory=set)
    reporters: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def present(self, label: str) -> bool:
        """Say whether more than half of the readers reported a finding."""
        return 2 * len(self.reporters.get(label, ())) > len(self.readers)


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the tables of labels, else those of boxes, and the boxes."""
    opened = [Columns(path) for path in tables]
    with_boxes = [table for table in opened if table.position("class_name") is not None]
    labelled = [table for table in opened if table.position("class_name") is None] or with_boxes
    headings: dict[str, None] = {}
    readings: dict[str, _Readings] = {}
    for table in labelled:
        part = part_called([table.name])
        for picture, reader, reported in _rows(table, headings):
            reading = readings.setdefault(picture, _Readings(part))
            reading.readers.add(reader)
            for label in reported:
                reading.reporters[label].add(reader)
    names = chest_labels.names(list(headings))
    drawn = _boxes([*with_boxes, *map(Columns, folder.tables(r"annotations_(train|test)\.csv"))])
    sizes = _sizes(folder)
    entries = []
    unplaced = 0
    for picture, reading in readings.items():
        image = folder.pictures.find(picture)
        boxes = [box for box in drawn.get(picture, ()) if reading.present(box.label)]
        placed = _placed(boxes, image, sizes.get(picture))
        unplaced += len(boxes) - len(placed) if image else 0
        labels: dict[str, int | None] = {label: int(reading.present(label)) for label in names}
        entries.append(Entry(image, picture, labels, split=reading.part, boxes=placed))
    return Listing(names, entries, (_MAJORITY, no_patients(), *_left_out(unplaced)))


def _rows(table: Columns, headings: dict[str, None]) -> Iterable[tuple[str, str, list[str]]]:
    """Return picture, reader and reported findings of each row, and note the headings of findings on the way."""
    pictures, readers = table.texts("image_id"), table.texts_if_any("rad_id")
    if table.position("class_name") is not None:
        classes = table.texts("class_name")
        found = {heading: chest_label(heading) for heading in sorted(set(classes))}
        headings.update(dict.fromkeys(heading for heading, label in found.items() if label != NO_FINDING))
        return [
            (picture, reader, [found[finding]] if found[finding] != NO_FINDING else [])
            for picture, reader, finding in zip(pictures, readers, classes, strict=True)
        ]
    findings = [heading for heading in table.after("image_id", "rad_id") if chest_label(heading) != NO_FINDING]
    headings.update(dict.fromkeys(findings))
    labels = [chest_label(heading) for heading in findings]
    cells = zip(*(table.texts(heading) for heading in findings), strict=True)
    return [
        (picture, reader, [label for label, cell in zip(labels, row, strict=True) if ANSWERS.get(cell) == 1])
        for picture, reader, row in zip(pictures, readers, cells, strict=True)
    ]


def _boxes(tables: Iterable[Columns]) -> Mapping[str, list[Box]]:
    found: dict[str, list[Box]] = defaultdict(list)
    for table in tables:
        corners = zip(*(table.texts(heading) for heading in _CORNERS), strict=True)
        rows = zip(table.texts("image_id"), table.texts("class_name"), corners, strict=True)
        for picture, finding, (left, top, right, bottom) in rows:
            box = _between(chest_label(finding), left, top, right, bottom)
            if box:
                found[picture].append(box)
    return found


def _between(label: str, left: str, top: str, right: str, bottom: str) -> Box | None:
    try:
        width, height = float(right) - float(left), float(bottom) - float(top)
    except ValueError:
        return None
    return frames.box(label, (left, top, str(width), str(height)))


def _whole(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


def _sizes(folder: Folder) -> dict[str, tuple[int, int]]:
    """Return width and height of the published pictures, which came with copies that were made smaller."""
    found: dict[str, tuple[int, int]] = {}
    for path in folder.tables(SIZES):
        table = Columns(path)
        rows = zip(table.texts("image_id"), table.texts("dim0"), table.texts("dim1"), strict=True)
        found.update(
            {picture: (int(across), int(down)) for picture, down, across in rows if _whole(across) and _whole(down)}
        )
    return found


def _placed(boxes: list[Box], image: Path | None, size: tuple[int, int] | None) -> tuple[Box, ...]:
    if image is None:
        return ()
    if image.suffix.lower() in _DICOM:
        return tuple(boxes)
    return frames.fitted(boxes, size, image) if size else ()


def _left_out(boxes: int) -> tuple[Problem, ...]:
    if not boxes:
        return ()
    return (
        remark(
            "boxes-left-out",
            f"{boxes:,} boxes are left out: their pictures are no DICOM files, and how large they were is not said",
            "Use the DICOM files, or put train_meta.csv (image_id, dim0, dim1: rows and columns) into the folder.",
        ),
    )
