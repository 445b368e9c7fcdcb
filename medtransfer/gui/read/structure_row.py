"""A structure in the list: a swatch that is full when it is shown, its name, and its figures in columns."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from medtransfer.gui import theme
from medtransfer.gui.read import words
from medtransfer.gui.read.structures_model import Index, Role
from medtransfer.result.model import Structure

ROW_HEIGHT = 26
COLUMNS = {"ml": 40, "HU": 36}
"""The columns at the right and their widths in pixels."""
MARGIN = 6
_SWATCH = 12


class StructureRow(QStyledItemDelegate):
    """Paints a row; a click onto the swatch or the space bar shows or hides its structure."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's signature
        """Return the row's height."""
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the row."""
        structure: Structure = index.data(Role.STRUCTURE)
        shown = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            focused = bool(state & QStyle.StateFlag.State_HasFocus)
            painter.setPen(QPen(theme.colour("accent" if focused else "line"), 1))
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(area.adjusted(0, 0, -1, -1), 5, 5)
        painter.setPen(QPen(theme.colour("outline"), 1))  # a bright colour alone would not be seen on a light ground
        painter.setBrush(QColor(structure.colour) if shown else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(_swatch(area), 3, 3)
        if not shown:
            painter.fillRect(_swatch(area).adjusted(4, 4, -3, -3), QColor(structure.colour))
        painter.setFont(theme.font(theme.SMALL_SIZE))
        painter.setPen(theme.colour("muted"))
        right = area.right() - MARGIN
        for width, figure in zip(reversed(COLUMNS.values()), reversed(words.figures(structure)), strict=True):
            place = QRect(right - width, area.top(), width, area.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure)
            right -= width
        painter.setFont(theme.font())
        painter.setPen(theme.colour("text" if shown else "muted"))
        name = QRect(area.left() + _SWATCH + 14, area.top(), right - area.left() - _SWATCH - 16, area.height())
        elided = painter.fontMetrics().elidedText(structure.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, elided)
        painter.restore()

    def editorEvent(  # noqa: N802 - Qt's name
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Show or hide on a click onto the swatch, or with the space bar."""
        area: QRect = option.rect
        clicked = (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and event.button() == Qt.MouseButton.LeftButton
            and event.position().x() < area.left() + _SWATCH + 12
        )
        pressed = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space
        if not (clicked or pressed):
            return False
        shown = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        wanted = Qt.CheckState.Unchecked if shown else Qt.CheckState.Checked
        return model.setData(index, wanted, Qt.ItemDataRole.CheckStateRole)


def _swatch(area: QRect) -> QRect:
    return QRect(area.left() + 5, area.center().y() - _SWATCH // 2, _SWATCH, _SWATCH)
