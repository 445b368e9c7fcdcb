"""How a row of the study list is painted: thumbnail, title, one line of detail, and the worst check as a badge."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from medtransfer.gui import theme
from medtransfer.gui.read.studies import Index, Role
from medtransfer.study.model import Check, Level

THUMBNAIL = 40
_HEADING_HEIGHT = 32
_ROW_HEIGHT = 56
_BADGE_HEIGHT = 16
_GAP = 8
_ROLES = {Level.ERROR: "danger", Level.WARNING: "positive", Level.INFO: "muted"}


class StudyRow(QStyledItemDelegate):
    """Paints headings, series and problems."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's signature
        """Return the row's height."""
        if index.data(Role.KIND) == "heading":
            return QSize(0, _HEADING_HEIGHT)
        third_line = _badge(index) is not None or index.data(Role.KIND) == "problem"
        return QSize(0, _ROW_HEIGHT + (_BADGE_HEIGHT if third_line else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area: QRect = option.rect
        if index.data(Role.KIND) == "heading":
            _text(painter, area.adjusted(_GAP, _GAP, -_GAP, 0), index.data(), "text", theme.SEMIBOLD)
        else:
            state: QStyle.StateFlag = option.state
            _ground(painter, area, state)
            left = area.left() + _GAP
            picture = QRect(left, area.top() + _GAP, THUMBNAIL, THUMBNAIL)
            _thumbnail(painter, picture, index)
            _lines(painter, area.adjusted(_GAP + THUMBNAIL + _GAP, 0, -_GAP, 0), index)
        painter.restore()


def _ground(painter: QPainter, area: QRect, state: QStyle.StateFlag) -> None:
    box = area.adjusted(1, 1, -1, -1)
    if state & QStyle.StateFlag.State_Selected:
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        painter.setPen(QPen(theme.colour("accent" if focused else "line"), 1))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("hover"))
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)


def _thumbnail(painter: QPainter, box: QRect, index: Index) -> None:
    image: QImage | None = index.data(Role.THUMBNAIL)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("image" if image else "line"))
    painter.drawRoundedRect(box, 4, 4)
    if image is not None:
        painter.drawImage(box, image)
        return
    entry = index.data(Role.ENTRY)
    _text(painter, box, entry.series.modality if entry else "!", "muted", theme.SEMIBOLD, Qt.AlignmentFlag.AlignCenter)


def _lines(painter: QPainter, area: QRect, index: Index) -> None:
    problem = index.data(Role.KIND) == "problem"
    line = QRect(area.left(), area.top() + _GAP, area.width(), 20)
    _text(painter, line, index.data(), "text", theme.MEDIUM)
    line.translate(0, 20)
    if problem:
        _paragraph(painter, line.adjusted(0, 2, 0, _BADGE_HEIGHT), index.data(Role.DETAIL))
        return
    _text(painter, line, index.data(Role.DETAIL), "muted", size=theme.SMALL_SIZE)
    badge = _badge(index)
    if badge is not None:
        line.translate(0, 18)
        role = _ROLES[badge.level]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role))
        middle = line.center().y()
        painter.drawEllipse(QRect(line.left(), middle - 3, 7, 7))
        _text(painter, line.adjusted(13, 0, 0, 0), badge.message, role, size=theme.SMALL_SIZE)


def _badge(index: Index) -> Check | None:
    """Return the check that the row shows: the worst, when it is more than information."""
    if index.data(Role.KIND) != "series":
        return None
    checks: list[Check] = index.data(Role.CHECKS)
    return checks[0] if checks and checks[0].level is not Level.INFO else None


def _paragraph(painter: QPainter, area: QRect, text: str) -> None:
    """Write what went wrong on two lines; the whole of it is in the row's tooltip."""
    painter.setFont(theme.font(theme.SMALL_SIZE))
    painter.setPen(theme.colour("danger"))
    painter.drawText(area, Qt.TextFlag.TextWordWrap, text)


def _text(
    painter: QPainter,
    area: QRect,
    text: str,
    role: str,
    weight: int = theme.REGULAR,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
    size: int = theme.TEXT_SIZE,
) -> None:
    painter.setFont(theme.font(size, weight))
    painter.setPen(theme.colour(role))
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, align, shown)
