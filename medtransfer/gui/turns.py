"""Work that must happen in the window's thread, a piece in each turn of the event loop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer

_T = TypeVar("_T")


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
    timer = QTimer(owner)  # not QTimer.singleShot: at 0 ms that is a queued call, and Qt makes all of these in one turn

    def piece() -> None:
        try:
            next(pieces)
        except StopIteration as end:
            timer.stop()
            timer.deleteLater()
            then(end.value)
        except BaseException:
            timer.stop()
            raise

    timer.timeout.connect(piece)
    timer.start(0)
