"""Whether a heat map finds what people drew boxes around: the pointing game, and overlap by thresholds.

Pointing game: Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016
(https://arxiv.org/abs/1608.00507), here without the paper's margin of 15 pixels around a box. Overlap: the map above a
threshold against the boxes, as it is measured for chest radiographs by EVA-X (https://github.com/hustvl/EVA-X).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort.model import Box

THRESHOLDS: NDArray[np.float64] = np.arange(1, 61) / 100
"""Of maps scaled to [0, 1]: 0.01 to 0.60."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """One map against the boxes in its image.

    Attributes
    ----------
    hit
        Whether the map's largest value lies in a box; the share of them where several places have it. In [0, 1].
    iou
        Intersection over union of the boxes and what the map has at or above each of :data:`THRESHOLDS`, in [0, 1].
    share
        Share of the image that the boxes cover: the chance that a blind finger hits one, and the overlap of the boxes
        with the whole image.
    """

    hit: float
    iou: NDArray[np.float64]
    share: float


def inside(boxes: Sequence[Box], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels of an image (y, x) have their middle in at least one of the boxes."""
    rows, columns = (np.arange(side) + 0.5 for side in shape)
    found = np.zeros(shape, dtype=bool)
    for box in boxes:
        across = (columns >= box.left) & (columns < box.left + box.width)
        down = (rows >= box.top) & (rows < box.top + box.height)
        found |= down[:, None] & across
    return found


def overlap(heat_map: NDArray[np.float32], drawn: NDArray[np.bool_]) -> Overlap:
    """Compare a map with boxes.

    Parameters
    ----------
    heat_map
        float32 in [0, 1], (y, x). One that is the same everywhere finds nothing: it neither hits nor overlaps.
    drawn
        bool, (y, x): see :func:`inside`; at least one pixel is True.
    """
    share = float(drawn.mean())
    if np.ptp(heat_map) == 0:
        return Overlap(0.0, np.zeros(len(THRESHOLDS)), share)
    hit = float(drawn[heat_map == heat_map.max()].mean())
    # float32 as the map: 0.3 is then at or above 0.3.
    marked = np.searchsorted(THRESHOLDS.astype(np.float32), heat_map, side="right")
    both, whole = (_at_or_above(values) for values in (marked[drawn], marked.ravel()))
    return Overlap(hit, both / (whole + drawn.sum() - both), share)


def towards_centre(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map that knows nothing of its image, (y, x): 1 in the middle, falling evenly to 0 at the corners."""
    down, across = (np.abs(np.arange(side) + 0.5 - side / 2) / (side / 2) for side in shape)
    distance = np.hypot(down[:, None], across)
    return np.asarray(1 - distance / distance.max(), dtype=np.float32)


def _at_or_above(marked: NDArray[np.intp]) -> NDArray[np.float64]:
    """Count what reaches each threshold; ``marked`` says how many thresholds each pixel reaches."""
    counts = np.bincount(marked, minlength=len(THRESHOLDS) + 1).astype(np.float64)
    return np.asarray(counts[::-1].cumsum()[::-1][1:])
