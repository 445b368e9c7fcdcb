"""A window to be drawn: a store of its own, and the means to wait for it and to draw it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from PySide6.QtCore import QEventLoop, QPoint, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from medtransfer import logs
from medtransfer.gui.app import make_context
from medtransfer.gui.collector import Collector
from medtransfer.gui.context import Space
from medtransfer.gui.read.space import ReadSpace
from medtransfer.gui.window import MainWindow
from medtransfer.store.home import Home

SIZE = (1440, 900)
PATIENCE_S = 300.0
_S = TypeVar("_S", bound=Space)


def wait(milliseconds: int) -> None:
    """Let the event loop and every other thread run."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


class Studio:
    """A window on a store of its own, and the means to wait for it and to draw it."""

    def __init__(self, app: QApplication, out: Path, home: Path, themes: Sequence[str]) -> None:
        self._app = app
        self._out = out
        self._themes = themes
        self.folder = home.parent
        self.context = make_context(Home.locate(home).prepare())
        self.context.settings.set("theme", "dark")
        logs.configure(self.context.home.logs)
        self.window = MainWindow(self.context)
        Collector(self.window).start()
        self.window.resize(*SIZE)
        self.window.show()
        self.read = self.go(ReadSpace)

    def go(self, kind: type[_S]) -> _S:
        """Show a space, let it come to rest, and return it."""
        self.window.show_space(kind.id)
        self.rest()
        space = next(space for space in self.window.spaces if space.id == kind.id)
        return cast("_S", space._space)  # noqa: SLF001 - the window itself never needs more than its widget

    def until(self, true: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Let the window live until something is so."""
        deadline = time.monotonic() + patience_s
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("a screen did not come to be")
            wait(20)

    def rest(self) -> None:
        """Wait until nothing runs any more and everything is painted."""
        for _ in range(2):
            self.until(lambda: not self.context.background.running())
            wait(60)

    def open(self, *paths: Path) -> None:
        """Open files in the reading space."""
        self.window.open_paths(paths)
        self.until(lambda: self.read.studies.rowCount() > 0)
        self.rest()

    def shoot(self, name: str, *, rest: bool = True) -> None:
        """Draw what is on the screen in every theme."""
        for chosen in self._themes:
            self.context.settings.set("theme", chosen)
            if rest:
                self.rest()
            wait(60)
            path = self._out / f"{name}-{chosen}.png"
            self._picture().save(str(path))
            print(path)

    def close_dialogs(self) -> None:
        """Close everything that lies over the window."""
        for widget in self._app.topLevelWidgets():
            if widget is not self.window and widget.isVisible():
                widget.close()
        wait(30)

    def _picture(self) -> QPixmap:
        """Return the window with the dialogs and menus that lie over it."""
        whole = self.window.grab()
        painter = QPainter(whole)
        for widget in self._app.topLevelWidgets():
            if widget is not self.window and widget.isVisible():
                painter.drawPixmap(self._place(widget), widget.grab())
        painter.end()
        return whole

    def _place(self, widget: QWidget) -> QPoint:
        if isinstance(widget, QDialog):
            return (self.window.rect().center() - widget.rect().center()) if widget.isWindow() else QPoint()
        return widget.mapToGlobal(QPoint()) - self.window.mapToGlobal(QPoint())
