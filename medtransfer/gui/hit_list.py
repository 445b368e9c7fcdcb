"""What the search field shows below itself: commands, studies and models. Imported when first needed."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from medtransfer.gui import theme
from medtransfer.gui.search import Hit

Index = QModelIndex | QPersistentModelIndex
HIT = Qt.ItemDataRole.UserRole
_ROW = 46
_WIDTH = 520
_ROWS_SHOWN = 8
_NOWHERE = QModelIndex()


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


class HitList(QFrame):
    """The list below the field; ``chosen`` carries the hit that was clicked."""

    chosen = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setProperty("kind", "popup")
        self.model = HitModel()
        self._view = QListView()
        self._view.setModel(self.model)
        self._view.setItemDelegate(HitDelegate(self._view))
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setAccessibleName("What was found")
        self._view.clicked.connect(lambda index: self.chosen.emit(index.data(HIT)))
        self._none = QLabel("Nothing of that name.")
        self._none.setProperty("kind", "muted")
        self._none.setFont(theme.font())
        self._none.setMargin(theme.spacing(1.5))
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self._view)
        column.addWidget(self._none)
        theme.dress(self)

    def show_below(self, corner: QPoint, hits: list[Hit]) -> None:
        """Show hits with the upper right corner of the list at ``corner`` of the window."""
        self.model.show(hits)
        self._none.setVisible(not hits)
        self._view.setVisible(bool(hits))
        self._view.setCurrentIndex(self.model.index(0))
        room = self._window.size()
        width = min(_WIDTH, room.width() - theme.spacing(2))
        height = min(max(len(hits), 1), _ROWS_SHOWN) * _ROW + 16
        left = max(theme.spacing(), corner.x() - width)
        self.setGeometry(left, corner.y(), width, min(height, room.height() - corner.y() - theme.spacing()))
        self.show()
        self.raise_()

    def step(self, by: int) -> None:
        """Choose another hit; after the last comes the first."""
        count = self.model.rowCount()
        if count:
            self._view.setCurrentIndex(self.model.index((self._view.currentIndex().row() + by) % count))

    def current(self) -> Hit | None:
        """Return the chosen hit."""
        hit = self._view.currentIndex().data(HIT)
        return hit if isinstance(hit, Hit) else None
