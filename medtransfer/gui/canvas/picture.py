"""The picture itself with its overlays, as one item on the scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from medtransfer.gui.canvas.levels import Copies, Levels, Shelf, Thinned
from medtransfer.gui.canvas.overlay import HeatmapLayer, SegmentationLayer
from medtransfer.gui.canvas.pixels import Shader
from medtransfer.gui.canvas.slices import Slicing
from medtransfer.study.model import Image

_TILE = 256
_WHOLE = 1 << 20  # pixels; copies up to this size are turned into pictures whole, larger ones where they are seen


class PictureItem(QGraphicsItem):
    """Draws one slice: brightness by a window, then the heat map, then the structures.

    Its own coordinates are columns and rows; its transform places them in the scene's millimetres.
    """

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._shelf = shelf
        self._image: Image | None = None
        self._slicing: Slicing | None = None
        self._index = 0
        self._shader: Shader | None = None
        self._heatmap: HeatmapLayer | None = None
        self._segmentation: SegmentationLayer | None = None
        self._copies: dict[str, Copies] = {}
        self._drawn: dict[str, tuple[Hashable, QImage]] = {}

    def show_slice(self, image: Image, slicing: Slicing, index: int) -> None:
        """Show one slice of an image."""
        if slicing is not self._slicing:
            self.prepareGeometryChange()
            (a, b), (c, d) = slicing.steps
            self.setTransform(QTransform(a, c, b, d, 0.0, 0.0))
        self._image, self._slicing, self._index = image, slicing, index
        self._cut_heatmap()
        self._cut_segmentation()
        self._copies["pixels"] = self._cut(image.array)
        self.update()

    def hide_slice(self) -> None:
        """Show nothing, and let go of the image."""
        self.prepareGeometryChange()
        self._image = self._slicing = self._heatmap = self._segmentation = None
        self._copies.clear()
        self._drawn.clear()
        self.update()

    def set_shader(self, shader: Shader) -> None:
        """Set the brightness."""
        self._shader = shader
        self.update()

    def set_heatmap(self, layer: HeatmapLayer | None) -> None:
        """Lay a heat map over the picture, or take it away."""
        same = layer is not None and self._heatmap is not None and layer.array is self._heatmap.array
        self._heatmap = layer
        if not same:
            self._cut_heatmap()
        self.update()

    def set_segmentation(self, layer: SegmentationLayer | None) -> None:
        """Lay structures over the picture, or take them away."""
        self._segmentation = layer
        self._cut_segmentation()
        self.update()

    @property
    def pending(self) -> bool:
        """Whether it would be drawn better in a moment."""
        return any(copies.pending for copies in self._copies.values())

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """See Qt: the slice in columns and rows."""
        if self._slicing is None:
            return QRectF()
        return QRectF(0.0, 0.0, float(self._slicing.columns), float(self._slicing.rows))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:  # noqa: ARG002
        """See Qt."""
        if self._image is None or self._shader is None:
            return
        scale = math.sqrt(abs(painter.worldTransform().determinant()))
        seen: QRectF = option.exposedRect
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._draw(painter, "pixels", self._shader, self._shader.image, scale, seen)
        if self._heatmap is not None:
            self._draw(painter, "heatmap", self._heatmap, self._heatmap.picture, scale, seen)
        if self._segmentation is not None:
            layer = self._segmentation
            detail = layer.detail(scale * self._copies["labels"].at(scale)[1])
            self._draw(painter, "labels", (layer, detail), lambda labels: layer.picture(labels, detail), scale, seen)

    def _draw(
        self,
        painter: QPainter,
        name: str,
        look: Hashable,
        make: Callable[[NDArray[np.generic]], QImage],
        scale: float,
        seen: QRectF,
    ) -> None:
        copies = self._copies[name]
        array, factor = copies.at(scale)
        top, bottom, left, right = _tiles(seen, array.shape[0], array.shape[1], factor)
        if top >= bottom or left >= right:
            return
        key = (copies, copies.pending, factor, top, bottom, left, right, look)
        known = self._drawn.get(name)
        if known is None or known[0] != key:
            known = (key, make(array[top:bottom, left:right]))
            self._drawn[name] = known
        place = QRectF(left * factor, top * factor, (right - left) * factor, (bottom - top) * factor)
        painter.drawImage(place, known[1])

    def _cut_heatmap(self) -> None:
        if self._heatmap is None:
            self._copies.pop("heatmap", None)
        elif self._slicing is not None:
            self._copies["heatmap"] = self._cut(self._heatmap.array)

    def _cut_segmentation(self) -> None:
        if self._segmentation is None:
            self._copies.pop("labels", None)
        elif self._slicing is not None:
            self._copies["labels"] = Thinned(self._slicing.slice(self._segmentation.array, self._index))

    def _cut(self, array: NDArray[np.generic]) -> Copies:
        if self._slicing is None or self._slicing.plane is None:
            return self._shelf.levels(array)
        return Levels(self._slicing.slice(array, self._index))


def _tiles(seen: QRectF, rows: int, columns: int, factor: int) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is seen in a copy, widened to whole tiles."""
    if rows * columns <= _WHOLE:
        return 0, rows, 0, columns
    step = _TILE * factor
    return (
        max(0, math.floor(seen.top() / step) * _TILE),
        min(rows, math.ceil(seen.bottom() / step) * _TILE),
        max(0, math.floor(seen.left() / step) * _TILE),
        min(columns, math.ceil(seen.right() / step) * _TILE),
    )
