"""Python's collector of cyclic garbage, kept to the window's thread.

Python collects in whichever thread happens to allocate. Garbage that holds a widget or a timer must not be destroyed
outside the thread that made it: Qt would go on to call a timer that is not there any more, and the process would end.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 500


class Collector(QObject):
    """Collects from the event loop, as often as Python would by itself; Python's own turns are switched off."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        """Take over from Python."""
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Hand back to Python."""
        self._timer.stop()
        gc.enable()

    @staticmethod
    def settle() -> None:
        """Leave what is there now out of every later search: modules and classes stay as long as the program."""
        gc.collect()
        gc.freeze()

    @staticmethod
    def collect() -> None:
        """Search the youngest objects, and the older ones too where their turn has come."""
        due = [count > threshold for count, threshold in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        for generation in reversed(range(len(due))):
            if due[generation]:
                gc.collect(generation)
                return
