"""Segmented structures as a list: tick to show, find by name, go to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from medtransfer.gui import theme
from medtransfer.gui.read import words
from medtransfer.result.model import Structure

Index = QModelIndex | QPersistentModelIndex
_ROW_HEIGHT = 26
_SWATCH = 12
_MOST_ROWS = 14


class Role(IntEnum):
    """What the delegate asks for beyond Qt's own roles."""

    STRUCTURE = Qt.ItemDataRole.UserRole + 1


class StructuresModel(QAbstractListModel):
    """The structures that were found, the largest first; the tick says whether one is shown."""

    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._structures: list[Structure] = []
        self._hidden: set[int] = set()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return how many structures there are."""
        return 0 if parent.isValid() else len(self._structures)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let every structure be selected and ticked."""
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows and says aloud."""
        if not index.isValid():
            return None
        structure = self._structures[index.row()]
        shown = structure.value not in self._hidden
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return structure.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{structure.name}, {words.structure_figures(structure)}, {'shown' if shown else 'hidden'}"
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked
            case Role.STRUCTURE:
                return structure
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 - Qt's name
        """Show or hide a structure."""
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        number = self._structures[index.row()].value
        if Qt.CheckState(value) is Qt.CheckState.Checked:
            self._hidden.discard(number)
        else:
            self._hidden.add(number)
        self.dataChanged.emit(index, index)
        self.ticked.emit()
        return True

    def show(self, structures: Sequence[Structure]) -> None:
        """Show a segmentation's structures, those that were not found left out."""
        self.beginResetModel()
        self._structures = sorted((s for s in structures if s.volume_ml > 0), key=lambda s: -s.volume_ml)
        self._hidden.clear()
        self.endResetModel()

    def set_all(self, *, shown: bool) -> None:
        """Show or hide every structure."""
        self._hidden = set() if shown else {structure.value for structure in self._structures}
        self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))
        self.ticked.emit()

    def visible_values(self) -> frozenset[int]:
        """Return the numbers of the structures that are shown."""
        return frozenset(s.value for s in self._structures if s.value not in self._hidden)


class StructureRow(QStyledItemDelegate):
    """Paints a swatch that is filled when the structure is shown, its name and its figures."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's signature
        """Return the row's height."""
        return QSize(0, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the row."""
        structure: Structure = index.data(Role.STRUCTURE)
        shown = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            focused = bool(state & QStyle.StateFlag.State_HasFocus)
            painter.setPen(QPen(theme.colour("accent" if focused else "line"), 1))
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(area.adjusted(0, 0, -1, -1), 5, 5)
        colour = QColor(structure.colour)
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(colour if shown else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(_swatch(area), 3, 3)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font())
        painter.setPen(theme.colour("muted"))
        figures = words.structure_figures(structure)
        width = painter.fontMetrics().horizontalAdvance(figures) + 12
        painter.drawText(area.adjusted(0, 0, -6, 0), right, figures)
        painter.setPen(theme.colour("text" if shown else "muted"))
        name = area.adjusted(_SWATCH + 14, 0, -width, 0)
        elided = painter.fontMetrics().elidedText(structure.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, elided)
        painter.restore()

    def editorEvent(  # noqa: N802 - Qt's name
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Show or hide on a click onto the swatch, or with the space bar."""
        area: QRect = option.rect
        clicked = (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and event.position().x() < area.left() + _SWATCH + 12
        )
        pressed = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space
        if not (clicked or pressed):
            return False
        shown = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        wanted = Qt.CheckState.Unchecked if shown else Qt.CheckState.Checked
        return model.setData(index, wanted, Qt.ItemDataRole.CheckStateRole)


def _swatch(area: QRect) -> QRect:
    return QRect(area.left() + 5, area.center().y() - _SWATCH // 2, _SWATCH, _SWATCH)


class Structures(QWidget):
    """The list with its search field.

    ``visible_changed`` says that other structures are to be shown, ``chosen`` that another one is selected, ``jump``
    goes to one by its number.
    """

    visible_changed = Signal()
    chosen = Signal()
    jump = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = StructuresModel()
        self._filtered = QSortFilterProxyModel()
        self._filtered.setSourceModel(self.model)
        self._filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a structure")
        self.search.setAccessibleName("Find a structure")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filtered.setFilterFixedString)
        self.view = QListView()
        self.view.setModel(self._filtered)
        self.view.setItemDelegate(StructureRow(self.view))
        self.view.setAccessibleName("Structures. Space shows or hides, Enter goes there.")
        self.view.setToolTip("Click the colour to show or hide a structure; double-click its name to go there.")
        self.view.setUniformItemSizes(True)
        self.view.activated.connect(self._go)
        self.view.selectionModel().selectionChanged.connect(self.chosen)
        self.model.ticked.connect(self.visible_changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        column.addWidget(self.search)
        column.addWidget(self.view)

    def selected(self) -> Structure | None:
        """Return the structure that is selected."""
        rows = self.view.selectionModel().selectedIndexes()
        structure: Structure | None = rows[0].data(Role.STRUCTURE) if rows else None
        return structure

    def select(self, label: str) -> None:
        """Select the structure with that label, if it is in the list."""
        for row in range(self._filtered.rowCount()):
            index = self._filtered.index(row, 0)
            if index.data(Role.STRUCTURE).label == label:
                self.view.setCurrentIndex(index)

    def show_structures(self, structures: Sequence[Structure]) -> None:
        """Show the structures of a segmentation."""
        self.search.clear()
        self.model.show(structures)
        rows = min(max(self.model.rowCount(), 1), _MOST_ROWS)
        self.view.setFixedHeight(rows * _ROW_HEIGHT + 4)
        self.search.setVisible(self.model.rowCount() > _MOST_ROWS // 2)

    def _go(self, index: QModelIndex) -> None:
        structure: Structure = index.data(Role.STRUCTURE)
        self.jump.emit(structure.value)
