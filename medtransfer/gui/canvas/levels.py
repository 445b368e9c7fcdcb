"""A picture in ever smaller copies, so that drawing costs what the screen holds and not what the camera took."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medtransfer.gui.canvas.later import Later

_SMALL = 1 << 20  # pixels; anything up to this size is drawn from its only copy
_SHELVED = 4
_WIDER = {1: np.int16, 2: np.int32, 4: np.int64, 8: np.int64}  # room for the sum of four


class Copies(Protocol):
    """Smaller copies of one slice or picture."""

    @property
    def pending(self) -> bool:
        """Whether better copies are still being made."""

    def at(self, scale: float) -> tuple[NDArray[np.generic], int]:
        """Return the copy to draw at ``scale`` screen pixels per pixel, and how many pixels one of its pixels spans."""


class Levels:
    """Halves by the mean of 2 x 2 pixels, in a thread; until it is done every n-th pixel stands in."""

    def __init__(self, array: NDArray[np.generic]) -> None:
        self.full = array
        large = array.shape[0] * array.shape[1] > _SMALL
        self._halved = Later(lambda: _halve_until_small(array)) if large else None

    @property
    def pending(self) -> bool:
        """Whether the means are still being made."""
        return self._halved is not None and self._halved.pending

    def at(self, scale: float) -> tuple[NDArray[np.generic], int]:
        """See :class:`Copies`."""
        number = _halvings(self.full, scale)
        halved = self._halved.answer if self._halved is not None else None
        if number == 0 or halved is None:
            return self.full[:: 2**number, :: 2**number], 2**number
        number = min(number, len(halved))
        return halved[number - 1], 2**number


class Thinned:
    """Takes every n-th pixel: for labels, whose mean has no meaning."""

    pending = False

    def __init__(self, array: NDArray[np.generic]) -> None:
        self.full = array

    def at(self, scale: float) -> tuple[NDArray[np.generic], int]:
        """See :class:`Copies`."""
        step = 2 ** _halvings(self.full, scale)
        return self.full[::step, ::step], step


class Shelf:
    """Keeps the levels of the last few arrays, so that views of the same picture share them."""

    def __init__(self) -> None:
        self._kept: list[Levels] = []

    def levels(self, array: NDArray[np.generic]) -> Levels:
        """Return the levels of an array, made at the first call."""
        for levels in self._kept:
            if levels.full is array:
                return levels
        made = Levels(array)
        self._kept = [*self._kept, made][-_SHELVED:]
        return made


def _halvings(array: NDArray[np.generic], scale: float) -> int:
    """Return how often to halve so that a copy still has a pixel for each of the screen's; never for small arrays."""
    if array.shape[0] * array.shape[1] <= _SMALL:
        return 0
    number = 0
    while scale * 2 ** (number + 1) <= 1.0 and min(array.shape[:2]) >> (number + 1) > 0:
        number += 1
    return number


def _halve_until_small(array: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    halved = []
    while array.shape[0] * array.shape[1] > _SMALL // 16 and min(array.shape[:2]) > 1:
        array = _halve(array)
        halved.append(array)
    return halved


def _halve(array: NDArray[np.generic]) -> NDArray[np.generic]:
    rows, columns = array.shape[0] // 2 * 2, array.shape[1] // 2 * 2
    whole = np.issubdtype(array.dtype, np.integer)
    total = array[0:rows:2, 0:columns:2].astype(_WIDER[array.dtype.itemsize] if whole else np.float64)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        total += array[row:rows:2, column:columns:2].astype(total.dtype)
    mean = (total + 2) >> 2 if whole else total / 4
    return np.asarray(mean, dtype=array.dtype)
