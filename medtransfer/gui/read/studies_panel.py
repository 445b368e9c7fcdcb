"""The left panel: what is open, how far the reading of headers is, and where to drop or open more."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QListView, QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.gui.read.studies import Entry, Role, StudiesModel
from medtransfer.gui.read.study_row import StudyRow
from medtransfer.gui.read.waiting import Waiting

_OPEN = "Drop or open files"


class StudiesPanel(QWidget):
    """``chosen`` carries the series (Entry) to show, ``add`` asks to open more."""

    chosen = Signal(object)
    add = Signal()

    def __init__(self, model: StudiesModel) -> None:
        super().__init__()
        self.model = model
        self.view = QListView()
        self.view.setModel(model)
        self.view.setItemDelegate(StudyRow(self.view))
        self.view.setAccessibleName("Studies")
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.selectionModel().currentChanged.connect(self._current_changed)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.waiting = Waiting()
        self.more = parts.button(_OPEN, self.add.emit)
        foot = QWidget()
        column = QVBoxLayout(foot)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing())
        column.addWidget(self.waiting)
        column.addWidget(self.more)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        self.panel = pages.left_panel("Studies", self.view, foot)
        whole.addWidget(self.panel)

    def show_drop(self, *, over: bool) -> None:
        """Show that what is being dragged may be dropped."""
        self.more.setDown(over)
        self.more.setText("Drop to open" if over else _OPEN)

    def select(self, entry: Entry) -> None:
        """Select a series and have it shown."""
        index = self.model.index_of(entry.series.uid)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def step(self, by: int) -> None:
        """Select the next (1) or the last (-1) series."""
        entries = list(self.model.entries())
        if not entries:
            return
        current: Entry | None = self.view.currentIndex().data(Role.ENTRY)
        at = entries.index(current) + by if current in entries else 0
        if 0 <= at < len(entries):
            self.select(entries[at])

    def _current_changed(self, current: QModelIndex) -> None:
        entry = current.data(Role.ENTRY) if current.isValid() else None
        if entry is not None:
            self.chosen.emit(entry)
