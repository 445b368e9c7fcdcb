"""Turning an image into what a screen shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medtransfer.study.model import Image, Window

SOFT_TISSUE = Window(40.0, 400.0, "Soft tissue")
# Centre and width for Hounsfield units as radiologists commonly set them: W. Herring, Learning Radiology, 4th edition
# (2019), chapter 1, and Radiopaedia, "Windowing (CT)".
HOUNSFIELD = (
    Window(-600.0, 1500.0, "Lung"),
    SOFT_TISSUE,
    Window(400.0, 1800.0, "Bone"),
    Window(40.0, 80.0, "Brain"),
)
_DARKEST, _BRIGHTEST = 0.5, 99.5


def rgb8(image: Image, window: Window | None = None) -> NDArray[np.uint8]:
    """Return a picture as it is shown: uint8 ``(y, x, 3)``, red, green, blue.

    Colour passes through, reduced to 8 bits. Greyscale is windowed by ``window``, else by the image's preferred window,
    else, for a scanner's own values, between the 0.5th and the 99.5th percentile; 8-bit pictures meant for a screen
    pass through.

    Raises
    ------
    ValueError
        When the image is a volume: choose a slice first.
    """
    if image.is_volume:
        raise ValueError("a volume has no single picture: choose a slice first")
    if image.meaning == "rgb":
        return _to_8_bits(image)
    chosen = window or (image.windows[0] if image.windows else None)
    if chosen is not None:
        grey = windowed(image.array, chosen)
    elif image.units == "display":
        grey = _to_8_bits(image)
    else:
        grey = windowed(image.array, percentile_window(image.array, image.padding))
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def windowed(values: NDArray[np.generic], window: Window) -> NDArray[np.uint8]:
    """Apply a window by its table or by DICOM's functions (PS3.3 C.11.2.1.2, C.11.2.1.3) onto 0 to 255, same shape."""
    if window.table:
        return _looked_up(values, window)
    shown = values.astype(np.float32)
    if window.curve == "SIGMOID":
        # tanh does not overflow where the exponential of PS3.3 C.11.2.1.3.1 would; 1 / (1 + exp(-4t)) is the same.
        return _bytes(0.5 + 0.5 * np.tanh(2.0 * (shown - window.centre) / window.width))
    if window.curve == "LINEAR_EXACT":
        return _bytes((shown - window.centre) / window.width + 0.5)
    width = max(window.width, 1.0)
    if width == 1.0:
        return np.where(shown > window.centre - 0.5, 255, 0).astype(np.uint8)
    return _bytes((shown - (window.centre - 0.5)) / (width - 1.0) + 0.5)


def _looked_up(values: NDArray[np.generic], window: Window) -> NDArray[np.uint8]:
    """Map each value to its entry, those beyond the table to the nearest (PS3.3 C.11.2.1.1)."""
    table = np.rint(np.asarray(window.table) / 257.0).astype(np.uint8)
    places = np.rint(values.astype(np.float64) - (window.centre - window.width / 2))
    return np.asarray(table[np.clip(places, 0, table.size - 1).astype(np.intp)])


def percentile_window(values: NDArray[np.generic], padding: tuple[float, float] | None = None) -> Window:
    """Return the window between the 0.5th and the 99.5th percentile of the finite values that are no padding."""
    if padding is not None:
        measured = values[np.less(values, padding[0]) | np.greater(values, padding[1])]
        values = measured if measured.size else values
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Window(0.0, 1.0)
    low, high = (float(v) for v in np.percentile(finite.astype(np.float32), (_DARKEST, _BRIGHTEST)))
    return Window((low + high + 1.0) / 2.0, high - low + 1.0)


def _to_8_bits(image: Image) -> NDArray[np.uint8]:
    if image.array.dtype == np.uint8 and image.bits >= 8:
        return np.array(image.array, dtype=np.uint8)
    largest = float(2**image.bits - 1)
    return _bytes(image.array.astype(np.float32) / largest)


def _bytes(fractions: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(fractions, 0.0, 1.0) * 255.0), dtype=np.uint8)
