"""Volumes on another grid that covers the same space: cubic splines for images, a vote of neighbours for labels.

Grids are aligned at their outer edges, as in nnU-Net: voxel i of m lies at ``(i + 0.5) * n / m - 0.5`` on the axis with
n. Interpolation is separable, so images are resampled one axis at a time by a matrix, a slice at a time: beside input
and result only one volume of intermediate size is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Label = TypeVar("Label", bound=np.integer)
Matrix = NDArray[np.float32]

_NUDGE = 1e-6
"""Moves samples that lie exactly between two voxels, in turn to either side: structures neither grow nor shift."""


def resample(array: NDArray[np.generic], shape: Sequence[int], coarse_axis: int | None = None) -> NDArray[np.float32]:
    """Return an image on another grid by cubic splines, kept within its own range of values.

    Equal to ``scipy.ndimage.zoom(order=3, mode="nearest", grid_mode=True)``.

    Parameters
    ----------
    array
        ``(z, y, x)``, finite.
    shape
        ``(z, y, x)`` of the result.
    coarse_axis
        Axis along which the nearest slice is taken instead, since its slices lie too far apart for splines.
    """
    z, y, x = (
        _matrix(n, m, nearest=axis == coarse_axis) for axis, (n, m) in enumerate(zip(array.shape, shape, strict=True))
    )
    low, high = np.inf, -np.inf
    between = np.empty((array.shape[0], *shape[1:]), dtype=np.float32)
    for plane, target in zip(array, between, strict=True):
        values = plane.astype(np.float32)
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        target[...] = y @ values @ x.T
    if array.shape[0] != shape[0]:
        between = (z @ between.reshape(len(between), -1)).reshape(tuple(shape))
    return np.clip(between, low, high, out=between)


@lru_cache(maxsize=16)
def _matrix(n: int, m: int, *, nearest: bool) -> Matrix:
    """Return what maps n samples to m: float32 (m, n)."""
    if n == m:
        return np.eye(n, dtype=np.float32)
    if nearest:
        return np.eye(n, dtype=np.float32)[_nearest(n, m)]
    zoom: Any = ndimage.zoom  # type: ignore[attr-defined] # SciPy carries no types
    spread = zoom(np.eye(n), (m / n, 1.0), order=3, mode="nearest", grid_mode=True)
    return np.asarray(spread, dtype=np.float32)


def _positions(n: int, m: int) -> NDArray[np.float64]:
    """Return where m voxels lie on the axis with n."""
    return np.clip((np.arange(m) + 0.5) * (n / m) - 0.5, 0.0, n - 1.0)


def _nearest(n: int, m: int) -> NDArray[np.intp]:
    return np.floor(_positions(n, m) + 0.5).astype(np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class _Neighbours:
    """For each voxel of an axis of the result, its two neighbours in the input and the share of the second."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: NDArray[np.float64]


def _neighbours(n: int, m: int, *, nearest: bool) -> _Neighbours:
    if n == m or nearest:
        index = np.arange(n) if n == m else _nearest(n, m)
        return _Neighbours(index, index, np.zeros(m))
    place = np.clip(_positions(n, m) + _NUDGE * (1 - 2 * (np.arange(m) % 2)), 0.0, n - 1.0)
    first = np.floor(place).astype(np.intp)
    return _Neighbours(first, np.minimum(first + 1, n - 1), place - first)


def resample_labels(labels: NDArray[Label], shape: Sequence[int], coarse_axis: int | None = None) -> NDArray[Label]:
    """Return a label map on another grid: each voxel gets the label with the largest linear weight.

    The same as interpolating every label's mask linearly and taking the largest, at a cost that does not depend on the
    number of labels: only voxels whose eight neighbours disagree are looked at.

    Parameters
    ----------
    labels
        ``(z, y, x)``.
    shape, coarse_axis
        As for :func:`resample`.
    """
    z, y, x = (
        _neighbours(n, m, nearest=axis == coarse_axis)
        for axis, (n, m) in enumerate(zip(labels.shape, shape, strict=True))
    )
    result = np.zeros(tuple(shape), dtype=labels.dtype)
    planes: dict[int, NDArray[Label]] = {}
    for index, target in enumerate(result):
        wanted = (int(z.first[index]), int(z.second[index]))
        planes = {at: planes[at] if at in planes else _corners(labels[at], y, x) for at in set(wanted)}
        corners = np.concatenate([planes[at] for at in wanted])
        if corners.any():
            target[...] = _elected(corners, float(z.share[index]), y.share, x.share)
    return result


def _corners(plane: NDArray[Label], y: _Neighbours, x: _Neighbours) -> NDArray[Label]:
    """Return for each voxel of the result its four neighbours in one plane: (4, y, x)."""
    rows = (plane[y.first], plane[y.second])
    return np.stack([row.take(column, axis=1) for row in rows for column in (x.first, x.second)])


def _elected(corners: NDArray[Label], z: float, y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[Label]:
    """Return the label with the largest weight among the eight neighbours (8, y, x) of each voxel."""
    result: NDArray[Label] = corners[0].copy()
    undecided = np.nonzero((corners[1:] != corners[0]).any(axis=0))
    candidates = corners[:, undecided[0], undecided[1]]
    rows, columns = y[undecided[0]], x[undecided[1]]
    weights = np.stack(
        [
            (z if above else 1 - z) * (rows if behind else 1 - rows) * (columns if beside else 1 - columns)
            for above, behind, beside in product((False, True), repeat=3)
        ]
    )
    votes = np.stack([(weights * (candidates == one)).sum(axis=0) for one in candidates])
    result[undecided] = np.take_along_axis(candidates, votes.argmax(axis=0)[np.newaxis], axis=0)[0]
    return result
