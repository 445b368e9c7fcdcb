"""The colours of heat maps: inferno, perceptually even from black to pale yellow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Every eighth colour, and the last, of matplotlib's inferno (N. Smith and S. van der Walt, CC0). Straight lines between
# them stay within 2 of 255 of the full table.
_INFERNO = np.array(
    [
        [0, 0, 4],
        [4, 3, 18],
        [11, 7, 36],
        [21, 11, 55],
        [33, 12, 74],
        [47, 10, 91],
        [61, 9, 101],
        [74, 12, 107],
        [87, 16, 110],
        [100, 21, 110],
        [113, 25, 110],
        [125, 30, 109],
        [138, 34, 106],
        [151, 39, 102],
        [163, 44, 97],
        [176, 49, 91],
        [188, 55, 84],
        [199, 62, 76],
        [210, 70, 68],
        [219, 80, 59],
        [228, 90, 49],
        [235, 102, 40],
        [241, 115, 29],
        [246, 128, 19],
        [249, 142, 9],
        [251, 157, 7],
        [252, 172, 17],
        [251, 188, 33],
        [249, 203, 53],
        [245, 219, 76],
        [242, 234, 105],
        [243, 246, 138],
        [252, 255, 164],
    ],
    dtype=np.float64,
)
_POSITIONS = np.array([*range(0, 256, 8), 255], dtype=np.float64) / 255.0


def inferno(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the colours of values in [0, 1]; smaller and larger ones get the end colours, NaN the first.

    Parameters
    ----------
    values
        Any shape.

    Returns
    -------
    NDArray[uint8]
        The shape of ``values`` with a last axis of red, green and blue in [0, 255].
    """
    clean = np.clip(np.nan_to_num(values, nan=0.0), 0.0, 1.0)
    channels = [np.interp(clean, _POSITIONS, _INFERNO[:, channel]) for channel in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return colours
