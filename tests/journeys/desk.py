"""A person at the window: what they see, click, type and drop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from medtransfer.gui import restoring
from medtransfer.gui.app import make_context
from medtransfer.gui.learn.space import LearnSpace
from medtransfer.gui.read.space import ReadSpace
from medtransfer.gui.window import MainWindow
from medtransfer.store.home import Home
from tests.gui.watchdog import Watchdog

PATIENCE_MS = 150_000
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


class Desk:
    """One start of the window on a store."""

    def __init__(self, home: Home, qtbot: QtBot, paths: Sequence[Path] = ()) -> None:
        self.qtbot = qtbot
        self.context = make_context(home.prepare())
        self.window = MainWindow(self.context)
        self.window.resize(1389, 868)
        qtbot.addWidget(self.window)
        self.watchdog = Watchdog()
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()
        self.watchdog.__enter__()
        restoring.begin(self.window, restoring.Wanted(paths))

    @property
    def read(self) -> ReadSpace:
        """The reading space, once it was shown."""
        return cast(ReadSpace, self.window.spaces[0]._space)

    @property
    def learn(self) -> LearnSpace:
        """The learning space, once it was shown."""
        return cast(LearnSpace, self.window.spaces[1]._space)

    def until(self, true: Callable[[], object]) -> None:
        """Wait for what a person waits for."""
        self.qtbot.waitUntil(lambda: bool(true()), timeout=PATIENCE_MS)

    def rest(self) -> None:
        """Wait until nothing runs and every signal has arrived."""
        for _ in range(2):
            self.until(lambda: not self.context.background.running())
            self.qtbot.wait(20)

    def click(self, button: QWidget) -> None:
        """Click a button that can be seen and pressed."""
        self.until(lambda: button.isVisible() and button.isEnabled())
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key wherever the focus is."""
        self.qtbot.keyClick(self.window.focusWidget() or self.window, key, modifiers)

    def button(self, within: QWidget, text: str) -> QAbstractButton:
        """Return the button that says this."""
        return next(made for made in within.findChildren(QAbstractButton) if made.text() == text)

    def drop(self, *paths: Path) -> None:
        """Drop files onto the middle of the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        event = QDropEvent(
            QPoint(600, 400), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        self.window.dropEvent(event)

    def leave(self) -> None:
        """Close the window and wait until it has gone."""
        if self.window.isVisible():
            self.window.close()
            self.until(lambda: not self.window.isVisible())
            self.watchdog.__exit__(None, None, None)
        if self.window.spaces[0].loaded:
            self.read.close()
