"""What is wrong with a photograph, so that the reader of a result knows: exposure, sharpness, field of view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Notice, Region

_TOO_DARK, _TOO_BRIGHT = 0.12, 0.75
"""Accepted median brightness of the retina's green channel relative to the red one's range, see :func:`exposure`."""
_BLURRED = 0.020
"""Sharpness below which fine lesions cannot be seen; sharp photographs of the IDRiD set lie at 0.04 and above."""


def notices(rgb: NDArray[np.uint8], region: Region, *, found: bool) -> list[Notice]:
    """Return what the reader must know about a photograph.

    Parameters
    ----------
    rgb
        uint8 (y, x, 3).
    region
        The field of view in it.
    found
        Whether the field of view was found.
    """
    retina = rgb[region.top : region.top + region.height, region.left : region.left + region.width]
    noticed = []
    if not found:
        message = "No round field of view was found: this may not be a fundus photograph, or it was cut."
        noticed.append(Notice(code="fundus.no-field-of-view", level="warning", message=message))
    level = exposure(retina)
    if level < _TOO_DARK:
        noticed.append(Notice(code="fundus.dark", level="warning", message="The photograph is underexposed."))
    elif level > _TOO_BRIGHT:
        noticed.append(Notice(code="fundus.bright", level="warning", message="The photograph is overexposed."))
    if sharpness(retina) < _BLURRED:
        message = "The photograph is blurred: small lesions may be missed."
        noticed.append(Notice(code="fundus.blurred", level="warning", message=message))
    return noticed


def exposure(retina: NDArray[np.uint8]) -> float:
    """Return the median brightness of the brightest channel in the middle half of the field of view, in [0, 1]."""
    height, width = retina.shape[:2]
    middle = retina[height // 4 : 3 * height // 4 + 1, width // 4 : 3 * width // 4 + 1]
    return float(np.median(middle.max(axis=2))) / 255.0


def sharpness(retina: NDArray[np.uint8]) -> float:
    """Return how steep the green channel's edges are relative to its brightness.

    The 99th percentile of the gradient's length in the middle of the field, at about 512 pixels across, divided by the
    median brightness: vessel walls are the sharpest thing there.
    """
    step = max(1, min(retina.shape[:2]) // 512)
    green = retina[::step, ::step, 1].astype(np.float32)
    height, width = green.shape
    middle = green[height // 5 : 4 * height // 5, width // 5 : 4 * width // 5]
    if min(middle.shape) < 3:
        return 0.0
    vertical, horizontal = np.gradient(middle)
    length = np.hypot(vertical, horizontal)
    return float(np.percentile(length, 99)) / (float(np.median(middle)) + 8.0)
