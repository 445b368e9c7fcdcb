"""The log, as the window shows it: today's events, the latest at the bottom."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QTableView, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("Time", "Event", "Details")
MOST = 500
_CHUNK = 256 * 1024
_EVERY_MS = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGITS = 12
_NOWHERE = QModelIndex()

Row = tuple[str, str, str]


def row_of(line: str) -> Row | None:
    """Return a line of the log as time of day, event and details; None for what is no event."""
    try:
        event = json.loads(line)
        time = datetime.fromisoformat(event.pop("time")).astimezone().strftime("%H:%M:%S")
        name = str(event.pop("event"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return time, name, "  ".join(f"{key} {_short(value)}" for key, value in event.items())


def _short(value: object) -> str:
    """Return a value as it is read: figures rounded, a SHA-256 by its first digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value[:_DIGITS]}\u2026" if isinstance(value, str) and _SHA256.fullmatch(value) else str(value)


class LogModel(QAbstractTableModel):
    """The latest events of today's file. :meth:`refresh` reads only what was added."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._path = folder
        self._read_to = 0
        self._rows: list[Row] = []

    def refresh(self) -> bool:
        """Read what was added, and return whether there was anything."""
        path = self._folder / f"{datetime.now(UTC).date().isoformat()}.jsonl"
        try:
            with path.open("rb") as stream:
                size = stream.seek(0, 2)
                start = self._read_to if path == self._path and self._read_to <= size else 0
                stream.seek(max(start, size - _CHUNK))
                added = stream.read(_CHUNK)
        except OSError:
            return False
        self._path = path
        whole = added[: added.rfind(b"\n") + 1]
        self._read_to = size - len(added) + len(whole)
        lines = whole.decode("utf-8", "replace").splitlines()
        rows = [row for row in map(row_of, lines) if row is not None]
        if rows:
            self.beginResetModel()
            self._rows = [*self._rows, *rows][-MOST:]
            self.endResetModel()
        return bool(rows)

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many events are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the text of a cell."""
        if index.isValid() and role == Qt.ItemDataRole.DisplayRole:
            return self._rows[index.row()][index.column()]
        return None

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return the name of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return theme.font(theme.SMALL_SIZE, theme.MEDIUM) if role == Qt.ItemDataRole.FontRole else None


class LogView(QWidget):
    """The table of events, kept up to date while it is visible."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.model = LogModel(folder)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Log")
        self.table.setFont(theme.font(theme.SMALL_SIZE))
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(theme.spacing(3))
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.table.setColumnWidth(0, theme.spacing(10))
        self.table.setColumnWidth(1, theme.spacing(26))
        note = parts.label("The log holds no names, no paths and nothing from your files.", "muted", theme.SMALL_SIZE)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.spacing(), 0, theme.spacing(), theme.spacing())
        column.addWidget(self.table)
        column.addWidget(note)
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self._follow)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Keep up to date while visible."""
        super().showEvent(event)
        self._follow()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Rest while nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def _follow(self) -> None:
        if self.model.refresh():
            self.table.scrollToBottom()
