"""Where the retina is in a fundus photograph: a bright disc, often cut at top and bottom, on a dark ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Region
from medtransfer_fundus_trio import cut_field

_DARK = 0.12
"""Share of the bright level (95th percentile) below which a pixel belongs to the ground."""
_FILLED = 0.05
"""Share of a row's or column's pixels that must be bright: specks of dust and date stamps do not count."""
_SMALLEST_SHARE = 0.2
"""A field of view smaller than this share of the picture's side was not found."""
_ROUND = 0.978
"""Share of pixels in which the bright part must agree with a disc.

All 501 photographs of IDRiD, HRF and RFMiD at hand reach 0.981, and none of 649 chest radiographs exceeds 0.975.
"""
_LOOKED_AT = 1000
"""Larger photographs are looked at in steps that leave about so many pixels on the short side."""
_COMPARED = 256
"""Pixels along the longer side of the grid on which the bright part is compared with a disc."""


@dataclass(frozen=True, slots=True)
class FieldOfView:
    """The bounding box of the retina; the whole picture when there is no disc on a dark ground (``found`` is False).

    ``missing`` is the share of a disc that the picture's edge cuts on one side; 0 for a whole one, and for one that the
    camera cuts evenly at top and bottom.
    """

    region: Region
    found: bool
    missing: float = 0.0


def find(rgb: NDArray[np.uint8]) -> FieldOfView:
    """Find the field of view.

    Parameters
    ----------
    rgb
        uint8 (y, x, 3).

    Returns
    -------
    FieldOfView
        Its region is exact to the pixel up to 2,000 pixels on the picture's short side, beyond that to a few.
    """
    height, width = rgb.shape[:2]
    step = max(1, min(height, width) // _LOOKED_AT)
    brightness = rgb[::step, ::step].max(axis=2)
    bright = brightness > _DARK * float(np.percentile(brightness, 95))
    rows = np.flatnonzero(bright.mean(axis=1) > _FILLED)
    columns = np.flatnonzero(bright.mean(axis=0) > _FILLED)
    whole = FieldOfView(Region(0, 0, height, width), found=False)
    if not _is_large_enough(rows, height // step) or not _is_large_enough(columns, width // step):
        return whole
    top, left = int(rows[0]) * step, int(columns[0]) * step
    bottom, right = min(height, int(rows[-1] + 1) * step), min(width, int(columns[-1] + 1) * step)
    region = Region(top, left, bottom - top, right - left)
    inside = bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if _has_dark_corners(inside) and _is_disc(inside):
        return FieldOfView(region, found=True)
    coarser = max(1, max(bright.shape) // _COMPARED)
    missing = cut_field.missing(bright[::coarser, ::coarser], rgb[::step, ::step][::coarser, ::coarser])
    return whole if missing is None else FieldOfView(region, found=True, missing=missing)


def _is_large_enough(indices: NDArray[np.intp], side: int) -> bool:
    return bool(len(indices)) and indices[-1] - indices[0] + 1 >= _SMALLEST_SHARE * side


def _has_dark_corners(bright: NDArray[np.bool_]) -> bool:
    """Say whether at least three of the box's corners are ground; a tab that marks the side may lie in one."""
    size = max(2, min(bright.shape) // 25)
    corners = [bright[:size, :size], bright[:size, -size:], bright[-size:, :size], bright[-size:, -size:]]
    return sum(float(corner.mean()) < 0.5 for corner in corners) >= 3


def _is_disc(bright: NDArray[np.bool_]) -> bool:
    """Say whether the bright part of a box is a disc in its middle, which the box may cut."""
    step = max(1, max(bright.shape) // _COMPARED)
    part = bright[::step, ::step]
    y, x = np.indices(part.shape, dtype=np.float32)
    squares = (y - (part.shape[0] - 1) / 2) ** 2 + (x - (part.shape[1] - 1) / 2) ** 2
    radii = 0.5 * max(part.shape) * np.linspace(1.0, 1.2, 9)
    return max(float((part == (squares <= radius**2)).mean()) for radius in radii) >= _ROUND
