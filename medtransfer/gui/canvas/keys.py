"""What keys do in a view.

Page up and down, Home and End move through the slices (with Shift ten at a time); plus, minus and 0 zoom and fit; I
inverts, R resets; arrows pan, or with the crosshair or a measuring tool move the crosshair by a pixel (with Shift by
ten). With a measuring tool, Return begins a measure at the crosshair and ends it there; Escape gives it up; Delete
deletes a measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent

from medtransfer.gui.canvas.tools import MEASURES, Tool

if TYPE_CHECKING:
    from medtransfer.gui.canvas.view import ImageView

Key = Qt.Key

_ZOOM = 1.25
_PAN = 40.0
_MANY = 10
_ARROWS = {Key.Key_Left: (-1, 0), Key.Key_Right: (1, 0), Key.Key_Up: (0, -1), Key.Key_Down: (0, 1)}
_TURNS = {Key.Key_PageUp: -1, Key.Key_PageDown: 1}


def press(view: ImageView, event: QKeyEvent) -> bool:
    """Do what a key asks; return whether it meant anything."""
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    key = Key(event.key())
    many = _MANY if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
    if key in _TURNS:
        view.scroll_slices(_TURNS[key] * many)
    elif key in _ARROWS:
        _arrow(view, *_ARROWS[key], many)
    else:
        return _single(view, key)
    return True


def _single(view: ImageView, key: Key) -> bool:
    actions = {
        Key.Key_Home: lambda: view.scroll_slices(-view.index),
        Key.Key_End: lambda: view.scroll_slices(view.slicing.count if view.slicing else 0),
        Key.Key_Plus: lambda: view.zoom_by(_ZOOM),
        Key.Key_Equal: lambda: view.zoom_by(_ZOOM),
        Key.Key_Minus: lambda: view.zoom_by(1.0 / _ZOOM),
        Key.Key_0: view.fit,
        Key.Key_I: view.invert,
        Key.Key_R: view.reset,
        Key.Key_Delete: view.delete_measure,
        Key.Key_Backspace: view.delete_measure,
    }
    if view.tool in MEASURES:
        actions[Key.Key_Return] = actions[Key.Key_Enter] = lambda: _measure(view)
    if view.draft is not None:
        actions[Key.Key_Escape] = lambda: view.set_draft(None)
    if key not in actions:
        return False
    actions[key]()
    return True


def _arrow(view: ImageView, right: int, down: int, many: int) -> None:
    if view.tool is not Tool.CROSSHAIR and view.tool not in MEASURES:
        view.pan_by(QPointF(right * _PAN * many, down * _PAN * many))
        return
    if view.slicing is None:
        return
    row, column, _ = view.slicing.place(view.point)
    row = min(max(row + down * many, 0.0), view.slicing.rows - 1.0)
    column = min(max(column + right * many, 0.0), view.slicing.columns - 1.0)
    view.show_crosshair(shown=True)
    view.move_point(view.slicing.voxel(row, column, view.index))
    if view.draft is not None:
        view.set_draft(view.draft.to(view.slicing.scene(row, column)))


def _measure(view: ImageView) -> None:
    """Begin a measure at the crosshair, or end the one that was begun."""
    if view.slicing is None:
        return
    draft = view.draft
    if draft is not None:
        view.set_draft(None)
        if draft.start != draft.end:
            view.keep_measure(draft)
        return
    row, column, _ = view.slicing.place(view.point)
    view.show_crosshair(shown=True)
    view.set_draft(view.new_measure(MEASURES[view.tool], view.screen_place(view.slicing.scene(row, column))))
