"""Where the tiles of a sliding window lie in a volume, and how much each of their voxels counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SIGMA_SHARE = 1 / 8
"""Standard deviation of the weights as a share of the tile's side (nnU-Net, Isensee et al. 2021)."""
REACH = 4.0
"""Where the Gaussian ends, in standard deviations (SciPy's default, which nnU-Net uses)."""

Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """The tiles that begin at the same plane of the axis along which the window moves last.

    ``finished`` is how many planes from ``start`` on no later row covers: they can be reduced to labels and forgotten.
    """

    start: int
    corners: tuple[Triple, ...]
    finished: int


def starts(size: int, tile: int, step: float) -> list[int]:
    """Return where tiles begin along one axis: evenly spread, at most ``step`` of a tile apart, the last at the end.

    nnU-Net's rule: ``ceil((size - tile) / (tile * step)) + 1`` tiles, their places rounded to even as ``numpy.round``
    does. ``size`` must be at least ``tile``.
    """
    count = math.ceil((size - tile) / (tile * step)) + 1
    if count == 1:
        return [0]
    return [int(np.round((size - tile) / (count - 1) * index)) for index in range(count)]


def rows(shape: Sequence[int], tile: Sequence[int], step: float, axis: int) -> list[Row]:
    """Return the tiles of a volume, row by row along one of its axes.

    Parameters
    ----------
    shape
        ``(z, y, x)`` of the volume in voxels, nowhere smaller than the tile.
    tile
        ``(z, y, x)`` of a tile.
    step
        Largest distance between neighbouring tiles as a share of the tile, in (0, 1].
    axis
        Along which the rows follow each other: 0, 1 or 2.
    """
    places = [starts(size, side, step) for size, side in zip(shape, tile, strict=True)]
    along = places[axis]
    ends = [*along[1:], shape[axis]]
    found = []
    for start, end in zip(along, ends, strict=True):
        places[axis] = [start]
        z, y, x = places
        found.append(Row(start, tuple(product(z, y, x)), end - start))
    return found


def bands(size: int, tile: int, step: float, most: int) -> list[tuple[int, int]]:
    """Divide an axis into at most so many parts, each ``(begin, end)``.

    They meet where tiles begin: only the tiles that end behind such a place are needed on both sides of it.
    """
    places = sorted(set(starts(size, tile, step)))
    count = min(most, len(places))
    begins = [places[round(index * len(places) / count)] for index in range(count)]
    return list(zip(begins, [*begins[1:], size], strict=True))


def gaussian(tile: Sequence[int]) -> NDArray[np.float32]:
    """Return the weight of each voxel of a tile: float32 in (0, 1], 1 in the middle.

    A Gaussian of ``SIGMA_SHARE`` of each side; what would be zero gets the smallest weight that is not, so that a
    voxel covered by one tile's rim alone still has an answer.
    """
    z, y, x = (_bell(side) for side in tile)
    weights: NDArray[np.float32] = (z[:, None, None] * y[None, :, None] * x[None, None, :]).astype(np.float32)
    weights[weights == 0] = weights[weights > 0].min()
    return weights


def _bell(side: int) -> NDArray[np.float64]:
    sigma = SIGMA_SHARE * side
    distance = np.abs(np.arange(side, dtype=np.float64) - side // 2)
    return np.where(distance <= int(REACH * sigma + 0.5), np.exp(-0.5 * (distance / sigma) ** 2), 0.0)


def cut(corner: Triple, tile: Sequence[int]) -> tuple[slice, slice, slice]:
    """Return the slices that cut a tile out of a volume."""
    z, y, x = (slice(begin, begin + side) for begin, side in zip(corner, tile, strict=True))
    return z, y, x


def flips(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return every combination of axes to mirror but the empty one."""
    chosen = product((False, True), repeat=len(axes))
    return [tuple(axis for axis, on in zip(axes, each, strict=True) if on) for each in chosen if any(each)]
