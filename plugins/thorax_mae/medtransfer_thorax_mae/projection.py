"""Which way a chest was looked at, and whether dark and bright are exchanged, as far as the pixels tell.

In a frontal radiograph the spine and the heart are a bright middle between two dark lungs, and the halves mirror each
other; in a lateral one there is one dark field in the middle. The air around the shoulders is dark in both.

The limits were set on 649 radiographs of NIH ChestX-ray14, every fourth of 2,500 of children (Kermany et al.), and 258
frontal and 24 lateral ones out of publications (https://github.com/ieee8023/covid-chestxray-dataset, views as in its
table). Called lateral: 12 (1.8 %) of NIH's, which show a white lung or half a chest, 0 of the 625 children, 3 of the
258, and 19 (79 %) of the 24. Called negative: none of all these as they are, and 94 % (NIH), 98 % (children) and 96 %
(publications) of the frontal ones once their grey levels are turned around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.stats import rankdata

_SIDE = 64
_DARK = 0.15
"""Of the brightest pixels: what lies below, all along a column, is beside the body."""
_CHEST = slice(14, 46)
"""Rows that show the lungs, but for the uppermost and the lowest parts."""
_NARROWEST = 16
_SHIFT = 8
"""Columns by which the line of symmetry may lie beside the middle of the body."""
_BANDS = 10

_ASYMMETRIC = 0.4
"""See :attr:`Shape.symmetry`; 0.72 to 0.75 are the medians of frontal views, 0.13 that of lateral ones."""
_NO_MIDDLE = 0.18
"""See :attr:`Shape.middle`; 0.36 to 0.46 are the medians of frontal views, 0.06 that of lateral ones."""
_BRIGHT_CORNERS = 0.5
"""See :attr:`Shape.corners`; 0.11 to 0.23 are the medians of frontal views."""


@dataclass(frozen=True)
class Shape:
    """What is measured, on the ranks of the grey levels: 0 for the darkest pixel, 1 for the brightest.

    Attributes
    ----------
    symmetry
        Largest correlation of the body's rows, each less its mean, with their mirror image, in [-1, 1].
    middle
        How much brighter the middle of the body is than the darkest bands at its two sides, on average.
    contrast
        How much brighter the middle of the picture is than the fields at its two sides.
    corners
        Mean of the two upper corners.
    """

    symmetry: float
    middle: float
    contrast: float
    corners: float

    @property
    def lateral(self) -> bool:
        """Whether this looks like a lateral view."""
        return self.symmetry < _ASYMMETRIC and self.middle < _NO_MIDDLE

    @property
    def negative(self) -> bool:
        """Whether dark and bright look exchanged."""
        return self.corners > _BRIGHT_CORNERS and self.contrast < 0


def measure(grey: NDArray[np.uint8]) -> Shape:
    """Measure a radiograph, uint8 (y, x), large is bright."""
    small = np.asarray(Pillow.fromarray(grey).resize((_SIDE, _SIDE), Pillow.Resampling.BOX), dtype=np.float32)
    ranks = np.asarray(rankdata(small).reshape(small.shape) / small.size, dtype=np.float64)
    body = ranks[_CHEST, _columns(small)]
    bands = np.array([band.mean() for band in np.array_split(body, _BANDS, axis=1)])
    lungs = ranks[_CHEST]
    return Shape(
        symmetry=_symmetry(body),
        middle=float(bands[4:6].max() - (bands[1:4].min() + bands[6:9].min()) / 2),
        contrast=float(lungs[:, 26:38].mean() - (lungs[:, 10:22].mean() + lungs[:, 42:54].mean()) / 2),
        corners=float((ranks[:8, :8].mean() + ranks[:8, -8:].mean()) / 2),
    )


def _columns(small: NDArray[np.float32]) -> slice:
    """Return the columns from the first to the last that shows the body, all where there are hardly any."""
    shown = (small > _DARK * np.percentile(small, 98))[16:48].mean(axis=0) > 0.5
    found = np.flatnonzero(shown)
    return slice(int(found[0]), int(found[-1]) + 1) if found.size >= _NARROWEST else slice(0, _SIDE)


def _symmetry(body: NDArray[np.float64]) -> float:
    width = body.shape[1]
    parts = [body[:, max(0, shift) : width + min(0, shift)] for shift in range(-_SHIFT, _SHIFT + 1)]
    return max(_mirrored(part - part.mean(axis=1, keepdims=True)) for part in parts)


def _mirrored(part: NDArray[np.float64]) -> float:
    """Correlation of rows without their mean with the same rows from the other side; 0 for even rows."""
    power = float((part**2).sum())
    return float((part * part[:, ::-1]).sum()) / power if power > 0 else 0.0
