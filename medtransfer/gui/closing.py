"""Closing the window: ask where something runs, stop it so that it can go on later, keep the session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from medtransfer.gui.window import MainWindow

PATIENCE_S = 8.0
_EVERY_MS = 50


class Closing(QObject):
    """The way from the wish to close the window to its end."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._deadline: float | None = None
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self._wait)

    def may_close(self) -> bool:
        """Say whether the window may close now; jobs that run are stopped first, and the window closes after them."""
        running = self._window.context.background.running()
        if self._deadline is not None:
            if running and time.monotonic() < self._deadline:
                return False
            self._keep()
            return True
        if not all(space.may_close() for space in self._window.spaces):
            return False
        questions = list(dict.fromkeys(job.closing for job in running if job.closing))
        if questions and not self._agreed(questions):
            return False
        for job in running:
            job.cancel()
        self._deadline = time.monotonic() + PATIENCE_S
        if running:
            self._window.context.events.message.emit("Stopping what runs, then closing …")
            self._timer.start()
            return False
        self._keep()
        return True

    def _agreed(self, questions: list[str]) -> bool:
        from PySide6.QtWidgets import QMessageBox

        from medtransfer.gui import theme

        box = QMessageBox(self._window)
        box.setWindowTitle("Close medtransfer?")
        box.setText("Close medtransfer?")
        box.setInformativeText("\n".join(questions))
        close = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        theme.dress(box)
        box.exec()
        return box.clickedButton() is close

    def _wait(self) -> None:
        done = not self._window.context.background.running()
        if done or (self._deadline is not None and time.monotonic() >= self._deadline):
            self._timer.stop()
            self._window.close()

    def _keep(self) -> None:
        if self._window.journal is not None:
            self._window.journal.save(closed=True)
            self._window.journal = None
