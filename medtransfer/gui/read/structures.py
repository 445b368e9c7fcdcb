"""Segmented structures as a list: find by name, show and hide, go to."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QListView, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.read.structure_row import COLUMNS, MARGIN, ROW_HEIGHT, StructureRow
from medtransfer.gui.read.structures_model import Found, Role, StructuresModel
from medtransfer.result.model import Structure

_MOST_ROWS = 10
_SCROLLED = 10  # pixels: the width of a scroll bar


class Structures(QWidget):
    """The list with its search field.

    ``visible_changed`` says that other structures are to be shown, ``chosen`` that another one is selected, ``jump``
    goes to one by its number, ``menu_wanted`` carries the place of a menu in the list (QPoint).
    """

    visible_changed = Signal()
    chosen = Signal()
    jump = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self, undo: QUndoStack) -> None:
        super().__init__()
        self.model = StructuresModel(undo)
        self._listed = Found(self.model, self)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a structure")
        self.search.setAccessibleName("Find a structure")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._look_for)
        self.all = parts.button("All", self.show_all, tip="Show every structure of the list (A)")
        self.none = parts.button("None", self.hide_all, tip="Hide every structure of the list (H)")
        self.only = parts.button("Only this", self.show_only, tip="Hide all but the selected structure (S)")
        self.all.setAccessibleName("Show all structures")
        self.none.setAccessibleName("Hide all structures")
        self.only.setAccessibleName("Show only the selected structure")
        self._head_row = QHBoxLayout()
        self._heads = {name: _column_head(name, width) for name, width in COLUMNS.items()}
        self.nothing = parts.label("No structure is called so.", "muted")
        self.view = self._make_view()
        self.model.ticked.connect(self._ticked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        column.addWidget(self.search)
        column.addLayout(self._bar())
        column.addLayout(self._headed())
        column.addWidget(self.nothing)
        self._offer()

    def selected(self) -> Structure | None:
        """Return the structure that is selected."""
        rows = self.view.selectionModel().selectedIndexes()
        structure: Structure | None = rows[0].data(Role.STRUCTURE) if rows else None
        return structure

    def select(self, label: str) -> None:
        """Select the structure with that label, if it is in the list."""
        for row in range(self._listed.rowCount()):
            index = self._listed.index(row, 0)
            if index.data(Role.STRUCTURE).label == label:
                self.view.setCurrentIndex(index)

    def show_structures(self, structures: Sequence[Structure]) -> None:
        """Show the structures of a segmentation."""
        self.search.clear()
        self.model.show(structures)
        count = self.model.rowCount()
        scrolled = count > _MOST_ROWS
        always, never = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.view.setVerticalScrollBarPolicy(always if scrolled else never)  # the columns stay where their heads are
        self.view.setFixedHeight(min(max(count, 1), _MOST_ROWS) * ROW_HEIGHT + 4)
        self.search.setVisible(count > _MOST_ROWS // 2)
        self._head_row.setContentsMargins(0, 0, MARGIN + (_SCROLLED if scrolled else 0), 0)
        self._heads["HU"].setText("HU" if any(structure.mean_hu is not None for structure in structures) else "")
        self._offer()

    def show_all(self) -> None:
        """Show every structure of the list, which a search makes shorter."""
        self.model.reveal(self._listed.structures())

    def hide_all(self) -> None:
        """Hide every structure of the list, which a search makes shorter."""
        self.model.hide(self._listed.structures())

    def show_only(self) -> None:
        """Hide all structures but the selected one."""
        structure = self.selected()
        if structure is not None:
            self.model.show_only(structure)

    def go(self) -> None:
        """Go to the selected structure."""
        structure = self.selected()
        if structure is not None:
            self.jump.emit(structure.value)

    def _make_view(self) -> QListView:
        view = QListView()
        view.setModel(self._listed)
        view.setItemDelegate(StructureRow(view))
        view.setAccessibleName("Structures. Space shows or hides, Enter goes there.")
        view.setUniformItemSizes(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self.menu_wanted)
        view.activated.connect(self._go)
        view.selectionModel().selectionChanged.connect(self._chosen)
        return view

    def _bar(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.spacing(0.5))
        for button in (self.all, self.none, self.only):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _headed(self) -> QVBoxLayout:
        """Return the list below the heads of its columns."""
        self._head_row.setSpacing(0)
        self._head_row.addStretch(1)
        for head in self._heads.values():
            self._head_row.addWidget(head)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addLayout(self._head_row)
        column.addWidget(self.view)
        return column

    def _look_for(self, text: str) -> None:
        self._listed.look_for(text)
        self._offer()

    def _chosen(self) -> None:
        self._offer()
        self.chosen.emit()

    def _ticked(self) -> None:
        self._offer()
        self.visible_changed.emit()

    def _offer(self) -> None:
        """Offer what would change something."""
        visible, listed = self.model.visible_values(), {structure.value for structure in self._listed.structures()}
        self.all.setEnabled(not listed <= visible)
        self.none.setEnabled(bool(listed & visible))
        self.only.setEnabled(self.selected() is not None)
        self.nothing.setVisible(not listed and bool(self.search.text()))

    def _go(self, index: QModelIndex) -> None:
        structure: Structure = index.data(Role.STRUCTURE)
        self.jump.emit(structure.value)


def _column_head(name: str, width: int) -> QLabel:
    made = parts.label(name, "muted", theme.SMALL_SIZE)
    made.setFixedWidth(width)
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
    return made
