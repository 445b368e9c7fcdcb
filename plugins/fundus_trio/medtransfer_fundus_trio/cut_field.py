"""A field of view that the picture's edge cuts on one side: the circle that the rest of its rim lies on.

Set on 86 photographs of IDRiD, HRF and RFMiD, each cut on one of four sides by a twentieth to two fifths of its
diameter, and on 649 chest radiographs: see ``tests/test_cut_field.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_AGREES = 0.975
"""Bright part and circle in the picture: their intersection over their union."""
_ON_RIM, _NEAR = 0.8, 1.5
"""Share of the bright part's border that must lie on the circle, within so many pixels of the grid."""
_VISIBLE = 0.5
"""Where less of the circle is in the picture, too little of its rim is left to be sure of it."""
_RED = 1.15
"""A retina's red channel exceeds its blue one by this factor or more; a radiograph's do not differ."""
_ROUNDS = 4
_KEPT = 80.0
"""Percentage of the border's points, the nearest ones, that the circle is fitted to again: tabs and dust fall out."""
_FEWEST = 40


class Circle(NamedTuple):
    """Centre and radius in pixels of the grid that it was found on."""

    y: float
    x: float
    radius: float


def missing(bright: NDArray[np.bool_], rgb: NDArray[np.uint8]) -> float | None:
    """Return the share of a round field of view that lies outside of the picture; None where no circle fits.

    Parameters
    ----------
    bright
        Bool (y, x): what is not ground, on a grid of some 250 pixels.
    rgb
        uint8 (y, x, 3) on the same grid.
    """
    if not bright.any() or float(rgb[bright][:, 0].mean()) < _RED * float(rgb[bright][:, 2].mean()):
        return None
    border = _border(bright)
    if len(border) < _FEWEST:
        return None
    circle = _fitted(border)
    y, x = np.indices(bright.shape)
    inside = (y - circle.y) ** 2 + (x - circle.x) ** 2 <= circle.radius**2
    agreement = float((inside & bright).sum() / max((inside | bright).sum(), 1))
    on_rim = float((_off(border, circle) <= _NEAR).mean())
    visible = float(inside.sum() / (np.pi * circle.radius**2))
    if agreement < _AGREES or on_rim < _ON_RIM or visible < _VISIBLE:
        return None
    return max(0.0, 1.0 - visible)


def _border(bright: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return where rows and columns begin and end to be bright, (n, 2), but for what lies on the picture's edge."""
    points = []
    for values, turned in ((bright, False), (bright.T, True)):
        lines = np.flatnonzero(values.any(axis=1))
        first = values.argmax(axis=1)[lines]
        last = values.shape[1] - 1 - values[:, ::-1].argmax(axis=1)[lines]
        found = np.concatenate([np.column_stack([lines, first]), np.column_stack([lines, last])])
        points.append(found[:, ::-1] if turned else found)
    together = np.concatenate(points)
    height, width = bright.shape
    within = (together > 1).all(axis=1) & (together[:, 0] < height - 2) & (together[:, 1] < width - 2)
    return np.asarray(together[within], dtype=np.float64)


def _fitted(border: NDArray[np.float64]) -> Circle:
    """Fit a circle to points by least squares on its equation (Kasa, IEEE Trans Instrum Meas 1976, 25, 8-14)."""
    kept = border
    circle = Circle(0.0, 0.0, 1.0)
    for _ in range(_ROUNDS):
        equations = np.column_stack([2.0 * kept, np.ones(len(kept))])
        y, x, rest = np.linalg.lstsq(equations, (kept**2).sum(axis=1), rcond=None)[0]
        circle = Circle(float(y), float(x), float(np.sqrt(max(rest + y**2 + x**2, 1e-6))))
        off = _off(kept, circle)
        kept = kept[off <= max(float(np.percentile(off, _KEPT)), 1.0)]
    return circle


def _off(points: NDArray[np.float64], circle: Circle) -> NDArray[np.float64]:
    """Return the distance of points (n, 2) from a circle's line."""
    return np.asarray(abs(np.hypot(points[:, 0] - circle.y, points[:, 1] - circle.x) - circle.radius))
