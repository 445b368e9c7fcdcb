"""The left panel: what is open, how far the reading of headers is, and where to drop or open more."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import QListView, QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.gui.read.studies import Entry, Role, StudiesModel
from medtransfer.gui.read.study_row import StudyRow
from medtransfer.gui.read.waiting import Waiting
from medtransfer.study.model import Check

_OPEN = "Drop or open files"


class StudiesPanel(QWidget):
    """The list with its foot.

    ``chosen`` carries the series (Entry) to show, ``left`` says that a row which is none was gone to; ``menu_wanted``
    carries the place of a menu in the list (QPoint); ``add`` asks to open more.
    """

    chosen = Signal(object)
    left = Signal()
    menu_wanted = Signal(QPoint)
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
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self.menu_wanted)
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
        panel = parts.panel()
        pages.fill_list_panel(panel, "Studies", self.view, foot)
        whole.addWidget(panel)

    def show_drop(self, *, over: bool) -> None:
        """Show that what is being dragged may be dropped."""
        self.more.setDown(over)
        self.more.setText("Drop to open" if over else _OPEN)

    def select(self, entry: Entry) -> None:
        """Select a series and have it shown."""
        index = self.model.index_of(entry.series.uid)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def selected(self) -> Entry | None:
        """Return the selected series."""
        index = self.view.currentIndex()
        entry: Entry | None = index.data(Role.ENTRY) if index.isValid() else None
        return entry

    def problem(self) -> tuple[str, list[Check]]:
        """Return the name of the selected file that could not be opened, and why; nothing where another row is."""
        index = self.view.currentIndex()
        if not index.isValid() or index.data(Role.KIND) != "problem":
            return "", []
        return str(index.data()), index.data(Role.CHECKS)

    def step(self, by: int) -> None:
        """Select the next (1) or the last (-1) series."""
        entries = list(self.model.entries())
        if not entries:
            return
        current = self.selected()
        at = entries.index(current) + by if current in entries else 0
        if 0 <= at < len(entries):
            self.select(entries[at])

    def _current_changed(self, current: QModelIndex) -> None:
        entry = current.data(Role.ENTRY) if current.isValid() else None
        if entry is not None:
            self.chosen.emit(entry)
        else:
            self.left.emit()
