"""The middle of the reading space: nothing yet, reading, unreadable, or the picture."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.flow import Flow
from medtransfer.gui.read.trouble import Trouble
from medtransfer.gui.read.waiting import Waiting

_WIDTH = 440


class Centre(QStackedWidget):
    """Four pages, one of them the viewer.

    ``open_files``, ``open_folder`` and ``demo`` come from the empty state; ``again`` and ``remove`` from trouble.
    """

    open_files = Signal()
    open_folder = Signal()
    demo = Signal()
    again = Signal()
    remove = Signal()

    def __init__(self, viewer: QWidget) -> None:
        super().__init__()
        self.viewer = viewer
        self.waiting = Waiting()
        self.trouble = Trouble()
        self._start, self._demo_button = self._make_start()
        self._reading = _middle(self.waiting)
        self._broken = _middle(self.trouble)
        for page in (self._start, self._reading, self._broken, viewer):
            self.addWidget(page)

    def show_start(self, *, has_demo: bool) -> None:
        """Say how to begin: nothing is open."""
        self._demo_button.setVisible(has_demo)
        self.setCurrentWidget(self._start)

    def show_reading(self, job: Job) -> None:
        """Show that pixels are read; what was there before must not be taken for them."""
        self.waiting.follow(job)
        self.setCurrentWidget(self._reading)

    def show_trouble(self, error: MedTransferError) -> None:
        """Say that the series cannot be shown, and why."""
        self.trouble.show_error(
            "This series cannot be shown",
            error,
            ("Try again", self.again.emit),
            ("Remove from the list", self.remove.emit),
        )
        self.setCurrentWidget(self._broken)

    @property
    def in_trouble(self) -> bool:
        """Whether it says that a series cannot be shown."""
        return self.currentWidget() is self._broken

    def show_viewer(self) -> None:
        """Show the picture."""
        self.setCurrentWidget(self.viewer)

    def _make_start(self) -> tuple[QWidget, QWidget]:
        drop = QFrame()
        drop.setProperty("kind", "drop")
        inside = QVBoxLayout(drop)
        inside.setContentsMargins(theme.spacing(4), theme.spacing(4), theme.spacing(4), theme.spacing(4))
        inside.setSpacing(theme.spacing(1.5))
        inside.addWidget(parts.title("Open a study"))
        inside.addWidget(
            parts.label(
                "Drop files or folders anywhere in this window. DICOM, NIfTI, PNG, JPEG, TIFF and BMP are read; "
                "nothing leaves this computer.",
                "muted",
            )
        )
        row = Flow(theme.spacing())
        row.addWidget(parts.button("Open files\u2026", self.open_files.emit, kind="primary"))
        row.addWidget(parts.button("Open a folder\u2026", self.open_folder.emit))
        demo = parts.button(
            "Try the demo", self.demo.emit, tip="Teach a network on sample photographs and read with it"
        )
        row.addWidget(demo)
        inside.addLayout(row)
        return _middle(drop), demo


def _middle(widget: QWidget) -> QWidget:
    page = QWidget()
    page.setObjectName("ground")
    widget.setMaximumWidth(_WIDTH)
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(widget, _WIDTH)  # all the width there is, up to its most
    row.addStretch(1)
    column = QVBoxLayout(page)
    column.addStretch(1)
    column.addLayout(row)
    column.addStretch(1)
    return pages.scrolling(page)
