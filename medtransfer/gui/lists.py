"""A list of named things at the left of a space: a title, a second line, and a mark with its word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractListModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from medtransfer.gui import theme

Index = QModelIndex | QPersistentModelIndex
Role = Literal["muted", "accent", "positive", "danger"]


@dataclass(frozen=True)
class Entry:
    """One line of the list. ``mark`` is a word about its state, in the colour of ``role``, beside a dot."""

    key: str
    title: str
    detail: str
    mark: str = ""
    role: Role = "muted"

    @property
    def spoken(self) -> str:
        """The whole entry in words, for a screen reader."""
        return ", ".join(part for part in (self.title, self.mark, self.detail) if part)


class EntryModel(QAbstractListModel):
    """Entries for a view; the entry itself is the user role's value."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: tuple[Entry, ...] = ()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name and default
        """Return how many entries there are."""
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a view asks for."""
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role in {Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole}:
            return entry.spoken
        return entry if role == Qt.ItemDataRole.UserRole else None

    def replace(self, entries: Sequence[Entry]) -> None:
        """Show other entries."""
        self.beginResetModel()
        self.entries = tuple(entries)
        self.endResetModel()


class EntryDelegate(QStyledItemDelegate):
    """Paints an entry as two lines on a rounded ground."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802, ARG002 - as Qt has it
        """Return the height of two lines, and of a third where there is a mark."""
        entry = index.data(Qt.ItemDataRole.UserRole)
        lines = theme.spacing(3 if entry.mark else 1)
        return QSize(theme.spacing(20), theme.spacing(5.5) + lines - theme.spacing(1))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the entry."""
        entry = index.data(Qt.ItemDataRole.UserRole)
        state: Any = option.state
        area: QRect = option.rect.adjusted(1, 1, -1, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, area, state)
        text = area.adjusted(theme.spacing(1.25), theme.spacing(0.75), -theme.spacing(1.25), 0)
        _line(painter, text, entry.title, "text", theme.TEXT_SIZE, theme.MEDIUM)
        text.translate(0, theme.spacing(2.25))
        _line(painter, text, entry.detail, "muted", theme.SMALL_SIZE, theme.REGULAR)
        if entry.mark:
            text.translate(0, theme.spacing(2))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(entry.role))
            painter.drawEllipse(text.left(), text.top() + 5, 7, 7)
            _line(painter, text.adjusted(13, 0, 0, 0), entry.mark, entry.role, theme.SMALL_SIZE, theme.MEDIUM)
        painter.restore()

    def _ground(self, painter: QPainter, area: QRect, state: Any) -> None:
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if not selected and not state & QStyle.StateFlag.State_MouseOver:
            return
        focused = selected and bool(state & QStyle.StateFlag.State_HasFocus)
        painter.setPen(theme.colour("accent" if focused else "line"))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)


class EntryList(QListView):
    """The list itself. ``chosen`` carries the key of the entry that a person went to."""

    chosen = QtSignal(str)

    def __init__(self, name: str, empty: str) -> None:
        super().__init__()
        self._empty = empty
        self._model = EntryModel()
        self.setModel(self._model)
        self.setItemDelegate(EntryDelegate(self))
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.selectionModel().currentChanged.connect(self._tell)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is listed."""
        return self._model.entries

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """List other entries and keep the chosen one chosen, without telling."""
        key = self.key()
        self._model.replace(entries)
        self.select(key)

    def key(self) -> str:
        """Return the key of the chosen entry, or an empty text."""
        entry = self.currentIndex().data(Qt.ItemDataRole.UserRole)
        return entry.key if isinstance(entry, Entry) else ""

    def select(self, key: str) -> bool:
        """Choose an entry without telling; return whether it is listed."""
        row = next((row for row, entry in enumerate(self.entries) if entry.key == key), -1)
        self.selectionModel().blockSignals(True)  # noqa: FBT003 - Qt's signature
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(self._model.index(row), flag)
        self.selectionModel().blockSignals(False)  # noqa: FBT003
        self.viewport().update()
        return row >= 0

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the list, or the words for an empty one."""
        super().paintEvent(event)
        if not self.entries:
            painter = QPainter(self.viewport())
            painter.setFont(theme.font())
            painter.setPen(theme.colour("muted"))
            area = self.viewport().rect().adjusted(theme.spacing(1), theme.spacing(1), -theme.spacing(1), 0)
            painter.drawText(area, Qt.TextFlag.TextWordWrap, self._empty)

    def _tell(self, current: QModelIndex) -> None:
        entry = current.data(Qt.ItemDataRole.UserRole)
        if isinstance(entry, Entry):
            self.chosen.emit(entry.key)


def _line(painter: QPainter, area: QRect, text: str, role: str, size: int, weight: int) -> None:
    font = theme.font(size, weight)
    painter.setFont(font)
    painter.setPen(theme.colour(role))
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(QRect(area.left(), area.top(), area.width(), metrics.height()), Qt.AlignmentFlag.AlignLeft, shown)
