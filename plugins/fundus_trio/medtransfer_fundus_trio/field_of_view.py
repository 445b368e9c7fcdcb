"""Where the retina is in a fundus photograph: a bright disc, often cut at top and bottom, on a dark ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Region

_DARK = 0.12
"""Share of the bright level (95th percentile) below which a pixel belongs to the ground."""
_FILLED = 0.05
"""Share of a row's or column's pixels that must be bright: specks of dust and date stamps do not count."""
_SMALLEST_SHARE = 0.2
"""A field of view smaller than this share of the picture's side was not found."""


@dataclass(frozen=True, slots=True)
class FieldOfView:
    """The bounding box of the retina, and what its borders tell.

    ``found`` is False when the picture has no dark ground to tell the retina from; the region is then the whole
    picture. ``filled`` is the share of the box that is retina: pi / 4 for a whole disc, more when it is cut.
    """

    region: Region
    found: bool
    filled: float


def find(rgb: NDArray[np.uint8]) -> FieldOfView:
    """Find the field of view.

    Parameters
    ----------
    rgb
        uint8 (y, x, 3).
    """
    height, width = rgb.shape[:2]
    brightness = rgb.max(axis=2)
    bright = brightness > _DARK * float(np.percentile(brightness, 95))
    rows = np.flatnonzero(bright.mean(axis=1) > _FILLED)
    columns = np.flatnonzero(bright.mean(axis=0) > _FILLED)
    whole = Region(0, 0, height, width)
    if not len(rows) or not len(columns):
        return FieldOfView(whole, found=False, filled=0.0)
    region = Region(int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1))
    inside = bright[region.top : region.top + region.height, region.left : region.left + region.width]
    filled = float(inside.mean())
    if min(region.height / height, region.width / width) < _SMALLEST_SHARE:
        return FieldOfView(whole, found=False, filled=filled)
    return FieldOfView(region, found=_has_dark_corners(brightness, region), filled=filled)


def _has_dark_corners(brightness: NDArray[np.uint8], region: Region) -> bool:
    """Say whether the box's corners are dark, as those around a disc are."""
    size = max(2, min(region.height, region.width) // 25)
    box = brightness[region.top : region.top + region.height, region.left : region.left + region.width]
    corners = [box[:size, :size], box[:size, -size:], box[-size:, :size], box[-size:, -size:]]
    level = float(np.percentile(box, 95))
    return sum(float(corner.mean()) < 0.35 * level for corner in corners) >= 3
