"""The search field of the top bar, and what it finds: commands, studies and models (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from medtransfer.gui import theme
from medtransfer.gui.command import Commands
from medtransfer.gui.search import Hit, Search

Index = QModelIndex | QPersistentModelIndex
HIT = Qt.ItemDataRole.UserRole
_ROW = 46
_WIDTH = 520
_ROWS_SHOWN = 8
_NOWHERE = QModelIndex()


def command_hits(commands: Commands) -> Iterator[Hit]:
    """Return the commands that can be used now."""
    for command in commands:
        if command.enabled():
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            yield Hit("Command", command.title, command.help, partial(_run, commands, command.id), keys)


def _run(commands: Commands, command_id: str) -> None:
    commands.run(command_id)


class HitModel(QAbstractListModel):
    """The hits, best first."""

    def __init__(self) -> None:
        super().__init__()
        self._hits: list[Hit] = []

    def show(self, hits: list[Hit]) -> None:
        """Show other hits."""
        self.beginResetModel()
        self._hits = hits
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many hits there are."""
        return 0 if parent.isValid() else len(self._hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a hit, its title, or the line that a screen reader says."""
        if not index.isValid():
            return None
        hit = self._hits[index.row()]
        if role == HIT:
            return hit
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (hit.title, hit.kind, hit.shortcut, hit.detail) if part)
        return None


class HitDelegate(QStyledItemDelegate):
    """Draws a hit: title above detail, kind and shortcut on the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - as Qt calls it
        """Return the size of every row."""
        return QSize(_WIDTH, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one hit."""
        hit: Hit = index.data(HIT)
        area = QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        inside = area.adjusted(theme.spacing(1.5), theme.spacing(0.75), -theme.spacing(1.5), -theme.spacing(0.75))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        small = theme.font(theme.SMALL_SIZE)
        painter.setFont(small)
        painter.setPen(theme.colour("muted"))
        side = hit.shortcut or hit.kind
        painter.drawText(inside, right, side)
        left = inside.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(side) - theme.spacing(2), 0)
        _line(painter, inside, hit.detail, Qt.AlignmentFlag.AlignBottom)
        painter.setFont(theme.font(weight=theme.MEDIUM))
        painter.setPen(theme.colour("text"))
        _line(painter, left, hit.title, Qt.AlignmentFlag.AlignTop)
        painter.restore()


def _line(painter: QPainter, area: QRect, text: str, edge: Qt.AlignmentFlag) -> None:
    shortened = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignLeft | edge, shortened)


class SearchField(QLineEdit):
    """The field: typing searches, the arrows choose, Enter does it, Escape goes back to where one was."""

    def __init__(self, search: Search, window: QWidget) -> None:
        super().__init__()
        self._search = search
        self._window = window
        self._before: QWidget | None = None
        self.setPlaceholderText("Find a command, study or model")
        self.setAccessibleName("Find a command, study or model")
        self.setToolTip("Find a command, study or model (Ctrl+K)")
        self.setFont(theme.font())
        self.setMinimumWidth(theme.spacing(15))
        self.setMaximumWidth(theme.spacing(36))
        self.setTextMargins(0, 0, theme.spacing(7), 0)
        self._key = QLabel(QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText), self)
        self._key.setProperty("kind", "key")
        self._key.setFont(theme.font(theme.SMALL_SIZE))
        self.model = HitModel()
        self.popup = QFrame(window)
        self.popup.setProperty("kind", "popup")
        self.popup.hide()
        self._list = self._make_list()
        self.textEdited.connect(self._look)

    def _make_list(self) -> QListView:
        view = QListView()
        view.setModel(self.model)
        view.setItemDelegate(HitDelegate(view))
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setAccessibleName("What was found")
        view.clicked.connect(self._choose)
        self._none = QLabel("Nothing of that name.")
        self._none.setProperty("kind", "muted")
        self._none.setFont(theme.font())
        self._none.setMargin(theme.spacing(1.5))
        column = QVBoxLayout(self.popup)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(view)
        column.addWidget(self._none)
        return view

    def begin(self) -> None:
        """Start to search from wherever the person is."""
        if not self.hasFocus():
            self._before = QApplication.focusWidget()
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()
        self._look(self.text())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show what there is to find when the field is clicked."""
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.MouseFocusReason:
            self._look(self.text())

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Put the list away."""
        super().focusOutEvent(event)
        self.popup.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Choose with the arrows and Enter, leave with Escape."""
        key = event.key()
        if key in {Qt.Key.Key_Down, Qt.Key.Key_Up} and self.popup.isVisible():
            self._step(1 if key == Qt.Key.Key_Down else -1)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.popup.isVisible():
            self._choose(self._list.currentIndex())
        elif key == Qt.Key.Key_Escape:
            self._leave()
        elif key == Qt.Key.Key_Down:
            self._look(self.text())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the shortcut at the right end."""
        super().resizeEvent(event)
        size = self._key.sizeHint()
        self._key.move(self.width() - size.width() - theme.spacing(0.75), (self.height() - size.height()) // 2)

    def _look(self, typed: str) -> None:
        self.model.show(self._search.find(typed))
        count = self.model.rowCount()
        self._none.setVisible(count == 0)
        self._list.setVisible(count > 0)
        self._list.setCurrentIndex(self.model.index(0))
        width = min(_WIDTH, self._window.width() - theme.spacing(2))
        height = min(max(count, 1), _ROWS_SHOWN) * _ROW + 16
        corner = self.mapTo(self._window, QPoint(self.width(), self.height() + 4))
        left = max(theme.spacing(), corner.x() - width)
        self.popup.setGeometry(left, corner.y(), width, min(height, self._window.height() - corner.y() - 8))
        self.popup.show()
        self.popup.raise_()

    def _step(self, by: int) -> None:
        count = self.model.rowCount()
        if count:
            self._list.setCurrentIndex(self.model.index((self._list.currentIndex().row() + by) % count))

    def _choose(self, index: Index) -> None:
        hit: Hit | None = index.data(HIT) if index.isValid() else None
        self._leave()
        if hit is not None:
            hit.run()

    def _leave(self) -> None:
        self.popup.hide()
        self.clear()
        self.clearFocus()
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            self._before = None
