"""One view of an image: a plane of a volume, or a picture, with the tools to read it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QUndoStack,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from medtransfer.gui import theme
from medtransfer.gui.canvas import furniture, keys, marks, reading, tools
from medtransfer.gui.canvas.levels import Shelf
from medtransfer.gui.canvas.measures import Kind, Measure, Measures, Readings, describe, true_minus
from medtransfer.gui.canvas.sheet import Sheet, same_window
from medtransfer.gui.canvas.slices import Plane, Voxel
from medtransfer.gui.canvas.tools import Tool
from medtransfer.study.model import Image

_NOTCH = 120
_ZOOM_A_NOTCH = 1.2
_LOOK_AGAIN_MS = 30


class ImageView(Sheet):
    """Shows one slice with overlays and furniture, and answers mouse, wheel and keys.

    ``cursor_moved`` carries the value under the cursor in words (empty when it leaves the image), ``point_moved`` the
    crosshair's array indices, ``enlarged`` is sent for a double click, ``entered`` when it was clicked or focused.
    """

    cursor_moved = Signal(str)
    point_moved = Signal(object)
    enlarged = Signal()
    entered = Signal()

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        undo: QUndoStack | None = None,
        measures: Measures | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        super().__init__(parent, shelf=shelf)
        self.undo = undo if undo is not None else QUndoStack(self)
        self.measures = measures if measures is not None else Measures()
        self.tool = Tool.PAN
        self.crosshair_shown = False
        self.legend_shown = True
        self.selected: Measure | None = None
        self.draft: Measure | None = None
        self._hidden: Measure | None = None
        self._caption: tuple[str, ...] = ()
        self._readings: Readings | None = None
        self._drag: tools.Drag | None = None
        self._wheel = 0
        self._again = QTimer(self)
        self._again.setInterval(_LOOK_AGAIN_MS)
        self._again.timeout.connect(self._look_again)
        self.measures.changed.connect(self.viewport().update)
        self.slice_changed.connect(self._name_slice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Image")
        self.set_tool(Tool.PAN)

    def set_image(self, image: Image, plane: Plane | None = None) -> None:
        """Show an image at its middle slice, fitted, in its own window, without overlays."""
        self._forget()
        super().set_image(image, plane)
        self._read_anew()

    def set_plane(self, plane: Plane) -> None:
        """Show another plane of the volume through the crosshair."""
        self._forget()
        super().set_plane(plane)
        self._read_anew()

    def clear(self) -> None:
        """Show nothing."""
        self._forget()
        super().clear()
        self.setAccessibleName("Image")

    def set_caption(self, lines: Sequence[str]) -> None:
        """Set the lines at the top left; the plane and slice number follow them."""
        self._caption = tuple(lines)
        self.viewport().update()

    def show_crosshair(self, *, shown: bool) -> None:
        """Show or hide the crosshair."""
        self.crosshair_shown = shown
        self.viewport().update()

    def show_legend(self, *, shown: bool) -> None:
        """Show or hide the legend of a heat map: beside others of the same image, one view has it for all."""
        self.legend_shown = shown
        self.viewport().update()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does."""
        self.tool = tool
        self.viewport().setCursor(tools.CURSORS.get(tool, Qt.CursorShape.CrossCursor))
        self.set_draft(None)

    def scroll_slices(self, by: int) -> None:
        """Move through the slices as the person asks, and take the crosshair along."""
        before = self.index
        self.set_slice(self.index + by)
        if self.index != before:
            self.point_moved.emit(self.point)
            self.cursor_moved.emit(self.words_at(self.point))

    def point_at(self, place: QPointF) -> None:
        """Move the crosshair to a place on the viewport and tell."""
        voxel = self.voxel_at(place)
        if voxel is not None:
            self.move_point(voxel)

    def move_point(self, voxel: Voxel) -> None:
        """Move the crosshair as the person asks, and tell."""
        self.set_point(voxel)
        self.point_moved.emit(voxel)
        self.cursor_moved.emit(self.words_at(voxel))

    def words_at(self, voxel: Voxel | None) -> str:
        """Return the place and value at array indices in words; empty beside the image."""
        if self.image is None or self.slicing is None or voxel is None:
            return ""
        return reading.describe(self.image, self.slicing, voxel, self.heatmap, self.segmentation)

    def new_measure(self, kind: Kind, place: QPointF) -> Measure | None:
        """Return a measure without extent at a place on the viewport."""
        start = self.scene_place(place)
        return None if self.slicing is None else Measure(kind, start, start, self.slicing.plane, self.index)

    def set_draft(self, draft: Measure | None, instead_of: Measure | None = None) -> None:
        """Show a measure that is being drawn, perhaps in place of one that exists."""
        self.draft, self._hidden = draft, instead_of
        self.viewport().update()

    def keep_measure(self, measure: Measure) -> None:
        """Add a measure, undoably."""
        self.selected = measure
        self.undo.push(tools.AddMeasure(self.measures, measure))

    def change_measure(self, before: Measure, after: Measure) -> None:
        """Replace a measure, undoably."""
        self.selected = after
        self.undo.push(tools.ChangeMeasure(self.measures, before, after))

    def delete_measure(self) -> None:
        """Delete the selected measure, or the newest of this slice, undoably."""
        here = self._measures_here()
        if here:
            chosen = self.selected if self.selected in here else here[-1]
            self.selected = None
            self.undo.push(tools.RemoveMeasure(self.measures, chosen))

    def select(self, measure: Measure | None) -> None:
        """Choose a measure."""
        self.selected = measure
        self.viewport().update()

    def handle_at(self, place: QPointF) -> tuple[Measure, str] | None:
        """Return the measure whose end lies at a place on the viewport, and which end."""
        for measure in reversed(self._measures_here()):
            end = marks.near(measure, place, self.screen_place)
            if end:
                return measure, end
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's names, here and below
        """Begin a drag."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.entered.emit()
        if self.slicing is not None and self._drag is None:
            self._drag = tools.begin(self, event.button(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Follow the pointer."""
        if self._drag is not None:
            self._drag.move(event.position())
        self.cursor_moved.emit(self.words_at(self.voxel_at(event.position())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End a drag."""
        if self._drag is not None:
            drag, self._drag = self._drag, None
            drag.end(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Ask to be shown alone, or with the others again."""
        if event.button() is Qt.MouseButton.LeftButton and self.tool not in tools.MEASURES:
            self.enlarged.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Leave the right button to the window."""
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802, ARG002
        """Say that there is no value under the cursor."""
        self.cursor_moved.emit("")

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll the slices of a volume; zoom a picture, and anything with Ctrl held."""
        event.accept()
        if self.slicing is None:
            return
        delta = event.angleDelta().y()
        if self.slicing.count == 1 or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(_ZOOM_A_NOTCH ** (delta / _NOTCH), event.position())
            return
        self._wheel += delta
        notches = int(self._wheel / _NOTCH)
        self._wheel -= notches * _NOTCH
        if notches:
            self.scroll_slices(-notches)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Answer the keys of :mod:`medtransfer.gui.canvas.keys`."""
        if self.slicing is None or not keys.press(self, event):
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Tell that keys come here now."""
        super().focusInEvent(event)
        self.entered.emit()
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Take the focus ring away."""
        super().focusOutEvent(event)
        self.viewport().update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for room."""
        return QSize(512, 512)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Do with little."""
        return QSize(96, 64)

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:  # noqa: N802, ARG002
        """Paint crosshair, measures and furniture over the picture."""
        if self.image is None or self.slicing is None:
            return
        area = self.viewport().rect()
        if self.crosshair_shown:
            row, column, _ = self.slicing.place(self.point)
            lean, upright = self.slicing.steps[:, 1]
            marks.crosshair(
                painter, area, self.screen_place(self.slicing.scene(row, column)), QPointF(float(lean), float(upright))
            )
        self._paint_measures(painter)
        furniture.paint(painter, area, self._furniture())
        if self.hasFocus():
            painter.save()
            painter.resetTransform()
            painter.setPen(QPen(theme.colour("crosshair"), 1.0))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
            painter.restore()
        if (self.item.provisional or self._measuring()) and not self._again.isActive():
            self._again.start()

    def _paint_measures(self, painter: QPainter) -> None:
        if self.image is None or self.slicing is None or self._readings is None:
            return
        drawn = [item for item in self._measures_here() if item != self._hidden]
        if self.draft is not None:
            drawn.append(self.draft)
        for item in drawn:
            lines = describe(item, self._readings.of(item), self.slicing, self.image.units)
            marks.measure(painter, item, lines, self.screen_place, selected=item in (self.selected, self.draft))

    def _furniture(self) -> furniture.Furniture:
        if self.slicing is None:
            return furniture.Furniture()
        lines = list(self._caption)
        if self.slicing.plane is not None:
            lines.append(f"{self.slicing.title} {self.index + 1} / {self.slicing.count}")
        return furniture.Furniture(
            letters=self.slicing.letters,
            caption=tuple(lines),
            window=self.window_words(),
            unit_per_pixel=1.0 / self.transform().m11() if self.slicing.unit == "mm" else 0.0,
            heatmap=self.heatmap if self.legend_shown else None,
        )

    def window_words(self) -> str:
        """Return the display window as written at the bottom right; nothing while a picture is shown as it is."""
        if self.image is None:
            return ""
        plain = self.image.units == "display" and same_window(self.shown_window, self.first_window)
        centre = true_minus(f"{self.shown_window.centre:.0f}")
        words = "" if plain else f"W {self.shown_window.width:.0f} L {centre}"
        return f"{words} inverted".strip() if self.inverted else words

    def _measures_here(self) -> list[Measure]:
        return [] if self.slicing is None else self.measures.on(self.slicing.plane, self.index)

    def _forget(self) -> None:
        self.draft = self.selected = self._hidden = self._readings = self._drag = None

    def _read_anew(self) -> None:
        if self.image is not None and self.slicing is not None:
            self._readings = Readings(self.image.array, self.slicing)

    def _measuring(self) -> bool:
        return self._readings is not None and self._readings.pending

    def _look_again(self) -> None:
        if not (self.item.pending or self._measuring()):
            self._again.stop()
            self.viewport().update()

    def _name_slice(self, index: int) -> None:
        if self.slicing is not None and self.slicing.plane is not None:
            self.setAccessibleName(f"Image, {self.slicing.title}, slice {index + 1} of {self.slicing.count}")
        else:
            self.setAccessibleName("Image")
