"""Where the slices of a series lie: their order along the normal and the affine of the volume they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices in their order along the normal.

    Attributes
    ----------
    order
        Indices into the given positions, foot to head along the normal.
    gaps
        Distances along the normal between neighbours in mm, shape ``(n - 1,)``.
    step
        Vector from one slice to the next in mm, LPS; along the normal unless the gantry was tilted.
    tilt
        Angle between the step and the normal in degrees.
    deviation
        Largest distance in mm between a slice's position and the place that the affine gives it.
    shifts
        How far each slice lies beside the normal through the first one, in mm along columns and along rows: the
        direction in which the row index grows, then the column index. Shape ``(n, 2)``.
    affine
        4x4, array indices ``(k, j, i, 1)`` to LPS millimetres; sheared when the gantry was tilted.
    """

    order: tuple[int, ...]
    gaps: Vector
    step: Vector
    tilt: float
    deviation: float
    shifts: Vector
    affine: Vector

    @property
    def heights(self) -> Vector:
        """Distance of each slice from the first, along the normal, in mm, shape ``(n,)``."""
        return np.concatenate([[0.0], np.cumsum(self.gaps)])

    @property
    def sideways(self) -> float:
        """Largest distance in mm of a slice from the straight line through the first and the last, in its plane."""
        heights = self.heights
        if heights[-1] == 0.0:
            return 0.0
        along = np.outer(heights / heights[-1], self.shifts[-1])
        return float(np.linalg.norm(self.shifts - along, axis=1).max())


def normal(orientation: Sequence[float]) -> Vector:
    """Return the unit normal of a slice: the cross product of its row and its column direction."""
    across = np.cross(np.asarray(orientation[:3], dtype=np.float64), np.asarray(orientation[3:], dtype=np.float64))
    return np.asarray(across / np.linalg.norm(across), dtype=np.float64)


def is_orthonormal(orientation: Sequence[float]) -> bool:
    """Whether row and column directions are unit vectors at a right angle, within 0.001 (header values are rounded)."""
    directions = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    return bool(np.allclose(directions @ directions.T, np.eye(2), atol=1e-3))


def stack(
    positions: Sequence[Sequence[float]],
    orientation: Sequence[float],
    pixel_spacing: tuple[float, float],
    thickness: float,
) -> Stack:
    """Order slices and place the volume they form (DICOM PS3.3 C.7.6.2.1.1).

    Parameters
    ----------
    positions
        Image Position (Patient) of each slice, LPS mm.
    orientation
        Image Orientation (Patient): the direction of a row, then of a column.
    pixel_spacing
        Distance in mm between rows, then between columns.
    thickness
        Extent of the volume along the normal when there is only one slice, mm.
    """
    points = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    directions = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    across = normal(orientation)
    heights = points @ across
    order = np.argsort(heights, kind="stable")
    points = points[order]
    count = len(points)
    step = across * thickness if count == 1 else (points[-1] - points[0]) / (count - 1)
    placed = points[0] + np.arange(count)[:, np.newaxis] * step
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = directions[1] * pixel_spacing[0]
    affine[:3, 2] = directions[0] * pixel_spacing[1]
    affine[:3, 3] = points[0]
    return Stack(
        order=tuple(int(i) for i in order),
        gaps=np.diff(heights[order]),
        step=step,
        tilt=_angle(step, across),
        deviation=float(np.linalg.norm(points - placed, axis=1).max()),
        shifts=(points - points[0]) @ directions[::-1].T,
        affine=affine,
    )


def _angle(one: Vector, other: Vector) -> float:
    length = float(np.linalg.norm(one))
    if length == 0.0:
        return 0.0
    return float(np.degrees(np.arccos(np.clip(one @ other / length, -1.0, 1.0))))
