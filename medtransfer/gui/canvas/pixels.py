"""Turning pixels and a window into what Qt draws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from medtransfer.study.display import SOFT_TISSUE, percentile_window, windowed
from medtransfer.study.model import Image, Window

_SAMPLE = 100_000


def default_window(image: Image) -> Window:
    """Return the window to begin with.

    That is the file's preferred one; soft tissue for Hounsfield units; everything for pictures that are meant for a
    screen; for a scanner's own values the 0.5th to 99.5th percentile of a sample.
    """
    if image.windows:
        return image.windows[0]
    if image.units == "HU":
        return SOFT_TISSUE
    if image.meaning == "rgb" or image.units == "display":
        return Window(2.0 ** (image.bits - 1), 2.0**image.bits)
    values = image.array.reshape(-1) if image.array.flags.c_contiguous else image.array.ravel(order="K")
    return percentile_window(values[:: max(1, values.size // _SAMPLE)], image.padding)


class Shader:
    """Gives pixels their brightness: a window, perhaps inverted, as a table where the values are few enough."""

    def __init__(self, window: Window, dtype: np.dtype[np.generic], *, inverted: bool) -> None:
        self.window = window
        self.inverted = inverted
        self._index: type[np.uint8 | np.uint16] | None = None
        self._table = np.arange(256, dtype=np.uint8)
        if inverted:
            self._table = self._table[::-1].copy()
        if dtype.kind in "iu" and dtype.itemsize <= 2:
            self._index = np.uint8 if dtype.itemsize == 1 else np.uint16
            values = np.arange(256**dtype.itemsize).astype(self._index).view(dtype)
            self._table = self._table[windowed(values, window)]
        self._grey = np.uint32(0xFF000000) | self._table.astype(np.uint32) * np.uint32(0x010101)
        self._plain = bool(self._index is np.uint8 and np.array_equal(self._table, np.arange(256)))

    def image(self, pixels: NDArray[np.generic]) -> QImage:
        """Return pixels ``(rows, columns)`` or ``(rows, columns, 3)`` as an opaque picture."""
        if pixels.ndim == 2:
            return from_argb(self._grey[self._indices(pixels)], QImage.Format.Format_RGB32)
        colours: NDArray[np.uint8] = (
            np.asarray(pixels, dtype=np.uint8) if self._plain else self._table[self._indices(pixels)]
        )
        argb: NDArray[np.uint32] = np.full(colours.shape[:2], 0xFF, dtype=np.uint32)
        for channel in range(3):
            argb <<= 8
            argb |= colours[..., channel]
        return from_argb(argb, QImage.Format.Format_RGB32)

    def _indices(self, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
        if self._index is None:
            finite = np.nan_to_num(pixels) if pixels.dtype.kind == "f" else pixels
            return windowed(finite, self.window)
        return np.ascontiguousarray(pixels).view(self._index)


@lru_cache(maxsize=8)
def shader(window: Window, dtype: np.dtype[np.generic], *, inverted: bool) -> Shader:
    """Return a shader; views that follow each other share it."""
    return Shader(window, dtype, inverted=inverted)


def from_argb(argb: NDArray[np.uint32], form: QImage.Format) -> QImage:
    """Return a picture of ``(rows, columns)`` 32-bit values, alpha highest and blue lowest."""
    rows, columns = argb.shape
    contiguous = np.ascontiguousarray(argb)
    return QImage(contiguous.data, columns, rows, columns * 4, form).copy()  # the copy owns its memory
