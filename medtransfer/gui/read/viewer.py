"""The picture with its bar of tools."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.gui.canvas.colourmaps import ColourMap
from medtransfer.gui.canvas.grid import Layout, ViewGrid
from medtransfer.gui.canvas.overlay import Legend
from medtransfer.gui.canvas.tools import Tool
from medtransfer.gui.read import words
from medtransfer.gui.read.toolbar import Toolbar
from medtransfer.result.model import Heatmap, Segmentation
from medtransfer.study.model import Image, Window


@dataclass(frozen=True, eq=False)
class HeatmapLook:
    """A heat map and how it is drawn: the finding's name, opacity in [0, 1], colours."""

    heatmap: Heatmap
    name: str
    opacity: float
    colours: ColourMap


class Viewer(QWidget):
    """Toolbar and views; ``cursor_said`` carries the value under the pointer in words."""

    cursor_said = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.undo = QUndoStack(self)
        self.toolbar = Toolbar()
        self.grid = ViewGrid(undo=self.undo)
        self._heatmap: HeatmapLook | None = None
        self._segmentation: Segmentation | None = None
        self._visible: Collection[int] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(self.grid, 1)
        self._connect()
        self.toolbar.show_tool(self.grid.tool)
        self.toolbar.show_layout(self.layout_name)

    @property
    def layout_name(self) -> str:
        """How many views are shown: ``1``, ``1x2`` or ``2x2``."""
        return str(self.grid.arrangement)

    @property
    def axial_index(self) -> int:
        """The slice of the first view, which is axial in a volume."""
        return self.grid.views[0].index

    @property
    def display_window(self) -> Window | None:
        """The display window in force."""
        return self.grid.views[0].shown_window

    def show_image(self, image: Image, caption: Sequence[str]) -> None:
        """Show an image without overlays."""
        self._heatmap, self._segmentation = None, None
        self.grid.set_image(image)
        self.grid.set_caption(caption)
        self.toolbar.show_for(image)
        self.toolbar.show_result(heatmap=False, segmentation=False)
        window = self.display_window
        if window is not None:
            self.toolbar.show_window(window.centre, window.width)

    def clear(self) -> None:
        """Show nothing."""
        self._heatmap, self._segmentation = None, None
        self.grid.clear()
        self.toolbar.show_for(None)

    def show_heatmap(self, look: HeatmapLook | None) -> None:
        """Lay a heat map over the picture, or take it away."""
        self._heatmap = look
        self._draw_heatmap()
        self._offer_overlays()

    def show_segmentation(self, segmentation: Segmentation | None, visible: Collection[int]) -> None:
        """Lay structures over the picture, or take them away."""
        if segmentation is None and self._segmentation is None:
            return
        self._segmentation, self._visible = segmentation, visible
        self._draw_segmentation()
        self._offer_overlays()

    def go_to(self, voxel: tuple[int, ...] | None) -> None:
        """Put the crosshair at array indices."""
        if voxel is not None and self.grid.image is not None:
            self.grid.show_point(tuple(float(index) for index in voxel))

    def choose_tool(self, tool: Tool) -> None:
        """Choose what dragging does."""
        self.grid.set_tool(tool)
        self.toolbar.show_tool(tool)

    def choose_layout(self, name: str) -> None:
        """Choose how many views are shown."""
        self.grid.set_layout(Layout(name))
        self.toolbar.show_layout(name)

    def invert(self) -> None:
        """Turn bright into dark."""
        self.grid.invert()

    def reset(self) -> None:
        """Go back to the first window and the whole picture."""
        self.grid.reset()

    def toggle_overlay(self) -> None:
        """Show or hide what was found."""
        self.toolbar.overlay_button.toggle()

    def repaint_all(self) -> None:
        """Paint anew after the theme has changed."""
        for view in self.grid.views:
            view.viewport().update()

    def _connect(self) -> None:
        self.grid.cursor_moved.connect(self.cursor_said)
        self.grid.window_changed.connect(self.toolbar.show_window)
        self.grid.layout_changed.connect(self.toolbar.show_layout)
        self.toolbar.tool.connect(self.choose_tool)
        self.toolbar.layout_chosen.connect(self.choose_layout)
        self.toolbar.preset.connect(self._use_preset)
        self.toolbar.overlay.connect(self._overlay_switched)
        self.toolbar.outline.connect(self._draw_segmentation)

    def _use_preset(self, window: Window) -> None:
        self.grid.set_window(window.centre, window.width)
        self.toolbar.show_window(window.centre, window.width)

    def _overlay_switched(self) -> None:
        self._draw_heatmap()
        self._draw_segmentation()

    def _offer_overlays(self) -> None:
        self.toolbar.show_result(heatmap=self._heatmap is not None, segmentation=self._segmentation is not None)

    def _draw_heatmap(self) -> None:
        look = self._heatmap
        if look is None or not self.toolbar.overlay_button.isChecked():
            self.grid.set_heatmap(None)
            return
        title, maximum, note = words.legend(look.heatmap.info, look.name)
        self.grid.set_heatmap(look.heatmap.array, look.opacity, look.colours, Legend(title, maximum, note))

    def _draw_segmentation(self) -> None:
        found = self._segmentation
        if found is None or not self.toolbar.overlay_button.isChecked():
            self.grid.set_segmentation(None)
            return
        outline = self.toolbar.outline_button.isChecked()
        self.grid.set_segmentation(found.array, found.structures, self._visible, outline=outline)
