"""The grid on which a network sees a volume, and the way back to the volume's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from medtransfer.contract.plan import VolumePlan
from medtransfer.transfer.resampling import Label, resample, resample_labels

Triple = tuple[int, int, int]
Affine = NDArray[np.float64]
Value = TypeVar("Value", bound=np.generic)

_TOWARDS = ((2, 1.0), (1, -1.0), (0, -1.0))
"""World axis (LPS) and direction of the canonical array's axes: to the head, to the front, to the right. This is the
order of TotalSegmentator's files (RAS, read as ``(z, y, x)``), and so of the published networks' training."""

ANISOTROPIC = 3.0
"""Beyond this ratio of spacings the coarse axis is resampled by the nearest slice (nnU-Net, Isensee et al. 2021)."""


@dataclass(frozen=True, eq=False)
class Frame:
    """How one volume lies on the network's grid.

    Attributes
    ----------
    original
        ``(z, y, x)`` of the volume as it came.
    order, flipped
        The volume's axis that becomes each canonical axis, and whether it is turned round.
    start, stop
        The part of the canonical volume that holds anything but zeros.
    shape
        ``(z, y, x)`` on the network's grid.
    coarse_axis
        Canonical axis along which the nearest slice is taken; None for evenly spaced volumes.
    affine
        4x4, indices ``(z, y, x, 1)`` on the network's grid to LPS mm.
    """

    original: Triple
    order: Triple
    flipped: tuple[bool, bool, bool]
    start: Triple
    stop: Triple
    shape: Triple
    coarse_axis: int | None
    affine: Affine

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """The slices that cut the part with values out of the canonical volume."""
        z, y, x = (slice(*ends) for ends in zip(self.start, self.stop, strict=True))
        return z, y, x

    def canonical(self, array: NDArray[Value]) -> NDArray[Value]:
        """Return a view of an array on the original grid, its axes to the head, to the front and to the right."""
        return _oriented(array, self.order, self.flipped)

    def to_network(self, labels: NDArray[Label]) -> NDArray[Label]:
        """Return a label map of the original grid on the network's grid."""
        return resample_labels(self.canonical(labels)[self.box], self.shape, self.coarse_axis)

    def to_original(self, labels: NDArray[Label]) -> NDArray[Label]:
        """Return a label map of the network's grid on the original grid; what was cut off is background."""
        z, y, x = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        result = np.zeros(self.original, dtype=labels.dtype)
        self.canonical(result)[self.box] = resample_labels(labels, (z, y, x), self.coarse_axis)
        return result

    def spread(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values of the network's grid on the original grid, within their own range; 0 where it was cut off."""
        z, y, x = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        result = np.zeros(self.original, dtype=np.float32)
        self.canonical(result)[self.box] = resample(values, (z, y, x), self.coarse_axis)
        return result


def content(arrays: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Return an array that is not zero where any of several volumes on one grid is not; a single volume as it is."""
    if len(arrays) == 1:
        return arrays[0]
    found: NDArray[np.bool_] = arrays[0] != 0
    for other in arrays[1:]:
        found |= other != 0
    return found


def frame(array: NDArray[np.generic], affine: Affine, plan: VolumePlan) -> Frame:
    """Return how a volume comes onto the grid of a plan.

    As nnU-Net does it, but for the first step: the axes are turned to the orientation of the training data, zeros
    around the volume are cut off, and the rest is resampled to the plan's spacing.

    Parameters
    ----------
    array
        ``(z, y, x)``.
    affine
        4x4, indices ``(z, y, x, 1)`` to LPS mm.
    """
    order, flipped = _orientation(affine)
    canonical = _oriented(array, order, flipped)
    start, stop = _extent(canonical)
    spacing = [float(np.linalg.norm(affine[:3, axis])) for axis in order]
    sizes = [end - begin for begin, end in zip(start, stop, strict=True)]
    z, y, x = (
        max(1, round(size * own / wanted)) for size, own, wanted in zip(sizes, spacing, plan.spacing, strict=True)
    )
    stretch = np.eye(4)
    for axis, (size, new) in enumerate(zip(sizes, (z, y, x), strict=True)):
        stretch[axis, axis] = size / new
        stretch[axis, 3] = (size / new - 1) / 2 + start[axis]
    return Frame(
        original=_triple(array.shape),
        order=order,
        flipped=flipped,
        start=start,
        stop=stop,
        shape=(z, y, x),
        coarse_axis=_coarse_axis(spacing, plan.spacing),
        affine=affine @ _turn(order, flipped, array.shape) @ stretch,
    )


def _orientation(affine: Affine) -> tuple[Triple, tuple[bool, bool, bool]]:
    """Return the axis for each canonical axis and whether to turn it round; the closest ones of an oblique volume."""
    found = io_orientation(affine)  # type: ignore[no-untyped-call] # nibabel carries no types
    order = _triple([int(np.flatnonzero(found[:, 0] == world)[0]) for world, _ in _TOWARDS])
    z, y, x = (bool(found[axis, 1] != sign) for axis, (_, sign) in zip(order, _TOWARDS, strict=True))
    return order, (z, y, x)


def _oriented(array: NDArray[Value], order: Triple, flipped: Sequence[bool]) -> NDArray[Value]:
    return array.transpose(order)[tuple(slice(None, None, -1 if turned else 1) for turned in flipped)]


def _turn(order: Triple, flipped: Sequence[bool], shape: Sequence[int]) -> Affine:
    """Return 4x4: canonical indices to original ones."""
    turn = np.zeros((4, 4))
    turn[3, 3] = 1.0
    for canonical, (axis, turned) in enumerate(zip(order, flipped, strict=True)):
        turn[axis, canonical] = -1.0 if turned else 1.0
        turn[axis, 3] = shape[axis] - 1 if turned else 0.0
    return turn


def _extent(array: NDArray[np.generic]) -> tuple[Triple, Triple]:
    """Return where the values other than zero begin and end along each axis; all of it when there are none."""
    marks = [np.zeros(size, dtype=bool) for size in array.shape]
    for index, plane in enumerate(array):
        filled = plane != 0
        rows = filled.any(axis=1)
        marks[0][index] = rows.any()
        marks[1] |= rows
        marks[2] |= filled.any(axis=0)
    if not marks[0].any():
        return (0, 0, 0), _triple(array.shape)
    places = [np.flatnonzero(mark) for mark in marks]
    return _triple([int(place[0]) for place in places]), _triple([int(place[-1]) + 1 for place in places])


def _coarse_axis(spacing: Sequence[float], wanted: Sequence[float]) -> int | None:
    """Return the one axis that is far coarser than the others, of the volume or else of the plan."""
    for each in (spacing, wanted):
        if max(each) > ANISOTROPIC * min(each):
            coarsest = [axis for axis, value in enumerate(each) if value == max(each)]
            return coarsest[0] if len(coarsest) == 1 else None
    return None


def _triple(values: Sequence[int]) -> Triple:
    z, y, x = values
    return z, y, x
