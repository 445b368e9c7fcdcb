"""A plot that paints itself in the colours of the theme: lines and points over two axes, with a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from medtransfer.gui import theme

Point = tuple[float, float]
Style = Literal["solid", "dash", "dot", "dash-dot"]
_STYLES: dict[Style, Qt.PenStyle] = {
    "solid": Qt.PenStyle.SolidLine,
    "dash": Qt.PenStyle.DashLine,
    "dot": Qt.PenStyle.DotLine,
    "dash-dot": Qt.PenStyle.DashDotLine,
}
UNIT = (0.0, 1.0)
_LEFT, _TOP, _BOTTOM, _RIGHT = 44, 30, 40, 12
_LEGEND_LINE = 18
_DOT = 3.5
_WIDTH, _BOLD = 1.2, 2.0


@dataclass(frozen=True)
class Curve:
    """One line of the plot. ``role`` is a colour of the theme; ``name`` empty leaves it out of the legend."""

    name: str
    points: Sequence[Point]
    role: str = "accent"
    style: Style = "solid"
    dots: bool = False
    line: bool = True


class Plot(QWidget):
    """Curves over axes that are fixed, or fit what is shown; where the title says what goes up, ``y`` is empty."""

    def __init__(
        self, title: str, x: str, y: str, x_range: Point | None = None, y_range: Point | None = None, legend: int = 3
    ) -> None:
        super().__init__()
        self._title, self._x, self._y = title, x, y
        self._x_range, self._y_range = x_range, y_range
        self._legend = legend
        self.curves: tuple[Curve, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 190 + _LEGEND_LINE * legend)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size that suits a plot."""
        return QSize(300, 240 + _LEGEND_LINE * self._legend)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Show other curves, and say them in words for a screen reader."""
        self.curves = tuple(curves)
        self.setAccessibleDescription("; ".join(_spoken(curve) for curve in curves if curve.name))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name and signature
        """Paint axes, curves and legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        legend = _LEGEND_LINE * self._legend
        area = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM - legend)
        x_range = self._x_range or _fitting([x for curve in self.curves for x, _ in curve.points])
        y_range = self._y_range or _fitting([y for curve in self.curves for _, y in curve.points])
        self._axes(painter, area, x_range, y_range)
        for curve in self.curves:
            _draw(painter, area, curve, x_range, y_range)
        self._names(painter, area)

    def _axes(self, painter: QPainter, area: QRectF, x_range: Point, y_range: Point) -> None:
        painter.setFont(theme.font(theme.TEXT_SIZE, theme.MEDIUM))
        painter.setPen(theme.colour("text"))
        painter.drawText(QRectF(0, 0, self.width(), 22), Qt.AlignmentFlag.AlignLeft, self._title)
        painter.setFont(theme.font(theme.SMALL_SIZE))
        for value in _ticks(y_range):
            y = area.bottom() - _share(value, y_range) * area.height()
            painter.setPen(theme.colour("line"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme.colour("muted"))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 8, _LEFT - 6, 16), right, _number(value, y_range))
        for value in _ticks(x_range):
            x = area.left() + _share(value, x_range) * area.width()
            box = QRectF(x - 30, area.bottom() + 4, 60, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, _number(value, x_range))
        below = QRectF(area.left(), area.bottom() + 20, area.width(), 18)
        words = f"{self._y} over {self._x}" if self._y else self._x
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, words)

    def _names(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(theme.font(theme.SMALL_SIZE))
        metrics = QFontMetricsF(painter.font())
        top = area.bottom() + _BOTTOM
        for curve in [curve for curve in self.curves if curve.name][: self._legend]:
            middle = QPointF(area.left() + 9, top + _LEGEND_LINE / 2)
            painter.setPen(_pen(curve))
            if curve.line:
                painter.drawLine(middle - QPointF(9, 0), middle + QPointF(9, 0))
            if curve.dots:
                painter.setBrush(theme.colour(curve.role))
                painter.drawEllipse(middle, _DOT, _DOT)
            painter.setPen(theme.colour("muted"))
            words = metrics.elidedText(curve.name, Qt.TextElideMode.ElideRight, area.width() - 26)
            middle_left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(area.left() + 26, top, area.width() - 26, _LEGEND_LINE), middle_left, words)
            top += _LEGEND_LINE


def _draw(painter: QPainter, area: QRectF, curve: Curve, x_range: Point, y_range: Point) -> None:
    placed = [
        QPointF(
            area.left() + _share(x, x_range) * area.width(),
            area.bottom() - _share(y, y_range) * area.height(),
        )
        for x, y in curve.points
    ]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(_pen(curve))
    if curve.line and len(placed) > 1:
        painter.drawPolyline(QPolygonF(placed))
    if curve.dots or len(placed) == 1:
        painter.setPen(QPen(theme.colour("text"), 1))
        painter.setBrush(theme.colour(curve.role))
        for point in placed:
            painter.drawEllipse(point, _DOT, _DOT)


def _pen(curve: Curve) -> QPen:
    return QPen(theme.colour(curve.role), _WIDTH if curve.role == "outline" else _BOLD, _STYLES[curve.style])


def _spoken(curve: Curve) -> str:
    if not curve.points:
        return f"{curve.name}: nothing yet"
    return f"{curve.name}: last {curve.points[-1][1]:.2f}"


def _share(value: float, bounds: Point) -> float:
    return (value - bounds[0]) / (bounds[1] - bounds[0])


def _fitting(values: Sequence[float]) -> Point:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return UNIT
    low, high = min(known), max(known)
    margin = (high - low) * 0.06 or max(abs(high) * 0.1, 0.05)
    return low - margin, high + margin


def _ticks(bounds: Point) -> list[float]:
    """Return a few round numbers between the bounds."""
    span = bounds[1] - bounds[0]
    step = 10 ** math.floor(math.log10(span))
    step *= next(factor for factor in (0.1, 0.2, 0.5, 1.0) if span / (step * factor) <= 5 or factor == 1.0)
    if span / step > 5:
        step *= 2
    first = math.ceil(bounds[0] / step - 1e-9)
    return [index * step for index in range(first, math.floor(bounds[1] / step + 1e-9) + 1)]


def _number(value: float, bounds: Point) -> str:
    span = bounds[1] - bounds[0]
    digits = 0 if span >= 5 else 1 if span >= 0.8 else 2 if span >= 0.08 else 3
    return f"{value + 0.0:.{digits}f}".replace("-", "\u2212")
