"""The window: the four spaces, the search field above them and the status bar below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from medtransfer.gui.context import Context, Space
from medtransfer.gui.spaces import Deferred, declared


class MainWindow(QMainWindow):
    """One window of medtransfer.

    Parameters
    ----------
    context
        What all parts share.
    spaces
        The spaces, in the order of their tabs; the usual four when left out.
    """

    def __init__(self, context: Context, spaces: Sequence[Space] | None = None) -> None:
        super().__init__()
        self.context = context
        given = declared(context) if spaces is None else spaces
        self.spaces = [space if isinstance(space, Deferred) else Deferred.holding(space) for space in given]
        self.setWindowTitle("medtransfer")
        self.stack = QStackedWidget()
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)
        self.setCentralWidget(centre)
        self.context.events.show_space.connect(self.show_space)

    def show_space(self, space_id: str) -> None:
        """Show a space, building it if need be."""
        widget = next(space for space in self.spaces if space.id == space_id).widget()
        if self.stack.indexOf(widget) < 0:
            self.stack.addWidget(widget)
        self.stack.setCurrentWidget(widget)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Have the reading space open files and folders."""
        self.show_space("read")
        self.context.events.open_paths.emit(list(paths))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Close if every space agrees."""
        if all(space.may_close() for space in self.spaces):
            event.accept()
        else:
            event.ignore()
