"""The session's journal: what is open, kept so that it comes back even after ``kill -9`` or a power cut.

The journal names files and so may name patients. It lies in the store's folder, which only its owner can read, and no
log and no diagnostics quote from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from medtransfer import logs
from medtransfer.errors import MedTransferError
from medtransfer.store.files import write_text

FILE = "session.json"
FORMAT = 1
EVERY_MS = 1500
STEADY_MS = 20_000

State = dict[str, Any]


class Journal(QObject):
    """Looks every 1.5 s whether something changed, and writes it then.

    ``failed`` is sent once when the journal cannot be written.

    Parameters
    ----------
    folder
        The store's folder.
    snapshot
        Returns the state of the window, as JSON can hold it.
    """

    failed = Signal(str)

    def __init__(self, folder: Path, snapshot: Callable[[], State]) -> None:
        super().__init__()
        self._path = folder / FILE
        self._snapshot = snapshot
        self._written = ""
        self._attempts = 0
        self._broken = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._steady = QTimer(self, singleShot=True, interval=STEADY_MS)
        self._steady.timeout.connect(self._stands)

    def read(self) -> State:
        """Return what the last window left, or nothing. A damaged journal is put aside and counts as nothing."""
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logs.event("window.journal", kind=type(error).__name__)
            self._put_aside()
            return {}
        if not isinstance(read, dict) or read.get("format") != FORMAT:
            self._put_aside()
            return {}
        return read

    def start(self, attempts: int) -> None:
        """Start to keep the journal. ``attempts`` counts the windows in a row that ended soon after their start."""
        self._attempts = attempts
        self.look()
        self._timer.start()
        self._steady.start()

    def look(self) -> None:
        """Write what has changed, off the window's thread."""
        text = self._text(closed=False)
        if text != self._written:
            self._written = text
            self._writer.submit(self._write, text)

    def save(self, *, closed: bool) -> None:
        """Write now, and wait until it is written; ``closed`` says that the window is closed on purpose."""
        self._timer.stop()
        self._steady.stop()
        text = self._text(closed=closed)
        self._writer.submit(self._write, text).result()
        self._writer.shutdown()

    def _stands(self) -> None:
        self._attempts = 0

    def _text(self, *, closed: bool) -> str:
        state = {"format": FORMAT, "closed": closed, "attempts": self._attempts, **self._snapshot()}
        return json.dumps(state, indent=1, default=str)

    def _write(self, text: str) -> None:
        try:
            write_text(self._path, text)
        except (OSError, MedTransferError) as error:
            logs.event("window.journal", kind=type(error).__name__)
            if not self._broken:
                self._broken = True
                self.failed.emit("What is open cannot be kept for the next start: is the disk full?")

    def _put_aside(self) -> None:
        try:
            self._path.replace(self._path.with_suffix(".damaged"))
        except OSError:
            return
