"""Tilted or unevenly spaced slices, resampled to a volume with right angles and one slice distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.study.volume import Stack

Pixels = NDArray[np.generic]
Plane = NDArray[np.float32]

_DECIMALS = 6  # of a pixel: beyond is noise of the arithmetic


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the slices of a stack go in a volume with right angles.

    Attributes
    ----------
    affine
        4x4, array indices ``(k, j, i, 1)`` to LPS millimetres, its columns at right angles.
    shape
        ``(z, y, x)``: in the plane as much larger than a slice as the slices are shifted against each other.
    levels
        For every slice of the volume its place between the given slices, as a fractional index.
    shifts
        How many rows and columns each given slice is moved, zero or more, shape ``(n, 2)``.
    """

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    levels: NDArray[np.float64]
    shifts: NDArray[np.float64]


def grid(stack: Stack, rows: int, columns: int, distance: float | None) -> Grid:
    """Lay a volume with right angles over a stack, with all of every slice inside it.

    Parameters
    ----------
    stack
        Slices in order, ``rows`` x ``columns`` pixels each.
    distance
        Wished distance between slices in mm; the nearest is used with which the first and the last slice keep their
        places. None leaves the slices at their own levels, evenly apart.
    """
    spacing = np.linalg.norm(stack.affine[:3, 1:3], axis=0)
    shifts = np.round(stack.shifts / spacing, _DECIMALS)
    start, end = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    heights = stack.heights
    count = len(heights) if distance is None else round(heights[-1] / distance) + 1
    levels = np.arange(count, dtype=np.float64)
    if distance is not None:
        levels = np.interp(np.linspace(0.0, heights[-1], count), heights, np.arange(len(heights)))
    affine = stack.affine.copy()
    across = np.cross(affine[:3, 2], affine[:3, 1])
    affine[:3, 0] = across / np.linalg.norm(across) * heights[-1] / (count - 1)
    affine[:3, 3] += affine[:3, 1:3] @ start
    extent = (end - start).astype(int)
    return Grid(affine, (count, rows + int(extent[0]), columns + int(extent[1])), levels, shifts - start)


def resample(array: Pixels, onto: Grid) -> Pixels:
    """Move every slice in its plane and interpolate between slices, both linearly; the same dtype.

    What no slice covers gets the smallest value of the array: a scanner's padding value, or air. Whole numbers are
    rounded to the nearest.

    Parameters
    ----------
    array
        Slices in the order of the stack, ``(z, y, x)``.
    """
    outside = np.float32(array.min())
    volume = np.empty(onto.shape, dtype=array.dtype)
    moved: dict[int, Plane] = {}

    def plane(index: int) -> Plane:
        if index not in moved:
            moved[index] = _moved(array[index], onto, index, outside)
        return moved[index]

    for k, level in enumerate(onto.levels):
        below = int(level)
        share = np.float32(level - below)
        values = plane(below) if share == 0.0 else plane(below) * (1 - share) + plane(below + 1) * share
        volume[k] = np.rint(values) if array.dtype.kind in "iu" else values
        for passed in [index for index in moved if index < below]:
            del moved[passed]
    return volume


def _moved(values: Pixels, onto: Grid, index: int, outside: np.float32) -> Plane:
    down, right = onto.shifts[index]
    stretched = _shifted(values.astype(np.float32), float(down), onto.shape[1], outside)
    return _shifted(stretched.T, float(right), onto.shape[2], outside).T


def _shifted(values: Plane, shift: float, rows: int, outside: np.float32) -> Plane:
    """Move rows down by a fractional number of rows into a plane of ``rows`` rows."""
    whole = int(shift)
    share = np.float32(shift - whole)
    plane = np.full((rows, values.shape[1]), outside, dtype=np.float32)
    if share == 0.0:
        plane[whole : whole + len(values)] = values
    else:
        plane[whole + 1 : whole + len(values)] = values[1:] * (1 - share) + values[:-1] * share
    return plane
