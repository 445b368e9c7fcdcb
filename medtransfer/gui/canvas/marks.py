"""Painting the crosshair and the measures over a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen

from medtransfer.gui import theme
from medtransfer.gui.canvas.furniture import halo_text
from medtransfer.gui.canvas.measures import Kind, Measure, Point

ToScreen = Callable[[Point], QPointF]

_GAP = 10.0
_LINE_HEIGHT = 15
HANDLE = 4.0


def crosshair(painter: QPainter, area: QRect, centre: QPointF, leaning: QPointF) -> None:
    """Paint two lines through ``centre`` with a gap around it; ``leaning`` is how the columns run on the screen."""
    painter.save()
    painter.resetTransform()
    ink = theme.colour("crosshair")
    ink.setAlphaF(0.75)
    painter.setPen(QPen(ink, 1.0))
    reach = float(area.width() + area.height())
    length = (leaning.x() ** 2 + leaning.y() ** 2) ** 0.5
    for direction in (QPointF(1.0, 0.0), leaning / length):
        for sense in (-1.0, 1.0):
            painter.drawLine(centre + direction * (sense * _GAP), centre + direction * (sense * reach))
    painter.restore()


def measure(painter: QPainter, item: Measure, lines: Sequence[str], to_screen: ToScreen, *, selected: bool) -> None:
    """Paint one measure with its handles and what is written beside it."""
    painter.save()
    painter.resetTransform()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    start, end = to_screen(item.start), to_screen(item.end)
    for role, width in (("image", 4.0), ("letters" if selected else "crosshair", 1.8)):
        painter.setPen(QPen(theme.colour(role), width))
        _outline(painter, item.kind, start, end)
    painter.setBrush(theme.colour("image"))
    for point in (start, end):
        painter.drawEllipse(point, HANDLE, HANDLE)
    _words(painter, lines, start, end)
    painter.restore()


def near(item: Measure, place: QPointF, to_screen: ToScreen, reach: float = 9.0) -> str:
    """Say which end of a measure is within reach of a place on the screen: ``start``, ``end`` or nothing."""
    for name, point in (("end", item.end), ("start", item.start)):
        away = to_screen(point) - place
        if away.x() ** 2 + away.y() ** 2 <= reach**2:
            return name
    return ""


def _outline(painter: QPainter, kind: Kind, start: QPointF, end: QPointF) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if kind is Kind.LENGTH:
        painter.drawLine(start, end)
    elif kind is Kind.RECTANGLE:
        painter.drawRect(QRectF(start, end).normalized())
    else:
        painter.drawEllipse(QRectF(start, end).normalized())


def _words(painter: QPainter, lines: Sequence[str], start: QPointF, end: QPointF) -> None:
    font = theme.font(theme.SMALL_SIZE, theme.MEDIUM)
    painter.setFont(font)
    left = round(max(start.x(), end.x())) + theme.spacing()
    top = round((start.y() + end.y()) / 2) - len(lines) * _LINE_HEIGHT // 2
    width = max((QFontMetrics(font).horizontalAdvance(line) for line in lines), default=0) + 2
    for number, line in enumerate(lines):
        place = QRect(left, top + number * _LINE_HEIGHT, width, _LINE_HEIGHT)
        halo_text(painter, place, line, "image_text", Qt.AlignmentFlag.AlignLeft)
