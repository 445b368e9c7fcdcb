"""Letters, arrows and tokens that are burned into the edges of a radiograph.

Networks learn from them: they tell the hospital, the device and the bed, and so who is ill (Zech et al., PLoS Medicine
2018, 15(11), e1002683). They are thin and bright, so they are what an opening by a small square takes away from the
picture (white top-hat; Soille, Morphological Image Analysis, 2003).

Every thirteenth radiograph of NIH ChestX-ray14, 40 of them, was looked at: all have marks, and some of them were found
in 34; in about ten an edge, a clip or a wire was taken for one as well. Something is found in 90 % of all 649 of NIH's,
and in 81 % of 625 of children.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

_NDIMAGE: Any = ndimage  # SciPy is untyped

_SIDE = 512
"""Pixels of the longer side at which marks are looked for."""
_SQUARE = 9
"""Side of the square of the opening: wider than any stroke."""
_CONTRAST = 70
"""How much brighter, of 255, a stroke is than what is around it."""
_MARGIN = 0.25
"""Share of the picture's sides, from each edge, in which marks stand."""
_SMALLEST, _LARGEST, _AREA = 5, 45, 10
"""Height and width of a mark, and its pixels at least: less is noise or a wire, more the patient."""
_FILLED = 0.15
"""Share of its rectangle that a mark fills at least: a wire fills less."""


@dataclass(frozen=True)
class Mark:
    """A rectangle around a mark, in pixels of the picture; ``bottom`` and ``right`` are the first ones outside."""

    top: int
    bottom: int
    left: int
    right: int


def find(grey: NDArray[np.uint8]) -> list[Mark]:
    """Return the marks of a radiograph, uint8 (y, x), large is bright."""
    height, width = grey.shape
    scale = max(height, width) / _SIDE
    shape = max(1, round(height / scale)), max(1, round(width / scale))
    how = Pillow.Resampling.BOX if scale > 1 else Pillow.Resampling.BILINEAR
    small = np.asarray(Pillow.fromarray(grey).resize((shape[1], shape[0]), how), dtype=np.float32)
    return [
        Mark(
            top=round(rows.start * scale),
            bottom=min(height, round(rows.stop * scale)),
            left=round(columns.start * scale),
            right=min(width, round(columns.stop * scale)),
        )
        for rows, columns in _strokes(small)
    ]


def _strokes(small: NDArray[np.float32]) -> Iterator[tuple[slice, slice]]:
    strong = small - _NDIMAGE.grey_opening(small, size=(_SQUARE, _SQUARE)) > _CONTRAST
    labelled, _ = _NDIMAGE.label(strong, structure=np.ones((3, 3)))
    for number, (rows, columns) in enumerate(_NDIMAGE.find_objects(labelled), start=1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        area = int((labelled[rows, columns] == number).sum())
        fits = _SMALLEST <= height <= _LARGEST and 3 <= width <= _LARGEST and area >= _AREA
        if fits and area > _FILLED * height * width and _at_the_edge(rows, columns, small.shape):
            yield rows, columns


def _at_the_edge(rows: slice, columns: slice, shape: tuple[int, ...]) -> bool:
    down = (rows.start + rows.stop) / 2 / shape[0]
    across = (columns.start + columns.stop) / 2 / shape[1]
    return bool(min(down, 1 - down, across, 1 - across) < _MARGIN)
