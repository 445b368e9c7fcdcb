"""A cohort from a table: columns ``image`` (and ``mask``), ``patient``, optional ``split`` and ``site``, then labels.

Where a case consists of several volumes on one grid, the others are in the columns ``image_2``, ``image_3``, ...

A label column holds 1 (present), 0 (absent), nothing (unknown) or -1 (uncertain: the recipe says what that counts as).
Paths are relative to the table. A file
``SYNTHETIC.txt`` beside the table says that its images were generated, and ``structures.csv`` what the numbers in its
masks mean: then the labels are those structures, and every case needs a mask. Masks that are DICOM segmentations name
their structures themselves and need no list. ``boxes.csv`` holds rectangles drawn
around findings: see :mod:`medtransfer.cohort.boxes`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from medtransfer.cohort import boxes, identity, repeats, segments, sheet, structures, words
from medtransfer.cohort.model import PARTITIONS, Case, Cohort, MaskStructure, Partition, Problem
from medtransfer.cohort.uncertainty import Uncertainty, counted_as, settled
from medtransfer.errors import DataError

SYNTHETIC_MARK = "SYNTHETIC.txt"
RESERVED = ("image", "mask", "patient", "split", "site")
_FURTHER = re.compile(r"image_([2-9])")
_SPLITS: dict[str, Partition] = {
    **{name: name for name in PARTITIONS},
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "testing": "test",
}
_LABELS_HINT = "A label column holds 1 where the finding is present, 0 where it is absent, nothing where unknown."
_MASKS_HINT = (
    f"To learn from masks, put a file {structures.FILE} beside the table: columns `value` and `structure`, and a row"
    " for each number in the masks. Only masks that are DICOM segmentations need none."
)
_VALUES: dict[str, int | None] = {"1": 1, "0": 0, "": None, "1.0": 1, "0.0": 0}
_UNCERTAIN = ("-1", "-1.0")


def read(path: Path, labels: Sequence[str] | None = None, uncertain: Uncertainty = "unknown") -> Cohort:
    """Read a table; see :func:`medtransfer.cohort.read`.

    Raises
    ------
    DataError
        When a column is missing (the message names it and those found), a wanted label holds other values than 1, 0, -1
        and empty (the message names the rows), a split is unknown, or no image of the table exists.
    """
    content = sheet.read(path)
    columns = _Columns(content, path.name, uncertain)
    listed = _structures(columns, path.parent)
    if listed:
        return _with_masks(columns, path.parent, listed, labels)
    chosen = columns.labels(labels)
    cases, problems = _cases(columns, chosen, path.parent)
    masks = identity.file_keys(case.mask for case in cases if case.mask)
    drawn = path.parent / boxes.FILE
    by_case = boxes.by_case(boxes.read(drawn), cases) if drawn.is_file() else {}
    cases, repeated = repeats.settle(cases)
    ids = tuple(chosen)
    return Cohort(
        cases=cases,
        labels=ids,
        fingerprint=identity.fingerprint(cases, ids, masks),
        problems=(*columns.suspected_typos(chosen), *columns.uncertain_cells(chosen), *problems, *repeated),
        synthetic=(path.parent / SYNTHETIC_MARK).is_file(),
        names={label: columns.headings[position] for label, position in chosen.items()},
        boxes=by_case,
    )


def _structures(columns: _Columns, folder: Path) -> tuple[MaskStructure, ...]:
    """Return the structures in the masks: of the list beside the table, or as segmentations name them; else none."""
    if (folder / structures.FILE).is_file():
        return structures.read(folder / structures.FILE)
    paths = [path for text in columns.texts("mask") if text and (path := folder / text).exists()]
    if not paths or segments.annotation_in(paths[0]) is None:
        return ()
    found = [segments.annotation_in(path) for path in paths]
    annotations = [annotation for annotation in found if annotation is not None]
    if len(annotations) < len(found):
        raise DataError(
            f"{words.counted(len(found) - len(annotations), 'mask')} whose numbers nothing explains beside masks that"
            " are DICOM segmentations",
            code="structures.missing",
            hint=_MASKS_HINT,
            subject=columns.name,
        )
    return segments.names_in(annotations)


def _with_masks(
    columns: _Columns, folder: Path, listed: tuple[MaskStructure, ...], wanted: Sequence[str] | None
) -> Cohort:
    """Return the cohort of a table whose masks hold structures."""
    columns.refuse_empty("mask")
    ids = structures.chosen(listed, wanted)
    cases, problems = _cases(columns, {}, folder)
    cases, repeated = repeats.settle([replace(case, labels=dict.fromkeys(ids)) for case in cases])
    return Cohort(
        cases=cases,
        labels=ids,
        fingerprint=identity.fingerprint(cases, ids, _taught(cases, listed)),
        problems=(*problems, *repeated),
        synthetic=(folder / SYNTHETIC_MARK).is_file(),
        names={structure.id: structure.name for structure in listed},
        structures=listed,
    )


def _taught(cases: Sequence[Case], listed: Sequence[MaskStructure]) -> Mapping[Path, str]:
    """Return what each mask teaches: its content, and what its numbers mean."""
    meaning = json.dumps([(structure.id, structure.value) for structure in listed])
    return {path: f"{key} {meaning}" for path, key in identity.file_keys(c.mask for c in cases if c.mask).items()}


class _Columns:
    """The columns of one sheet by their purpose."""

    def __init__(self, content: sheet.Sheet, name: str, uncertain: Uncertainty) -> None:
        self._uncertain = uncertain
        self.headings = content.headings
        self.rows = content.rows
        self.name = name
        self._positions = {heading.casefold(): position for position, heading in enumerate(content.headings)}
        self._require("image", "Add a column `image` with the path of each picture, relative to the table.")
        self._require(
            "patient",
            "Add a column `patient`: without it one person's pictures could be both trained on and tested. "
            "If every picture is of another person, number the rows.",
        )
        self.images = ("image", *self._further())
        for heading in (*self.images, "patient"):
            self.refuse_empty(heading)

    def reserved(self, heading: str) -> bool:
        """Return whether a column has a purpose of its own, so that it is no label."""
        return heading.casefold() in {*RESERVED, *self.images}

    def texts(self, heading: str) -> list[str]:
        """Return the cells of a reserved column, empty strings when there is no such column."""
        position = self._positions.get(heading)
        return [""] * len(self.rows) if position is None else [row.cells[position] for row in self.rows]

    def values(self, label: str, position: int) -> list[int | None]:
        """Return a label column's values."""
        perhaps = settled(label, self._uncertain)
        values = {**_VALUES, **dict.fromkeys(_UNCERTAIN, perhaps)}
        return [values[row.cells[position]] for row in self.rows]

    def uncertain_cells(self, chosen: dict[str, int]) -> list[Problem]:
        """Say what answers of "perhaps" count as."""
        rows = [row.line for row in self.rows for position in chosen.values() if row.cells[position] in _UNCERTAIN]
        return [counted_as("table.uncertain", len(rows), self._uncertain)] if rows else []

    def refuse_empty(self, heading: str) -> None:
        """Raise where a cell of a reserved column is empty."""
        empty = [row.line for row, text in zip(self.rows, self.texts(heading), strict=True) if not text]
        if empty:
            raise self._error(
                f"{words.counted(len(empty), 'row')} with nothing in the column {heading!r}",
                "table.cell-missing",
                f"Fill in {words.lines(empty)}, or remove them.",
            )

    def labels(self, wanted: Sequence[str] | None) -> dict[str, int]:
        """Return the position of each label's column by label id."""
        others = [position for position, heading in enumerate(self.headings) if not self.reserved(heading)]
        by_id: dict[str, int] = {}
        for position in others:
            label = identity.label_id(self.headings[position])
            if label in by_id:
                raise self._error(
                    f"the columns {self.headings[by_id[label]]!r} and {self.headings[position]!r} would both be the "
                    f"label {label!r}",
                    "table.label-clash",
                    "Rename one of them.",
                )
            by_id[label] = position
        if wanted is None:
            found = {label: position for label, position in by_id.items() if not self._strange_rows(position)}
            if not found:
                raise self._error(
                    f"the table has no label column; its columns are {', '.join(self.headings)}",
                    "table.no-labels",
                    _MASKS_HINT if any(self.texts("mask")) else _LABELS_HINT,
                )
            return found
        return {label: self._wanted(label, by_id) for label in map(identity.label_id, wanted)}

    def suspected_typos(self, chosen: dict[str, int]) -> list[Problem]:
        """Warn about columns that were not taken as labels though nearly all their values are 1, 0 or empty."""
        problems = []
        for position, heading in enumerate(self.headings):
            strange = self._strange_rows(position)
            share = len(strange) / len(self.rows)
            if self.reserved(heading) or position in chosen.values() or not strange or share > 0.05:
                continue
            problems.append(
                Problem(
                    "table.label-typo",
                    "warning",
                    f"column {heading!r} is not used as a label: "
                    f"{words.counted(len(strange), 'cell')} neither 1, 0 nor empty",
                    "Correct these cells if the column is meant as a label.",
                    strange,
                )
            )
        return problems

    def _wanted(self, label: str, by_id: dict[str, int]) -> int:
        if label not in by_id:
            near = difflib.get_close_matches(label, by_id, n=1)
            raise self._error(
                f"the table has no column for the label {label!r}; its columns are {', '.join(self.headings)}",
                "table.label-missing",
                f"Did you mean {self.headings[by_id[near[0]]]!r}?" if near else "Add the column, or leave it out.",
            )
        strange = self._strange_rows(by_id[label])
        if strange:
            raise self._error(
                f"the label column {self.headings[by_id[label]]!r} has {words.counted(len(strange), 'cell')} "
                "neither 1, 0 nor empty",
                "table.label-value",
                f"Correct {words.lines(strange)}.",
            )
        return by_id[label]

    def _strange_rows(self, position: int) -> tuple[int, ...]:
        return tuple(row.line for row in self.rows if row.cells[position] not in {*_VALUES, *_UNCERTAIN})

    def _further(self) -> list[str]:
        """Return the columns of a case's further volumes, which are numbered without a gap."""
        found = sorted(heading for heading in self._positions if _FURTHER.fullmatch(heading))
        for number, heading in enumerate(found, start=2):
            self._require(
                f"image_{number}", f"Number the columns of a case's volumes without a gap: {heading!r} is there."
            )
        return found

    def _require(self, heading: str, hint: str) -> None:
        if heading in self._positions:
            return
        near = difflib.get_close_matches(heading, self._positions, n=1, cutoff=0.5)
        meant = f" Did you mean {self.headings[self._positions[near[0]]]!r}?" if near else ""
        raise self._error(
            f"the table has no column {heading!r}; its columns are {', '.join(self.headings)}.{meant}",
            "table.column-missing",
            hint,
        )

    def _error(self, message: str, code: str, hint: str) -> DataError:
        return DataError(message, code=code, hint=hint, subject=self.name)


def _cases(columns: _Columns, chosen: dict[str, int], folder: Path) -> tuple[tuple[Case, ...], list[Problem]]:
    images = [[folder / text for text in columns.texts(heading)] for heading in columns.images]
    patients = columns.texts("patient")
    sites = columns.texts("site")
    masks = [folder / text if text else None for text in columns.texts("mask")]
    splits = _splits(columns)
    keys = identity.file_keys(path for column in images for path in column)
    values = {label: columns.values(label, position) for label, position in chosen.items()}
    cases: list[Case] = []
    missing: list[int] = []
    for i, row in enumerate(columns.rows):
        mask, volumes = masks[i], [column[i] for column in images]
        if not all(path in keys for path in volumes) or (mask is not None and not mask.exists()):
            missing.append(i)
            continue
        cases.append(
            Case(
                key=identity.joined_key([keys[path] for path in volumes]),
                image=volumes[0].absolute(),
                patient=patients[i],
                labels={label: values[label][i] for label in chosen},
                row=row.line,
                site=sites[i],
                split=splits[i],
                mask=mask.absolute() if mask else None,
                further=tuple(path.absolute() for path in volumes[1:]),
            )
        )
    if not cases:
        raise DataError(
            "none of the images named in the table exists",
            code="table.no-images",
            hint="Paths in the column `image` are relative to the table: check that the images lie there.",
            subject=columns.name,
        )
    return tuple(cases), _missing_images(columns, missing)


def _missing_images(columns: _Columns, missing: list[int]) -> list[Problem]:
    if not missing:
        return []
    return [
        Problem(
            "table.image-missing",
            "error",
            f"{words.counted(len(missing), 'row')} whose image or mask does not exist or cannot be read",
            "Correct the paths (they are relative to the table), or remove these rows.",
            tuple(columns.rows[i].line for i in missing),
            columns.texts("image")[missing[0]],
        )
    ]


def _splits(columns: _Columns) -> list[Partition | None]:
    texts = [text.casefold() for text in columns.texts("split")]
    unknown = [row.line for row, text in zip(columns.rows, texts, strict=True) if text and text not in _SPLITS]
    if unknown:
        raise DataError(
            f"{words.counted(len(unknown), 'row')} with a split that is not train, validation or test",
            code="table.split-value",
            hint=f"Correct {words.lines(unknown)}; an empty cell leaves the choice to medtransfer.",
            subject=columns.name,
        )
    return [_SPLITS.get(text) for text in texts]
