"""Boxes around findings: a table ``boxes.csv`` with the columns image, label, left, top, width and height."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from medtransfer.cohort import identity, sheet, words
from medtransfer.cohort.model import Box, Case, Cohort
from medtransfer.errors import DataError

__all__ = ["FILE", "Box", "by_case", "of", "read"]

FILE = "boxes.csv"
_SIDES = ("left", "top", "width", "height")
COLUMNS = ("image", "label", *_SIDES)


def read(path: Path) -> dict[Path, tuple[Box, ...]]:
    """Read boxes, one a row, in pixels of the image that the row names.

    Parameters
    ----------
    path
        The table; paths of images are relative to it. A label is an id or the heading of its column.

    Returns
    -------
    dict
        Boxes by the absolute path of their image, in the order of the table. Images need not exist.

    Raises
    ------
    DataError
        When a column is missing, or a row has no image, no label or no rectangle of some size.
    """
    content = sheet.read(path)
    positions = _positions(content.headings, path.name)
    found: dict[Path, list[Box]] = defaultdict(list)
    wrong: list[int] = []
    for row in content.rows:
        image, label, *sides = (row.cells[position] for position in positions)
        numbers = _numbers(sides)
        if image and label and numbers:
            found[(path.parent / image).absolute()].append(Box(identity.label_id(label), *numbers))
        else:
            wrong.append(row.line)
    if wrong:
        raise DataError(
            f"{words.counted(len(wrong), 'row')} without an image, a label, or a rectangle",
            code="boxes.row",
            hint=f"Correct {words.lines(wrong)}: four numbers in pixels, width and height above 0.",
            subject=path.name,
        )
    return {image: tuple(drawn) for image, drawn in found.items()}


def by_case(boxes: Mapping[Path, Sequence[Box]], cases: Iterable[Case]) -> dict[str, tuple[Box, ...]]:
    """Return the boxes of each case by its key; those of images that are no case's are left out."""
    keys = {case.image: case.key for case in cases}
    found: dict[str, tuple[Box, ...]] = {}
    for image, drawn in boxes.items():
        if image in keys:
            found[keys[image]] = (*found.get(keys[image], ()), *drawn)
    return found


def of(cohort: Cohort, key: str, label: str) -> tuple[Box, ...]:
    """Return the boxes drawn around one label in one case's image."""
    return tuple(box for box in cohort.boxes.get(key, ()) if box.label == label)


def _positions(headings: Sequence[str], name: str) -> list[int]:
    folded = [heading.casefold() for heading in headings]
    missing = [column for column in COLUMNS if column not in folded]
    if missing:
        raise DataError(
            f"the table of boxes has no column {missing[0]!r}; its columns are {', '.join(headings)}",
            code="boxes.column-missing",
            hint=f"It needs the columns {', '.join(COLUMNS)}.",
            subject=name,
        )
    return [folded.index(column) for column in COLUMNS]


def _numbers(texts: Sequence[str]) -> tuple[float, float, float, float] | None:
    try:
        left, top, width, height = map(float, texts)
    except ValueError:
        return None
    sides = (left, top, width, height)
    return sides if all(map(math.isfinite, sides)) and width > 0 and height > 0 else None
