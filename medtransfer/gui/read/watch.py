"""Noticing that the files of the series on the screen were moved or deleted meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, Signal

from medtransfer.study.model import Check, Level

_MOST = 64
GONE = Check(
    "study.gone",
    Level.WARNING,
    "The files of this series are not where they were opened from any more.",
    "What is on the screen is complete; to open it again, bring the files back.",
)


class Watch(QObject):
    """Watches the files of one series; ``gone`` is sent when the first of them disappears.

    Of a long series only some files are watched: whoever deletes one deletes all.
    """

    gone = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._watcher = QFileSystemWatcher()
        self._watcher.fileChanged.connect(self._changed)

    def set_paths(self, paths: Sequence[Path]) -> None:
        """Watch these files and no others."""
        before = self._watcher.files()
        if before:
            self._watcher.removePaths(before)
        existing = [str(path) for path in paths[:_MOST] if path.exists()]
        if existing:
            self._watcher.addPaths(existing)

    def noted(self, checks: Sequence[Check]) -> tuple[Check, ...]:
        """Return the checks with the note that the files are gone, once."""
        return (GONE, *(check for check in checks if check.code != GONE.code))

    def _changed(self, path: str) -> None:
        if not Path(path).exists():
            self.set_paths(())
            self.gone.emit()
