"""What dragging on a picture does, and the measures' undo."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QUndoCommand

from medtransfer.gui.canvas.measures import Kind, Measure, Measures

if TYPE_CHECKING:
    from medtransfer.gui.canvas.view import ImageView

_WINDOW_SPEED = 0.004  # of the width, a screen pixel
_LEAST_WIDTH = 1.0
_ZOOM_SPEED = 1.01  # a screen pixel
_SHORTEST = 3.0  # screen pixels; anything shorter was a click


class Tool(StrEnum):
    """What the left button does."""

    PAN = "pan"
    ZOOM = "zoom"
    WINDOW = "window"
    CROSSHAIR = "crosshair"
    LENGTH = "length"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"


MEASURES = {Tool.LENGTH: Kind.LENGTH, Tool.RECTANGLE: Kind.RECTANGLE, Tool.ELLIPSE: Kind.ELLIPSE}

CURSORS = {
    Tool.PAN: Qt.CursorShape.OpenHandCursor,
    Tool.ZOOM: Qt.CursorShape.SizeVerCursor,
    Tool.WINDOW: Qt.CursorShape.SizeAllCursor,
}


class Drag(Protocol):
    """A movement of the pointer with a button held."""

    def move(self, place: QPointF) -> None:
        """Follow the pointer to a place on the viewport."""

    def end(self, place: QPointF) -> None:
        """Finish where the button was let go."""


def begin(view: ImageView, button: Qt.MouseButton, place: QPointF) -> Drag | None:
    """Return the drag that a button starts: the tool's for the left, panning for the middle, window for the right."""
    if button is Qt.MouseButton.MiddleButton:
        return PanDrag(view, place)
    if button is Qt.MouseButton.RightButton:
        return WindowDrag(view, place)
    if button is not Qt.MouseButton.LeftButton:
        return None
    if view.tool in MEASURES:
        held = view.handle_at(place)
        return HandleDrag(view, *held) if held else MeasureDrag(view, MEASURES[view.tool], place)
    makers: dict[Tool, Callable[[ImageView, QPointF], Drag]] = {
        Tool.PAN: PanDrag,
        Tool.ZOOM: ZoomDrag,
        Tool.WINDOW: WindowDrag,
        Tool.CROSSHAIR: CrosshairDrag,
    }
    return makers[view.tool](view, place)


class PanDrag:
    """Moves the picture with the pointer."""

    def __init__(self, view: ImageView, place: QPointF) -> None:
        self._view, self._last = view, place

    def move(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self._view.pan_by(self._last - place)
        self._last = place

    def end(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self.move(place)


class ZoomDrag:
    """Up enlarges, down shrinks, around the place where it began."""

    def __init__(self, view: ImageView, place: QPointF) -> None:
        self._view, self._start, self._last = view, place, place

    def move(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self._view.zoom_by(_ZOOM_SPEED ** (self._last.y() - place.y()), self._start)
        self._last = place

    def end(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self.move(place)


class WindowDrag:
    """To the right widens the window, upwards brightens the picture."""

    def __init__(self, view: ImageView, place: QPointF) -> None:
        self._view, self._last = view, place

    def move(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        window = self._view.shown_window
        moved = place - self._last
        self._last = place
        speed = max(window.width, 20.0) * _WINDOW_SPEED
        width = max(_LEAST_WIDTH, window.width + moved.x() * speed)
        self._view.set_window(window.centre + moved.y() * speed, width)

    def end(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self.move(place)


class CrosshairDrag:
    """Takes the crosshair along."""

    def __init__(self, view: ImageView, place: QPointF) -> None:
        self._view = view
        self.move(place)

    def move(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self._view.point_at(place)

    def end(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self.move(place)


class MeasureDrag:
    """Draws a new measure from where it began."""

    def __init__(self, view: ImageView, kind: Kind, place: QPointF) -> None:
        self._view, self._start = view, place
        self._draft = view.new_measure(kind, place)

    def move(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        if self._draft is not None:
            self._draft = self._draft.to(self._view.scene_place(place))
            self._view.set_draft(self._draft)

    def end(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self.move(place)
        moved = place - self._start
        self._view.set_draft(None)
        if self._draft is not None and moved.manhattanLength() >= _SHORTEST:
            self._view.keep_measure(self._draft)


class HandleDrag:
    """Moves one end of a measure that exists."""

    def __init__(self, view: ImageView, measure: Measure, end: str) -> None:
        self._view, self._before = view, measure
        start = measure.end if end == "start" else measure.start
        held = measure.start if end == "start" else measure.end
        self._draft = Measure(measure.kind, start, held, measure.plane, measure.index)
        view.select(measure)

    def move(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self._draft = self._draft.to(self._view.scene_place(place))
        self._view.set_draft(self._draft, instead_of=self._before)

    def end(self, place: QPointF) -> None:
        """See :class:`Drag`."""
        self.move(place)
        self._view.set_draft(None)
        if {self._draft.start, self._draft.end} != {self._before.start, self._before.end}:
            self._view.change_measure(self._before, self._draft)


class AddMeasure(QUndoCommand):
    """A measure was taken."""

    def __init__(self, measures: Measures, measure: Measure) -> None:
        super().__init__(f"Measure {measure.kind}")
        self._measures, self._measure = measures, measure

    def redo(self) -> None:
        """Do it."""
        self._measures.add(self._measure)

    def undo(self) -> None:
        """Undo it."""
        self._measures.remove(self._measure)


class RemoveMeasure(QUndoCommand):
    """A measure was deleted."""

    def __init__(self, measures: Measures, measure: Measure) -> None:
        super().__init__(f"Delete {measure.kind}")
        self._measures, self._measure, self._place = measures, measure, 0

    def redo(self) -> None:
        """Do it."""
        self._place = self._measures.remove(self._measure)

    def undo(self) -> None:
        """Undo it."""
        self._measures.add(self._measure, self._place)


class ChangeMeasure(QUndoCommand):
    """A measure's end was moved."""

    def __init__(self, measures: Measures, before: Measure, after: Measure) -> None:
        super().__init__(f"Change {before.kind}")
        self._measures, self._before, self._after = measures, before, after

    def redo(self) -> None:
        """Do it."""
        self._measures.add(self._after, self._measures.remove(self._before))

    def undo(self) -> None:
        """Undo it."""
        self._measures.add(self._before, self._measures.remove(self._after))
