"""Whether a photograph is centred on the macula, as most are, or on the optic disc: guessed from where the disc lies.

The disc is the brightest spot of its size. The fovea lies some 15 degrees beside it, so that at 45 to 50 degrees the
disc is about 0.6 radii of the field from the centre of a photograph of the macula, and nearer than half of that when
the disc was aimed at. Large exudates look like a disc; where the second brightest spot comes close, nothing is said.

Measured on the 54 photographs of IDRiD whose disc is outlined: 48 are answered, all of them right, one of them "disc".
Of the 447 of IDRiD's training set, HRF and RFMiD, 5 are called centred on the disc: looked at one by one, 4 are, and
one shows a mass of exudates. Photographs that another camera took of the disc on purpose were not at hand; phantoms of
four cameras drawn about the disc are told (``tests/test_centring.py``).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Notice, Region
from medtransfer_fundus_trio import planes

Centre = Literal["macula", "disc"]

_GRID, _DISC_RADIUS, _GROUND_RADIUS = 160, 6, 24
"""Columns of the grid, and of the box filters, applied twice, that find the disc and what lies around it."""
_RIM = 0.9
_NEAR, _FAR = 0.31, 0.36
"""In radii of the field: a disc up to here from the centre was aimed at, one from there on was not."""
_CLEARLY_DISC, _CLEARLY_MACULA = 2.5, 1.0
"""Standard deviations by which the brightest spot must exceed every other one."""
_OTHER = 0.35
"""Radii of the field from which on a spot is another one."""


def notices(rgb: NDArray[np.uint8], region: Region) -> list[Notice]:
    """Return what the reader must know when the optic disc was aimed at.

    Parameters
    ----------
    rgb
        uint8 (y, x, 3).
    region
        The field of view in it.
    """
    if guess(rgb, region) != "disc":
        return []
    message = (
        "Perhaps centred on the optic disc, guessed from where the disc lies: most models learn from photographs "
        "centred on the macula. Which eye it is was not guessed."
    )
    return [Notice(code="fundus.disc-centred", level="info", message=message)]


def guess(rgb: NDArray[np.uint8], region: Region) -> Centre | None:
    """Return what the photograph is centred on; None when no spot stands out, or it lies in between."""
    retina = rgb[region.top : region.top + region.height, region.left : region.left + region.width]
    if min(retina.shape[:2]) < _GRID // 2:
        return None
    spots, distance = planes.spots(retina, _GRID, _DISC_RADIUS, _GROUND_RADIUS, _RIM)
    inside = distance < _RIM
    spots = np.where(inside, spots, -np.inf)
    y, x = planes.from_centre(spots.shape)
    place = np.unravel_index(int(spots.argmax()), spots.shape)
    others = spots[inside & (np.hypot(y - y[place], x - x[place]) > _OTHER)]
    clear = float(spots[place] - others.max(initial=-np.inf)) / max(float(spots[inside].std()), 1e-6)
    if distance[place] <= _NEAR and clear >= _CLEARLY_DISC:
        return "disc"
    return "macula" if distance[place] >= _FAR and clear >= _CLEARLY_MACULA else None
