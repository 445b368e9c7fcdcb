"""One, two or four views of one image that follow each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QGridLayout, QWidget

from medtransfer.gui.canvas.colourmaps import ColourMap
from medtransfer.gui.canvas.levels import Shelf
from medtransfer.gui.canvas.measures import Measures
from medtransfer.gui.canvas.overlay import FILLED, HeatmapLayer, Legend, SegmentationLayer
from medtransfer.gui.canvas.slices import Plane, Voxel
from medtransfer.gui.canvas.tools import Tool
from medtransfer.gui.canvas.view import ImageView
from medtransfer.result.model import Structure
from medtransfer.study.model import Image

_GAP = 2
_PLANES = (Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL, Plane.AXIAL)
_PLAIN_OF_VOLUME = 3


class Layout(StrEnum):
    """How many views, beside and below each other."""

    ONE = "1"
    TWO = "1x2"
    FOUR = "2x2"


_COUNTS = {Layout.ONE: 1, Layout.TWO: 2, Layout.FOUR: 4}


class ViewGrid(QWidget):
    """Shows one image in up to four views with one crosshair, one window, one zoom and one set of measures.

    A volume has its axial, coronal and sagittal planes and, fourth, an axial view without overlays. A picture is shown
    with its overlays, beside it plain, below with the heat map alone and with the structures alone.

    ``cursor_moved`` carries the words of the view under the pointer, ``active_changed`` the view that was last clicked
    or focused: commands apply to it.
    """

    cursor_moved = Signal(str)
    slice_changed = Signal(int)
    point_moved = Signal(object)
    window_changed = Signal(float, float)
    active_changed = Signal(object)
    layout_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, undo: QUndoStack | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "images")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.undo = undo if undo is not None else QUndoStack(self)
        self.measures = Measures()
        self.image: Image | None = None
        self.arrangement = Layout.ONE
        self.tool = Tool.PAN
        self._heatmap: HeatmapLayer | None = None
        self._segmentation: SegmentationLayer | None = None
        self._before_enlarging = Layout.FOUR
        shelf = Shelf()
        self.views = tuple(
            ImageView(self, undo=self.undo, measures=self.measures, shelf=shelf) for _ in range(max(_COUNTS.values()))
        )
        self.active = self.views[0]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(_GAP)
        for number, view in enumerate(self.views):
            grid.addWidget(view, number // 2, number % 2)
            self._link(view)
        self.set_layout(Layout.ONE)

    def set_image(self, image: Image) -> None:
        """Show an image without overlays; forget the measures of the one before, which cannot be undone."""
        self.image = image
        self._heatmap = self._segmentation = None
        self.undo.clear()
        self.measures.clear()
        for number, view in enumerate(self.views):
            view.set_image(image, _PLANES[number] if image.is_volume else None)
        self.activate(self.views[0])
        self.set_layout(self.arrangement)

    def clear(self) -> None:
        """Show nothing."""
        self.image = self._heatmap = self._segmentation = None
        self.undo.clear()
        self.measures.clear()
        for view in self.views:
            view.clear()

    def set_layout(self, layout: Layout) -> None:
        """Show one, two or four views; the one shown alone is the active one."""
        if layout is not Layout.ONE:
            self._before_enlarging = layout
        changed = layout is not self.arrangement
        self.arrangement = layout
        shown = (self.active,) if layout is Layout.ONE else self.views[: _COUNTS[layout]]
        for view in self.views:
            view.setVisible(view in shown)
            view.show_legend(shown=view is shown[0])
        if self.active not in shown:
            self.activate(shown[0])
        self._show_crosshairs()
        if changed:
            self.layout_changed.emit(str(layout))

    def set_plane(self, plane: Plane) -> None:
        """Show another plane in the active view."""
        self.active.set_plane(plane)

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does in every view."""
        self.tool = tool
        for view in self.views:
            view.set_tool(tool)
        self._show_crosshairs()

    def set_caption(self, lines: Sequence[str]) -> None:
        """Set the lines at the top left of the first view."""
        self.views[0].set_caption(lines)

    def set_window(self, centre: float, width: float) -> None:
        """Set the display window of every view."""
        self.active.set_window(centre, width)

    def invert(self) -> None:
        """Turn bright into dark in every view."""
        self.active.invert()

    def reset(self) -> None:
        """Go back to the first window, not inverted, all views fitted."""
        self.active.reset()

    def fit(self) -> None:
        """Fit every view."""
        for view in self.views:
            view.fit()

    def zoom_by(self, factor: float) -> None:
        """Enlarge or shrink every view."""
        self.active.zoom_by(factor)

    def set_heatmap(
        self,
        array: NDArray[np.float32] | None,
        opacity: float = 0.6,
        colour_map: ColourMap = "inferno",
        legend: Legend | None = None,
        cutoff: float = 0.2,
    ) -> None:
        """Lay a heat map over the views that show one; see :meth:`ImageView.set_heatmap`."""
        self._heatmap = None if array is None else HeatmapLayer(array, opacity, colour_map, cutoff, legend or Legend())
        for number, view in enumerate(self.views):
            view.show_heatmap(self._heatmap if self._has_heatmap(number) else None)

    def set_segmentation(
        self,
        array: NDArray[np.unsignedinteger] | None,
        structures: Collection[Structure] = (),
        visible: Collection[int] | None = None,
        opacity: float = FILLED,
        *,
        outline: bool = False,
    ) -> None:
        """Lay a label map over the views that show one; see :meth:`ImageView.set_segmentation`."""
        self._segmentation = (
            None if array is None else SegmentationLayer.of(array, structures, visible, opacity, outline=outline)
        )
        for number, view in enumerate(self.views):
            view.show_segmentation(self._segmentation if self._has_structures(number) else None)

    def show_point(self, voxel: Voxel) -> None:
        """Put the crosshair of every view at array indices: ``(k, j, i)`` or ``(y, x)``; centre what is enlarged."""
        for view in self.views:
            view.centre_on(voxel)
            if self._follows() or self.tool is Tool.CROSSHAIR:
                view.show_crosshair(shown=True)
        self.point_moved.emit(voxel)

    def activate(self, view: ImageView) -> None:
        """Make a view the one that commands apply to."""
        if view is not self.active:
            self.active = view
            self.active_changed.emit(view)

    def _link(self, view: ImageView) -> None:
        view.cursor_moved.connect(self.cursor_moved)
        view.entered.connect(lambda: self.activate(view))
        view.enlarged.connect(lambda: self._enlarge(view))
        view.point_moved.connect(lambda voxel: self._point_moved(view, voxel))
        view.window_changed.connect(lambda centre, width: self._window_changed(view, centre, width))
        view.inverted_changed.connect(lambda _: self._apply_window(view))
        view.view_changed.connect(lambda zoom, middle: self._view_changed(view, zoom, middle))
        view.slice_changed.connect(lambda index: self._slice_changed(view, index))

    def _others(self, view: ImageView) -> list[ImageView]:
        return [other for other in self.views if other is not view and other.image is self.image]

    def _point_moved(self, view: ImageView, voxel: Voxel) -> None:
        for other in self._others(view):
            other.set_point(voxel)
        self.point_moved.emit(voxel)

    def _window_changed(self, view: ImageView, centre: float, width: float) -> None:
        self._apply_window(view)
        self.window_changed.emit(centre, width)

    def _apply_window(self, view: ImageView) -> None:
        for other in self._others(view):
            other.apply_window(view.shown_window, inverted=view.inverted)

    def _view_changed(self, view: ImageView, zoom: float, middle: Voxel) -> None:
        """Follow the zoom; views of the same plane follow the place as well."""
        for other in self._others(view):
            same = other.slicing is not None and view.slicing is not None and other.slicing.plane == view.slicing.plane
            if same:
                other.apply_view(zoom, None if zoom == 1.0 and view.fitted else middle)
            elif abs(other.zoom - zoom) > 1e-6:
                other.apply_view(zoom, None)

    def _slice_changed(self, view: ImageView, index: int) -> None:
        if view is self.active:
            self.slice_changed.emit(index)

    def _enlarge(self, view: ImageView) -> None:
        self.activate(view)
        self.set_layout(self._before_enlarging if self.arrangement is Layout.ONE else Layout.ONE)

    def _show_crosshairs(self) -> None:
        for view in self.views:
            view.show_crosshair(shown=self._follows() or self.tool is Tool.CROSSHAIR)

    def _follows(self) -> bool:
        return self.arrangement is not Layout.ONE and self.image is not None and self.image.is_volume

    def _has_heatmap(self, number: int) -> bool:
        if self.image is None or self.image.is_volume:
            return number != _PLAIN_OF_VOLUME
        return number in (0, 2)

    def _has_structures(self, number: int) -> bool:
        if self.image is None or self.image.is_volume:
            return number != _PLAIN_OF_VOLUME
        return number in (0, _COUNTS[Layout.FOUR] - 1)
