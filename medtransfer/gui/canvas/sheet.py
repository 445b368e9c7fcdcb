"""A slice on a scene: which image, which plane and slice, which brightness, which part of it, with which overlays."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QResizeEvent, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from medtransfer.gui import theme
from medtransfer.gui.canvas.colourmaps import ColourMap
from medtransfer.gui.canvas.levels import Shelf
from medtransfer.gui.canvas.measures import Point
from medtransfer.gui.canvas.overlay import FILLED, HeatmapLayer, Legend, SegmentationLayer
from medtransfer.gui.canvas.picture import PictureItem
from medtransfer.gui.canvas.pixels import default_window, shader
from medtransfer.gui.canvas.slices import Plane, Slicing, Voxel, slicing
from medtransfer.result.model import Structure
from medtransfer.study.model import Image, Window

_LEAST_ZOOM, _MOST_ZOOM = 0.25, 64.0


class Sheet(QGraphicsView):
    """Shows one slice. It knows no tools, no measures and no words: see :class:`ImageView`.

    ``slice_changed`` carries the slice's number from 0, ``window_changed`` centre and width, ``inverted_changed``
    whether bright is dark, ``view_changed`` the zoom (1 fits) and the array indices at the middle. The functions called
    ``apply_...`` send nothing, so that views can follow each other.
    """

    slice_changed = Signal(int)
    window_changed = Signal(float, float)
    inverted_changed = Signal(bool)
    view_changed = Signal(float, object)

    def __init__(self, parent: QWidget | None = None, *, shelf: Shelf | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.item = PictureItem(shelf or Shelf())
        self.scene().addItem(self.item)
        self.image: Image | None = None
        self.slicing: Slicing | None = None
        self.index = 0
        self.point: Voxel = ()
        self.first_window = Window(0.0, 1.0)
        self.shown_window = Window(0.0, 1.0)
        self.inverted = False
        self.heatmap: HeatmapLayer | None = None
        self.segmentation: SegmentationLayer | None = None
        self.fitted = True
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setBackgroundBrush(QBrush(theme.colour("image")))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)

    def set_image(self, image: Image, plane: Plane | None = None) -> None:
        """Show an image at its middle slice, fitted, in its own window, without overlays."""
        self.heatmap = self.segmentation = None
        self.item.hide_slice()
        self.image = image
        self.slicing = slicing(image, plane)
        self.point = tuple(length // 2 for length in image.spatial_shape)
        self.first_window = default_window(image)
        self.apply_window(self.first_window, inverted=False)
        self._show_plane()

    def set_plane(self, plane: Plane) -> None:
        """Show another plane of the volume through the crosshair."""
        if self.image is None or not self.image.is_volume:
            return
        self.slicing = slicing(self.image, plane)
        self._show_plane()

    def clear(self) -> None:
        """Show nothing."""
        self.image = self.slicing = self.heatmap = self.segmentation = None
        self.item.hide_slice()
        self.viewport().update()

    def set_heatmap(
        self,
        array: NDArray[np.float32] | None,
        opacity: float = 0.6,
        colour_map: ColourMap = "inferno",
        legend: Legend | None = None,
        cutoff: float = 0.2,
    ) -> None:
        """Lay a heat map of the image's spatial shape, values in [0, 1], over the picture; None takes it away.

        Raises
        ------
        ValueError
            When its shape is not the image's.
        """
        self.show_heatmap(
            None if array is None else HeatmapLayer(array, opacity, colour_map, cutoff, legend or Legend())
        )

    def show_heatmap(self, layer: HeatmapLayer | None) -> None:
        """Do :meth:`set_heatmap` with a layer, which views may share."""
        self._check_shape(None if layer is None else layer.array)
        self.heatmap = layer
        self.item.set_heatmap(layer)
        self.viewport().update()

    def set_segmentation(
        self,
        array: NDArray[np.unsignedinteger] | None,
        structures: Collection[Structure] = (),
        visible: Collection[int] | None = None,
        opacity: float = FILLED,
        *,
        outline: bool = False,
    ) -> None:
        """Lay a label map of the image's spatial shape over the picture; None takes it away.

        Raises
        ------
        ValueError
            When its shape is not the image's.
        """
        self.show_segmentation(
            None if array is None else SegmentationLayer.of(array, structures, visible, opacity, outline=outline)
        )

    def show_segmentation(self, layer: SegmentationLayer | None) -> None:
        """Do :meth:`set_segmentation` with a layer, which views may share."""
        self._check_shape(None if layer is None else layer.array)
        self.segmentation = layer
        self.item.set_segmentation(layer)
        self.viewport().update()

    def set_slice(self, index: int) -> None:
        """Show another slice, the nearest that exists."""
        if self.image is None or self.slicing is None:
            return
        index = min(max(index, 0), self.slicing.count - 1)
        if index == self.index:
            return
        row, column, _ = self.slicing.place(self.point)
        self.point = self.slicing.voxel(row, column, index)
        self._show_index(index)

    def set_point(self, voxel: Voxel) -> None:
        """Put the crosshair at array indices, on the slice that holds them, and bring it into sight."""
        if self.slicing is None:
            return
        self.point = voxel
        row, column, index = self.slicing.place(voxel)
        if index != self.index:
            self._show_index(min(max(index, 0), self.slicing.count - 1))
        place = self.screen_place(self.slicing.scene(row, column))
        if not QRectF(self.viewport().rect()).contains(place):
            self.centerOn(*self.slicing.scene(row, column))
        self.viewport().update()

    def centre_on(self, voxel: Voxel) -> None:
        """Put the crosshair at array indices, in the middle of what can be seen unless the whole slice can."""
        self.set_point(voxel)
        if self.slicing is not None and not self.fitted:
            row, column, _ = self.slicing.place(voxel)
            self.centerOn(*self.slicing.scene(row, column))
            self.viewport().update()

    def set_window(self, centre: float, width: float) -> None:
        """Set the display window and tell."""
        window = Window(centre, max(width, 1.0))
        if not same_window(self.shown_window, window):
            self.apply_window(window, inverted=self.inverted)
            self.window_changed.emit(centre, window.width)

    def apply_window(self, window: Window, *, inverted: bool) -> None:
        """Set the display window without telling, as a linked view does."""
        self.shown_window, self.inverted = window, inverted
        if self.image is not None:
            self.item.set_shader(shader(window, self.image.array.dtype, inverted=inverted))

    def invert(self) -> None:
        """Turn bright into dark."""
        self.apply_window(self.shown_window, inverted=not self.inverted)
        self.inverted_changed.emit(self.inverted)

    def reset(self) -> None:
        """Go back to the first window, not inverted, fitted."""
        if self.image is None:
            return
        if self.inverted:
            self.invert()
        self.set_window(self.first_window.centre, self.first_window.width)
        self.fit()

    def fit(self) -> None:
        """Show the whole slice as large as the view allows."""
        self.apply_view(1.0, None)
        self._tell_view()

    @property
    def zoom(self) -> float:
        """Magnification; 1 fits the view."""
        return self.transform().m11() / self._fitting()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Enlarge or shrink around a place on the viewport, by default its middle."""
        if self.slicing is None:
            return
        place = around if around is not None else QPointF(self.viewport().rect().center())
        before = self.scene_place(place)
        self._set_scale(min(max(self.zoom * factor, _LEAST_ZOOM), _MOST_ZOOM) * self._fitting())
        moved = self.screen_place(before) - place
        self.fitted = False
        self.pan_by(moved)

    def pan_by(self, pixels: QPointF) -> None:
        """Move the picture by screen pixels, against their sense."""
        for bar, distance in ((self.horizontalScrollBar(), pixels.x()), (self.verticalScrollBar(), pixels.y())):
            bar.setValue(bar.value() + round(distance))
        self.fitted = False
        self._tell_view()

    def apply_view(self, zoom: float, middle: Voxel | None) -> None:
        """Set the zoom (1 fits) and, where given, what lies at the middle, without telling."""
        if self.slicing is None:
            return
        centre = self._middle()
        self._set_scale(zoom * self._fitting())
        self.fitted = zoom == 1.0 and middle is None
        if middle is not None:
            row, column, _ = self.slicing.place(middle)
            centre = self.slicing.scene(row, column)
        if self.fitted:
            self.centerOn(self._bounds().center())
        else:
            self.centerOn(*centre)
        self.viewport().update()

    def scene_place(self, place: QPointF) -> Point:
        """Return where a place on the viewport lies on the scene."""
        inverse, _ = self.viewportTransform().inverted()
        mapped = inverse.map(place)
        return mapped.x(), mapped.y()

    def screen_place(self, place: Point) -> QPointF:
        """Return where a place on the scene lies on the viewport."""
        return self.viewportTransform().map(QPointF(*place))

    def voxel_at(self, place: QPointF) -> Voxel | None:
        """Return the array indices under a place on the viewport; None beside the image."""
        if self.slicing is None:
            return None
        row, column = self.slicing.pixel(*self.scene_place(place))
        return self.slicing.voxel(row, column, self.index) if self.slicing.inside(row, column) else None

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep a fitted slice fitted."""
        super().resizeEvent(event)
        if self.fitted:
            self.apply_view(1.0, None)

    def _show_plane(self) -> None:
        """Show the plane through the crosshair, fitted."""
        if self.image is None or self.slicing is None:
            return
        _, _, self.index = self.slicing.place(self.point)
        self.item.show_slice(self.image, self.slicing, self.index)
        bounds = self._bounds()
        self.setSceneRect(bounds.adjusted(-bounds.width(), -bounds.height(), bounds.width(), bounds.height()))
        self.apply_view(1.0, None)
        self.slice_changed.emit(self.index)

    def _show_index(self, index: int) -> None:
        if self.image is None or self.slicing is None:
            return
        self.index = index
        self.item.show_slice(self.image, self.slicing, index)
        self.viewport().update()
        self.slice_changed.emit(index)

    def _check_shape(self, array: NDArray[np.generic] | None) -> None:
        if array is not None and (self.image is None or array.shape != self.image.spatial_shape):
            raise ValueError("an overlay lies on the image's own grid")

    def _bounds(self) -> QRectF:
        return self.item.mapRectToScene(self.item.boundingRect())

    def _fitting(self) -> float:
        """Return how many screen pixels a unit of the scene takes when the slice fits."""
        bounds, area = self._bounds(), self.viewport().rect()
        if bounds.isEmpty():
            return 1.0
        return max(min(area.width() / bounds.width(), area.height() / bounds.height()), 1e-6)

    def _middle(self) -> Point:
        return self.scene_place(QRectF(self.viewport().rect()).center())

    def _set_scale(self, scale: float) -> None:
        self.setTransform(QTransform.fromScale(scale, scale))

    def _tell_view(self) -> None:
        if self.slicing is not None:
            row, column = self.slicing.pixel(*self._middle())
            self.view_changed.emit(self.zoom, self.slicing.voxel(row, column, self.index))


def same_window(first: Window, second: Window) -> bool:
    """Whether two windows show the same, whatever they are called."""
    return (first.centre, first.width) == (second.centre, second.width)
