"""The structures of a segmentation, and which of them are shown: every change of that can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QUndoCommand, QUndoStack

from medtransfer.gui.read import words
from medtransfer.result.model import Structure

Index = QModelIndex | QPersistentModelIndex
Key = tuple[str, int]
"""What a structure is known by: its label and its number."""


class Role(IntEnum):
    """What the delegate asks for beyond Qt's own roles."""

    STRUCTURE = Qt.ItemDataRole.UserRole + 1


class StructuresModel(QAbstractListModel):
    """The structures that were found, the largest first; the tick says whether one is shown.

    ``ticked`` says that others are shown than before.
    """

    ticked = QtSignal()

    def __init__(self, undo: QUndoStack) -> None:
        super().__init__()
        self._undo = undo
        self._structures: list[Structure] = []
        self._hidden: frozenset[Key] = frozenset()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return how many structures there are."""
        return 0 if parent.isValid() else len(self._structures)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let every structure be selected and ticked."""
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows and says aloud."""
        return self._answer(self._structures[index.row()], role) if index.isValid() else None

    def _answer(self, structure: Structure, role: int) -> Any:
        shown = _key(structure) not in self._hidden
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return structure.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{structure.name}, {words.structure_figures(structure)}, {'shown' if shown else 'hidden'}"
            case Qt.ItemDataRole.ToolTipRole:
                return words.structure_in_full(structure)
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked
            case Role.STRUCTURE:
                return structure
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 - Qt's name
        """Show or hide a structure."""
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        structure = self._structures[index.row()]
        if Qt.CheckState(value) is Qt.CheckState.Checked:
            self.reveal([structure])
        else:
            self.hide([structure])
        return True

    def show(self, structures: Sequence[Structure]) -> None:
        """List a segmentation's structures, those that were not found left out; what was hidden before stays so."""
        self.beginResetModel()
        self._structures = sorted((s for s in structures if s.volume_ml > 0), key=lambda s: -s.volume_ml)
        self.endResetModel()

    def forget(self) -> None:
        """Show everything that comes: what was hidden in one patient must not be missed in the next."""
        self._hidden = frozenset()

    def reveal(self, structures: Iterable[Structure]) -> None:
        """Show structures beside those that are shown."""
        self._change(self._hidden - {_key(structure) for structure in structures}, "show structures")

    def hide(self, structures: Iterable[Structure]) -> None:
        """Hide structures."""
        self._change(self._hidden | {_key(structure) for structure in structures}, "hide structures")

    def show_only(self, structure: Structure) -> None:
        """Hide all others."""
        others = frozenset(_key(other) for other in self._structures if other != structure)
        self._change(others, f"show only {structure.name}")

    def visible_values(self) -> frozenset[int]:
        """Return the numbers of the structures that are shown."""
        return frozenset(s.value for s in self._structures if _key(s) not in self._hidden)

    def _change(self, hidden: frozenset[Key], what: str) -> None:
        if hidden != self._hidden:
            self._undo.push(_ShowOthers(self, hidden, what))

    def _put(self, hidden: frozenset[Key]) -> None:
        self._hidden = hidden
        self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))
        self.ticked.emit()


class _ShowOthers(QUndoCommand):
    """Other structures are shown, until it is undone."""

    def __init__(self, model: StructuresModel, hidden: frozenset[Key], what: str) -> None:
        super().__init__(what)
        self._model = model
        self._before, self._after = model._hidden, hidden  # noqa: SLF001 - the model's own change

    def redo(self) -> None:
        """Show them."""
        self._model._put(self._after)  # noqa: SLF001

    def undo(self) -> None:
        """Show what was shown before."""
        self._model._put(self._before)  # noqa: SLF001


class Found(QSortFilterProxyModel):
    """Those structures in whose name every word that was typed begins a word: "kid l" finds the left kidney."""

    def __init__(self, source: StructuresModel, parent: QObject) -> None:
        super().__init__(parent)
        self._wanted: list[str] = []
        self.setSourceModel(source)

    def look_for(self, text: str) -> None:
        """Keep what has these words."""
        self.beginFilterChange()
        self._wanted = text.casefold().split()
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: N802 - Qt's name
        """Say whether a row is kept."""
        name = str(self.sourceModel().index(row, 0, parent).data()).casefold().split()
        return all(any(part.startswith(word) for part in name) for word in self._wanted)

    def structures(self) -> list[Structure]:
        """Return those that are kept."""
        return [self.index(row, 0).data(Role.STRUCTURE) for row in range(self.rowCount())]


def _key(structure: Structure) -> Key:
    return structure.label, structure.value
