"""The picture itself with its overlays, as one item on the scene."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from medtransfer.gui.canvas.levels import Copies, Levels, Shelf, Thinned
from medtransfer.gui.canvas.overlay import HeatmapLayer, SegmentationLayer
from medtransfer.gui.canvas.pixels import Shader
from medtransfer.gui.canvas.rendering import AT_ONCE, Rendering
from medtransfer.gui.canvas.slices import Slicing
from medtransfer.study.model import Image

_TILE = 256
_LEAST_SCALE = 2.0**-16  # where nothing coarser is small enough, nothing stands in


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
        self._fine: defaultdict[str, Rendering] = defaultdict(Rendering)
        self._coarse: defaultdict[str, Rendering] = defaultdict(Rendering)
        self.provisional = False
        """Whether a stand-in was drawn the last time: see :attr:`pending`."""

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
        self._fine.clear()
        self._coarse.clear()
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
        """Whether a better picture is still being made; once it is, drawing again shows it."""
        waiting: list[Copies | Rendering] = [*self._copies.values(), *self._fine.values()]
        return any(part.pending for part in waiting)

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
        self.provisional = False
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
        """Draw a layer; while the thread works at one that is large, every n-th pixel stands in."""
        part = _Part.of(self._copies[name], scale, seen)
        if part.size == 0:
            return
        picture = self._fine[name].picture((part.key, look), part.size, partial(make, part.pixels))
        self.provisional |= picture is None or part.pending
        while picture is None and scale > _LEAST_SCALE:
            scale /= 2.0
            part = _Part.of(self._copies[name], scale, seen)
            if part.size <= AT_ONCE:
                picture = self._coarse[name].picture((part.key, look), part.size, partial(make, part.pixels))
        if picture is not None:
            painter.drawImage(part.place, picture)

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


@dataclass(frozen=True, eq=False)
class _Part:
    """The part of a copy that is seen.

    Attributes
    ----------
    key
        Stands for it.
    pixels
        Its pixels.
    factor
        How many of the picture's pixels one of them spans.
    tiles
        Top, bottom, left and right in the copy.
    pending
        Whether a better copy is being made.
    """

    key: Hashable
    pixels: NDArray[np.generic]
    factor: int
    tiles: tuple[int, int, int, int]
    pending: bool

    @classmethod
    def of(cls, copies: Copies, scale: float, seen: QRectF) -> _Part:
        pending = copies.pending  # asked first: a copy that is finished meanwhile is drawn again, and no harm done
        array, factor = copies.at(scale)
        top, bottom, left, right = tiles = _tiles(seen, array.shape[0], array.shape[1], factor)
        return cls((copies, pending, factor, tiles), array[top:bottom, left:right], factor, tiles, pending)

    @property
    def size(self) -> int:
        return int(self.pixels.shape[0] * self.pixels.shape[1])

    @property
    def place(self) -> QRectF:
        top, bottom, left, right = (edge * self.factor for edge in self.tiles)
        return QRectF(left, top, right - left, bottom - top)


def _tiles(seen: QRectF, rows: int, columns: int, factor: int) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is seen in a copy: all of a small one, whole tiles of a large one."""
    if rows * columns <= AT_ONCE:
        return 0, rows, 0, columns
    step = _TILE * factor
    return (
        max(0, math.floor(seen.top() / step) * _TILE),
        min(rows, math.ceil(seen.bottom() / step) * _TILE),
        max(0, math.floor(seen.left() / step) * _TILE),
        min(columns, math.ceil(seen.right() / step) * _TILE),
    )
