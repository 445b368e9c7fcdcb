"""Work that must happen in the window's thread, a piece in each turn of the event loop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer

_T = TypeVar("_T")
_PAUSE_MS = 1
"""Not 0: that is a queued call, and Qt makes all of these, the new ones too, in one turn."""


def take(
    pieces: Generator[None, None, _T], owner: QObject, then: Callable[[_T], object] = lambda _answer: None
) -> None:
    """Do one piece in each of the next turns of the event loop, so that the window answers between any two.

    Parameters
    ----------
    pieces
        Does a piece of the work up to each ``yield``, and returns its answer at the end.
    owner
        When it is destroyed, what is left is not done.
    then
        Is given the answer.
    """

    def piece() -> None:
        try:
            next(pieces)
        except StopIteration as end:
            then(end.value)
        else:
            QTimer.singleShot(_PAUSE_MS, owner, piece)

    QTimer.singleShot(_PAUSE_MS, owner, piece)
