"""Which eye a photograph shows, guessed from the side on which the optic disc lies: it is nasal of the macula.

A guess, and said to be one: it supposes a photograph centred on the macula and neither mirrored nor upside down. On the
54 photographs of IDRiD whose disc is marked, the side is right in all 50 that are answered; on 24 of HRF and 10 of
RFMiD, looked at one by one, in all 24 and in all 9 that are answered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Laterality, Notice, Region
from medtransfer_fundus_trio import planes

_GRID = 160
"""Columns of the grid on which the disc is looked for; the disc covers some 20 of them at 45 to 50 degrees."""
_DISC_RADIUS, _GROUND_RADIUS = 4, 24
"""Of the box filters, applied twice, that find what has the disc's size and what lies around it."""
_NEAR_MIDDLE_ROW = 0.36
_FROM_CENTRE, _TO_RIM = 0.2, 0.8
"""Where a disc may lie, in radii of the field: above or below its middle row, and to the side of its centre."""
_RIM = 0.92
_CLEARLY = 1.5
"""Standard deviations by which one side's brightest spot must exceed the other's; of the 88 photographs, 83 pass."""


def notices(rgb: NDArray[np.uint8], region: Region, stated: Laterality | None) -> list[Notice]:
    """Return what the disc's side says: a guess when the file states no laterality, a doubt when it states the other.

    Parameters
    ----------
    rgb
        uint8 (y, x, 3).
    region
        The field of view in it.
    stated
        What the file says.
    """
    side = guess(rgb, region)
    if side is None or side == stated:
        return []
    eye = {"L": "left", "R": "right"}
    if stated is not None:
        message = (
            f"The file says {eye[stated]} eye, but the optic disc lies as in a {eye[side]} eye: mirrored or mixed up?"
        )
        return [Notice(code="fundus.laterality-doubtful", level="warning", message=message)]
    message = f"Perhaps a {eye[side]} eye, guessed from the side of the optic disc: the file does not say."
    return [Notice(code="fundus.laterality-guessed", level="info", message=message)]


def guess(rgb: NDArray[np.uint8], region: Region) -> Laterality | None:
    """Return the eye whose nasal side holds the brightest spot of a disc's size; None when neither side stands out."""
    retina = rgb[region.top : region.top + region.height, region.left : region.left + region.width]
    if min(retina.shape[:2]) < _GRID // 2:
        return None
    spots, distance = planes.spots(retina, _GRID, _DISC_RADIUS, _GROUND_RADIUS, _RIM)
    inside = distance < _RIM
    y, x = planes.from_centre(spots.shape)
    likely = inside & (abs(y) < _NEAR_MIDDLE_ROW) & (abs(x) > _FROM_CENTRE) & (abs(x) < _TO_RIM)
    left, right = (spots[likely & side].max(initial=-np.inf) for side in (x < 0, x > 0))
    if not abs(right - left) >= _CLEARLY * max(float(spots[inside].std()), 1e-6):
        return None
    return "R" if right > left else "L"
