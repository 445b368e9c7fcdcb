"""What the numbers in a cohort's masks mean: ``structures.csv`` beside the table, with the columns value and structure.

A structure is given by the id that a plug-in declares (``kidney_left``) or by any name of one's own. In masks that are
DICOM segmentations the name counts, and the number says only how they are stored in memory.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort import identity, sheet, words
from medtransfer.cohort.model import MaskStructure
from medtransfer.errors import DataError

FILE = "structures.csv"
COLUMNS = ("value", "structure")
LARGEST = 65_535
"""The largest number of a structure: label maps hold 16 bits."""


def read(path: Path) -> tuple[MaskStructure, ...]:
    """Read the structures, ascending by value.

    Raises
    ------
    DataError
        ``structures.columns`` when a column is missing, ``structures.value`` when a value is no whole number from 1 to
        65,535 or stands for two structures, ``structures.name`` when a name is missing or occurs twice.
    """
    content = sheet.read(path)
    headings = [heading.casefold() for heading in content.headings]
    if not set(COLUMNS) <= set(headings):
        raise _error("structures.columns", "needs the columns `value` and `structure`", "Add what is missing.")
    value_at, name_at = (headings.index(column) for column in COLUMNS)
    found = [(row.line, row.cells[value_at], row.cells[name_at]) for row in content.rows]
    wrong = [line for line, value, _ in found if not (value.isdecimal() and 1 <= int(value) <= LARGEST)]
    wrong = wrong or _repeated([(line, int(value)) for line, value, _ in found])
    if wrong:
        hint = f"Give each structure its own whole number from 1 to {LARGEST}: {words.lines(wrong)}."
        raise _error("structures.value", "gives values that no label map can hold, or one twice", hint)
    wrong = [line for line, _, name in found if not name]
    wrong = wrong or _repeated([(line, identity.label_id(name)) for line, _, name in found])
    if wrong:
        raise _error("structures.name", "has structures without a name, or a name twice", f"Mend {words.lines(wrong)}.")
    structures = (MaskStructure(identity.label_id(name), name, int(value)) for _, value, name in found)
    return tuple(sorted(structures, key=lambda structure: structure.value))


def chosen(structures: Sequence[MaskStructure], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the ids of the structures to learn, all of them where nothing is wanted in particular.

    Raises
    ------
    DataError
        ``structures.unknown`` when one that is wanted is not listed.
    """
    ids = tuple(structure.id for structure in structures)
    if wanted is None:
        return ids
    asked = set(map(identity.label_id, wanted))
    unknown = sorted(asked - set(ids))
    if unknown:
        near = difflib.get_close_matches(unknown[0], ids, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Add it with its value, or leave it out."
        raise _error("structures.unknown", f"does not list {unknown[0]!r}", hint)
    return tuple(one for one in ids if one in asked)


def _repeated(entries: Sequence[tuple[int, int | str]]) -> list[int]:
    """Return the lines whose entry an earlier line has."""
    seen: set[int | str] = set()
    lines = []
    for line, entry in entries:
        if entry in seen:
            lines.append(line)
        seen.add(entry)
    return lines


def _error(code: str, what: str, hint: str) -> DataError:
    return DataError(f"the list of structures {what}", code=code, hint=hint, subject=FILE)
