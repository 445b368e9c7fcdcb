"""Closed planar contours turned into planes of filled pixels.

Contours parallel to the image's slices, or to the planes of its rows or columns, are filled on the image's own voxel
centres; others on a finer grid in their own plane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.result.planes import Planes, crop
from medtransfer.result.polygons import fill
from medtransfer.study.model import Image

Points = NDArray[np.floating]

FLAT = 0.1
"""Of the image's smallest spacing: a contour that departs from its plane by more is not planar."""
LARGEST_REACH_MM = 5.0
"""A contour speaks for at most this much on either side, however far away the next is drawn."""
_MOST_PIXELS = 8192  # along one side of a plane that is not the image's own


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Pixels in parallel planes.

    Attributes
    ----------
    affine
        4x4, maps ``(height mm, row, column, 1)`` to LPS mm, as in :class:`Planes`.
    inverse
        The other way.
    shape
        Rows and columns that can lie within the image.
    step
        mm between the image's own planes in this direction.
    """

    affine: NDArray[np.floating]
    inverse: NDArray[np.floating]
    shape: tuple[int, int]
    step: float

    def places(self, points: Points) -> Points:
        """Return height in mm, row and column of points ``(n, 3)`` in LPS mm."""
        places: Points = points @ self.inverse[:3, :3].T + self.inverse[:3, 3]
        return places


class Grids:
    """The grids that a set of contours needs on one image: its own three, and one per further direction."""

    def __init__(self, image: Image) -> None:
        if image.affine is None or image.spacing is None:
            raise ValueError("a picture has no place in space")
        self._affine = image.affine
        self._shape = image.array.shape
        self.flat = FLAT * min(image.spacing)
        self._finest = min(image.spacing) / 2.0
        self._grids = [self._own(axis) for axis in range(3)]

    def grid_for(self, points: Points) -> Grid | None:
        """Return the grid in whose planes a contour lies; None when it lies in no plane at all."""
        spreads = [float(np.ptp(grid.places(points)[:, 0])) for grid in self._grids]
        best = int(np.argmin(spreads))
        if spreads[best] <= self.flat:
            return self._grids[best]
        grid = self._oblique(_normal(points))
        if np.ptp(grid.places(points)[:, 0]) > self.flat:
            return None
        self._grids.append(grid)
        return grid

    def _own(self, axis: int) -> Grid:
        first, second = (other for other in range(3) if other != axis)
        columns = self._affine[:3, :3]
        across = np.cross(columns[:, first], columns[:, second])
        step = abs(float(columns[:, axis] @ across / np.linalg.norm(across)))
        affine = self._affine.copy()
        affine[:3, :3] = np.stack([columns[:, axis] / step, columns[:, first], columns[:, second]], axis=1)
        return Grid(affine, np.linalg.inv(affine), (self._shape[first], self._shape[second]), step)

    def _oblique(self, across: Points) -> Grid:
        along = np.cross(across, np.eye(3)[np.argmin(np.abs(across))])
        along /= np.linalg.norm(along)
        ends = [(0, length - 1) for length in self._shape]
        corners = np.array([(k, j, i, 1.0) for k in ends[0] for j in ends[1] for i in ends[2]]) @ self._affine.T
        directions = np.stack([across, np.cross(across, along), along])
        spans = corners[:, :3] @ directions.T
        low, high = spans.min(axis=0), spans.max(axis=0)
        pixel = max(self._finest, float(np.max(high[1:] - low[1:])) / _MOST_PIXELS)
        affine = np.eye(4)
        affine[:3, :3] = (directions * np.array([1.0, pixel, pixel])[:, np.newaxis]).T
        affine[:3, 3] = directions.T @ low
        rows, columns = (int(np.ceil(extent / pixel)) + 1 for extent in high[1:] - low[1:])
        return Grid(affine, np.linalg.inv(affine), (rows, columns), 2.0 * self._finest)


def distance(heights: Iterable[float], flat: float) -> float | None:
    """Return mm between the two closest planes; None when there is only one."""
    gaps = np.diff(np.sort(np.fromiter(heights, dtype=np.float64)))
    gaps = gaps[gaps > flat]
    return float(gaps.min()) if gaps.size else None


def planes_of(contours: Sequence[Points], grid: Grid, reach: float, flat: float) -> Planes | None:
    """Fill one structure's contours in one grid; contours in one plane are combined by exclusive or.

    Parameters
    ----------
    contours
        Each ``(n, 3)``, LPS mm.
    reach
        How far a plane speaks, mm; never more than :data:`LARGEST_REACH_MM`.
    flat
        mm: contours closer than this lie in one plane.

    Returns
    -------
    Planes or None
        None when no pixel centre within the image's extent lies inside.
    """
    placed = sorted((grid.places(points) for points in contours), key=lambda places: float(places[:, 0].mean()))
    together: dict[int, list[Points]] = defaultdict(list)
    heights = np.array([places[:, 0].mean() for places in placed])
    for number, places in zip(np.cumsum(np.diff(heights, prepend=heights[0]) > flat), placed, strict=True):
        together[int(number)].append(places)
    crops, levels = [], []
    for members in together.values():
        cropped = crop(fill(_once([places[:, 1:] for places in members]), grid.shape))
        if cropped is not None:
            crops.append(cropped)
            levels.append(float(np.mean([places[:, 0].mean() for places in members])))
    return Planes(grid.affine, np.array(levels), crops, min(reach, LARGEST_REACH_MM)) if crops else None


def _once(polygons: Sequence[Points]) -> list[Points]:
    """Leave out repetitions: a contour that is stored twice would cancel itself."""
    return list({np.round(polygon, 3).tobytes(): polygon for polygon in polygons}.values())


def _normal(points: Points) -> Points:
    """Return the unit normal of a polygon by Newell's method, which concave ones do not mislead."""
    following = np.roll(points, -1, axis=0)
    across = np.cross(points - points[0], following - points[0]).sum(axis=0)
    length = float(np.linalg.norm(across))
    return across / length if length > 0 else np.array([0.0, 0.0, 1.0])
