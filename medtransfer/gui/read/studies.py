"""The study list as a model: a heading per patient, the series below it, and the files that could not be opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from medtransfer.errors import MedTransferError
from medtransfer.gui.read import words
from medtransfer.gui.read.statements import Statements
from medtransfer.study.model import Check, Image, Level, Series, Study
from medtransfer.work.opening import Portion

if TYPE_CHECKING:  # pydicom: the window starts without it
    from medtransfer.study.annotation import Annotation

Index = QModelIndex | QPersistentModelIndex
Kind = Literal["heading", "series", "problem"]
NOBODY = "No patient named"
UNREADABLE = "Could not be opened"


class Role(IntEnum):
    """What the delegate asks for beyond Qt's own roles."""

    KIND = Qt.ItemDataRole.UserRole + 1
    DETAIL = Qt.ItemDataRole.UserRole + 2
    CHECKS = Qt.ItemDataRole.UserRole + 3
    THUMBNAIL = Qt.ItemDataRole.UserRole + 4
    ENTRY = Qt.ItemDataRole.UserRole + 5


@dataclass(eq=False)
class Entry:
    """One open series.

    ``found`` is what its file says it is, ``series`` what it is read as (see :class:`Statements`). ``checks`` grow when
    its pixels are read; ``thumbnail`` comes later, or never.
    """

    study: Study
    found: Series
    series: Series
    paths: tuple[Path, ...]
    checks: tuple[Check, ...]
    thumbnail: QImage | None = None


@dataclass(eq=False)
class _Row:
    kind: Kind
    group: str
    title: str
    entry: Entry | None = None
    problem: MedTransferError | None = None


class StudiesModel(QAbstractListModel):
    """Rows in the order in which they were found, one patient's series together."""

    def __init__(self) -> None:
        super().__init__()
        self.statements = Statements()
        self._rows: list[_Row] = []
        self._annotations: dict[str, Annotation] = {}

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Make everything but headings selectable."""
        if not index.isValid() or self._rows[index.row()].kind == "heading":
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows, says aloud, and stands for."""
        if not index.isValid():
            return None
        answer = _ANSWERS.get(role)
        return answer(self._rows[index.row()]) if answer else None

    def add(self, portion: Portion) -> list[Entry]:
        """Add what was found and return the new series; what is open already stays as it is."""
        known = {entry.series.uid for entry in self.entries()}
        new = []
        for study in portion.found.studies:
            for series in study.series:
                if series.uid in known:
                    continue
                known.add(series.uid)
                read = self.statements.applied_to(series)
                entry = Entry(study, series, read, portion.paths, read.checks)
                new.append(entry)
                self._insert(_Row("series", words.patient(study) or NOBODY, words.series_title(series), entry))
        for problem in portion.found.problems:
            self.add_problem(problem)
        self._annotations.update({annotation.uid: annotation for annotation in portion.found.annotations})
        return new

    def annotations_on(self, image: Image) -> list[Annotation]:
        """Return the segmentations and structure sets that fit an image, those drawn on its own series first."""
        fitting = [annotation for annotation in self._annotations.values() if annotation.fits(image)]
        return sorted(fitting, key=lambda annotation: not annotation.drawn_on(image))

    def add_problem(self, problem: MedTransferError) -> None:
        """Add a file that could not be opened, once."""
        title = problem.subject or "A file"
        if not any(row.kind == "problem" and row.title == title for row in self._rows):
            self._insert(_Row("problem", UNREADABLE, title, problem=problem))

    def remove(self, index: Index) -> None:
        """Remove a row, and its heading when nothing is left below it."""
        if not index.isValid() or self._rows[index.row()].kind == "heading":
            return
        group = self._rows[index.row()].group
        self._remove(index.row())
        if [row.kind for row in self._rows if row.group == group] == ["heading"]:
            self._remove(next(at for at, row in enumerate(self._rows) if row.group == group))

    def clear(self) -> None:
        """Remove everything."""
        self.beginResetModel()
        self._annotations.clear()
        self._rows.clear()
        self.endResetModel()

    def entries(self) -> Iterator[Entry]:
        """Yield the open series from top to bottom."""
        return (row.entry for row in self._rows if row.entry is not None)

    def index_of(self, uid: str) -> QModelIndex:
        """Return where the series of that uid is; an invalid index when it is not open."""
        at = next((at for at, row in enumerate(self._rows) if row.entry and row.entry.series.uid == uid), -1)
        return self.index(at) if at >= 0 else QModelIndex()

    def state_modality(self, entry: Entry, modality: str) -> None:
        """Read a series as a CT or an MR from now on; with an empty text as what its file says."""
        self.statements.say(entry.found.uid, modality)
        entry.series = self.statements.applied_to(entry.found)
        entry.checks, entry.thumbnail = entry.series.checks, None
        index = self.index_of(entry.found.uid)
        self.dataChanged.emit(index, index)

    def set_checks(self, uid: str, checks: Sequence[Check]) -> None:
        """Replace a series' checks by those that its pixels revealed too."""
        index = self.index_of(uid)
        if index.isValid():
            entry: Entry = self.data(index, Role.ENTRY)
            entry.checks = tuple(checks)
            self.dataChanged.emit(index, index)

    def set_broken(self, uid: str, error: MedTransferError) -> None:
        """Say that a series' pixels cannot be read."""
        index = self.index_of(uid)
        if index.isValid():
            known: Entry = self.data(index, Role.ENTRY)
            others = [check for check in known.checks if check.code != error.code]
            self.set_checks(uid, [Check(error.code, Level.ERROR, words.sentence(error.message), error.hint), *others])

    def set_thumbnail(self, uid: str, thumbnail: QImage) -> None:
        """Show a thumbnail."""
        index = self.index_of(uid)
        if index.isValid():
            entry: Entry = self.data(index, Role.ENTRY)
            entry.thumbnail = thumbnail
            self.dataChanged.emit(index, index)

    def _insert(self, row: _Row) -> None:
        places = [at for at, other in enumerate(self._rows) if other.group == row.group]
        if places:
            self._insert_at(places[-1] + 1, row)
        else:
            end = self._end_for(row)
            self._insert_at(end, _Row("heading", row.group, row.group))
            self._insert_at(end + 1, row)

    def _end_for(self, row: _Row) -> int:
        """Return where a new group starts: before the files that could not be opened, which come last."""
        problems = [at for at, other in enumerate(self._rows) if other.group == UNREADABLE]
        return problems[0] if problems and row.kind != "problem" else len(self._rows)

    def _insert_at(self, at: int, row: _Row) -> None:
        self.beginInsertRows(QModelIndex(), at, at)
        self._rows.insert(at, row)
        self.endInsertRows()

    def _remove(self, at: int) -> None:
        self.beginRemoveRows(QModelIndex(), at, at)
        del self._rows[at]
        self.endRemoveRows()


def _detail(row: _Row) -> str:
    if row.entry is not None:
        return words.series_detail(row.entry.series)
    return words.sentence(row.problem.message) if row.problem else ""


def _checks(row: _Row) -> tuple[Check, ...]:
    if row.entry is not None:
        return row.entry.checks
    if row.problem is not None:
        return (Check(row.problem.code, Level.ERROR, words.sentence(row.problem.message), row.problem.hint),)
    return ()


def _told(row: _Row) -> str:
    return "\n".join(words.check_sentence(check) for check in words.worst_first(_checks(row)))


_ANSWERS: dict[int, Callable[[_Row], Any]] = {
    Qt.ItemDataRole.DisplayRole: lambda row: row.title,
    Qt.ItemDataRole.ToolTipRole: lambda row: _told(row) or None,
    Qt.ItemDataRole.AccessibleTextRole: lambda row: ". ".join(filter(None, (row.title, _detail(row), _told(row)))),
    Role.KIND: lambda row: row.kind,
    Role.DETAIL: _detail,
    Role.CHECKS: lambda row: words.worst_first(_checks(row)),
    Role.THUMBNAIL: lambda row: row.entry.thumbnail if row.entry else None,
    Role.ENTRY: lambda row: row.entry,
}
