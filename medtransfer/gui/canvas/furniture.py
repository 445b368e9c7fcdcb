"""What stands over a picture at the edges: letters, captions, the scale bar, the heat map's legend."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPen

from medtransfer.gui import theme
from medtransfer.gui.canvas.overlay import HeatmapLayer
from medtransfer.gui.canvas.pixels import from_argb
from medtransfer.gui.canvas.slices import Letters

_LEGEND_WIDTH = 250
_LEGEND_BAR = 7
_LONGEST_BAR = 0.25
_LEAST_FOR_LEGEND = 320
_HALO = ((1, 1), (-1, -1), (1, -1), (-1, 1))
_CENTRE = Qt.AlignmentFlag.AlignCenter
_LEFT = Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignRight


@dataclass(frozen=True)
class Furniture:
    """What to write.

    Attributes
    ----------
    letters
        At the middle of the sides.
    caption
        Lines at the top left; all but the first are muted.
    window
        At the bottom right.
    unit_per_pixel
        Millimetres that one screen pixel spans; 0 where the image has no known size.
    heatmap
        For the legend.
    """

    letters: Letters = field(default_factory=Letters)
    caption: tuple[str, ...] = ()
    window: str = ""
    unit_per_pixel: float = 0.0
    heatmap: HeatmapLayer | None = None


def paint(painter: QPainter, area: QRect, furniture: Furniture) -> None:
    """Paint the furniture into a viewport whose painter has no transform."""
    painter.save()
    painter.resetTransform()
    _caption(painter, area, furniture.caption)
    _scale_bar(painter, area, furniture.unit_per_pixel)
    bottom = area.bottom() - theme.spacing()
    if furniture.heatmap is not None and area.width() >= _LEAST_FOR_LEGEND:
        bottom = _legend(painter, area, furniture.heatmap, furniture.letters.bottom) - theme.spacing()
    painter.setFont(theme.font(theme.SMALL_SIZE))
    room = area.width() // 2 - theme.spacing(3) if furniture.letters.bottom else area.width()
    if furniture.window and painter.fontMetrics().horizontalAdvance(furniture.window) <= room:
        line = QRect(area.left(), bottom - 16, area.width() - theme.spacing(1.5), 16)
        halo_text(painter, line, furniture.window, "image_text", _RIGHT)
    _letters(painter, area, furniture.letters)
    painter.restore()


def scale_length(longest: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is at most ``longest``."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next((step * power for step in (5.0, 2.0, 1.0) if step * power <= longest), power / 2.0)


def length_text(mm: float) -> str:
    """Write a scale bar's length: whole centimetres as such."""
    return f"{mm / 10:.0f} cm" if mm >= 10 else f"{mm:g} mm"


def halo_text(painter: QPainter, place: QRect, text: str, role: str, align: Qt.AlignmentFlag) -> None:
    """Write text that can be read on any picture: in a role's colour with a thin edge of the image's ground."""
    flags = align | Qt.AlignmentFlag.AlignVCenter
    painter.setPen(theme.colour("image"))
    for x, y in _HALO:
        painter.drawText(place.translated(x, y), flags, text)
    painter.setPen(theme.colour(role))
    painter.drawText(place, flags, text)


def _letters(painter: QPainter, area: QRect, letters: Letters) -> None:
    font = theme.font(theme.TEXT_SIZE, theme.SEMIBOLD)
    painter.setFont(font)
    size = theme.spacing(2.5)
    margin = theme.spacing()
    middle_x, middle_y = area.center().x(), area.center().y()
    width = max(size, *(QFontMetrics(font).horizontalAdvance(text) + 2 for text in vars(letters).values()))
    for text, place, align in (
        (letters.left, QRect(area.left() + margin, middle_y - size // 2, width, size), _LEFT),
        (letters.right, QRect(area.right() - margin - width, middle_y - size // 2, width, size), _RIGHT),
        (letters.top, QRect(middle_x - width // 2, area.top() + margin // 2, width, size), _CENTRE),
        (letters.bottom, QRect(middle_x - width // 2, area.bottom() - margin // 2 - size, width, size), _CENTRE),
    ):
        if text:
            halo_text(painter, place, text, "letters", align)


def _caption(painter: QPainter, area: QRect, lines: tuple[str, ...]) -> None:
    painter.setFont(theme.font(theme.SMALL_SIZE))
    for number, line in enumerate(lines):
        top = area.top() + theme.spacing() + number * theme.spacing(2)
        place = QRect(area.left() + theme.spacing(1.5), top, area.width() // 2 - theme.spacing(3), 16)
        text = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, place.width())
        halo_text(painter, place, text, "image_text", _LEFT)


def _scale_bar(painter: QPainter, area: QRect, unit_per_pixel: float) -> None:
    if unit_per_pixel <= 0.0:
        return
    mm = scale_length(area.width() * _LONGEST_BAR * unit_per_pixel)
    width = mm / unit_per_pixel
    left, y = area.left() + theme.spacing(1.5), area.bottom() - theme.spacing(1.5)
    corners = [QPointF(left, y - 4), QPointF(left, y), QPointF(left + width, y), QPointF(left + width, y - 4)]
    for role, thickness in (("image", 4.0), ("image_text", 1.5)):
        painter.setPen(QPen(theme.colour(role), thickness))
        painter.drawPolyline(corners)
    painter.setFont(theme.font(theme.SMALL_SIZE))
    halo_text(painter, QRect(int(left), int(y) - 22, 80, 16), length_text(mm), "image_text", _LEFT)


def _legend(painter: QPainter, area: QRect, layer: HeatmapLayer, letter: str) -> int:
    """Paint the legend at the bottom right, above the letter at the middle if it reaches that far; return its top."""
    small: QFont = theme.font(theme.SMALL_SIZE)
    painter.setFont(small)
    metrics = QFontMetrics(small)
    opacity = f"opacity {layer.opacity * 100:.0f} %"
    pairs = ((layer.legend.title, layer.legend.maximum), (layer.legend.note, opacity))
    wanted = max(metrics.horizontalAdvance(left + right) for left, right in pairs) + theme.spacing(2)
    width = min(max(wanted, _LEGEND_WIDTH), area.width() - theme.spacing(3))
    left = area.right() - theme.spacing(1.5) - width
    reaches = letter and left < area.center().x() + theme.spacing(2)
    top = area.bottom() - theme.spacing(9.5 if reaches else 7)
    line = QRect(left, top, width, 16)
    title_width = width - metrics.horizontalAdvance(layer.legend.maximum) - theme.spacing()
    title = metrics.elidedText(layer.legend.title, Qt.TextElideMode.ElideRight, title_width)
    halo_text(painter, line, title, "image_text", _LEFT)
    halo_text(painter, line, layer.legend.maximum, "image_text", _RIGHT)
    bar = QRectF(left, top + 19, width, _LEGEND_BAR)
    painter.fillRect(bar, theme.colour("image"))
    painter.drawImage(bar, _gradient(layer))
    painter.setPen(QPen(theme.colour("image_text"), 0.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar)
    below = QRect(left, top + 30, width, 16)
    room = width - metrics.horizontalAdvance(opacity) - theme.spacing()
    if not layer.legend.note or metrics.horizontalAdvance(layer.legend.note) <= room:
        halo_text(painter, below, opacity, "image_text", _RIGHT)
    halo_text(painter, below, layer.legend.note, "image_text", _LEFT)
    return top


def _gradient(layer: HeatmapLayer) -> QImage:
    """Return the map's colours from 0 to 1 at full opacity, empty below the cut-off."""
    colours = replace(layer, opacity=1.0).colours
    return from_argb(np.tile(colours, (2, 1)), QImage.Format.Format_ARGB32_Premultiplied)
