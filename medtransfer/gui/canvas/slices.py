"""How slices of an image lie on the screen: which way round, how far apart, where in the patient.

Nothing is resampled: a plane shows the array's own samples along the axis that comes closest to it, turned by the
radiological convention (the viewer looks from the feet, or at the patient's face): the patient's right is on the left
of axial and coronal slices, and the front on the left of sagittal ones. Where the scanner's axes are tilted against the
patient's, the letters say so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medtransfer.study.model import Image

Voxel = tuple[float, ...]
"""Array indices, slowest first: ``(k, j, i)`` of a volume, ``(y, x)`` of a picture; whole numbers are centres."""

_NAMES = (("L", "R"), ("P", "A"), ("S", "I"))
_LEAST_SHARE = 0.1  # a direction within 6 degrees of an axis is named by that axis alone
_OBLIQUE_DEGREES = 6.0


class Plane(StrEnum):
    """The three planes of a volume."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# For each plane: the LPS axis that runs to the right of the screen, the one that runs down and its sense, the normal.
_CONVENTION = {Plane.AXIAL: (0, 1, 1, 2), Plane.CORONAL: (0, 2, -1, 1), Plane.SAGITTAL: (1, 2, -1, 0)}


@dataclass(frozen=True)
class Letters:
    """What to write at the four sides; empty where the image does not say."""

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""


@dataclass(frozen=True, eq=False)
class Slicing:
    """One plane of one image.

    Attributes
    ----------
    plane
        None for a picture.
    shape
        The image's spatial shape, ``(z, y, x)`` or ``(y, x)``.
    axes
        The array's axes that are the slice's number, its rows and its columns; None for the number in a picture.
    flips
        Whether rows and columns run against the array.
    steps
        ``(2, 2)``: its columns are one column's and one row's step on the scene. The scene's x grows to the right, y
        down, in ``unit``. The second step leans where the gantry was tilted.
    unit
        ``mm``, or ``px`` where the image has no known size.
    letters
        What to write at the sides.
    tilt
        Angle in degrees between the slice's normal and the patient's axis.
    affine
        The image's (see :class:`Image`).
    """

    plane: Plane | None
    shape: tuple[int, ...]
    axes: tuple[int | None, int, int]
    flips: tuple[bool, bool]
    steps: NDArray[np.float64]
    unit: Literal["mm", "px"]
    letters: Letters
    tilt: float = 0.0
    affine: NDArray[np.float64] | None = None

    @property
    def count(self) -> int:
        """How many slices there are."""
        return 1 if self.axes[0] is None else self.shape[self.axes[0]]

    @property
    def rows(self) -> int:
        """How many rows a slice has."""
        return self.shape[self.axes[1]]

    @property
    def columns(self) -> int:
        """How many columns a slice has."""
        return self.shape[self.axes[2]]

    @property
    def title(self) -> str:
        """The plane's name, with its tilt where it is oblique; empty for a picture."""
        if self.plane is None:
            return ""
        return f"{self.plane} oblique {self.tilt:.0f}°" if self.tilt > _OBLIQUE_DEGREES else str(self.plane)

    def slice(self, array: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        """Return slice ``index`` as it is shown, ``(rows, columns)`` or ``(rows, columns, 3)``: a view, not a copy."""
        number, row, column = self.axes
        if number is not None:
            array = array[(slice(None),) * number + (index,)]
            if row > column:
                array = array.swapaxes(0, 1)
        return array[:: -1 if self.flips[0] else 1, :: -1 if self.flips[1] else 1]

    def voxel(self, row: float, column: float, index: int) -> Voxel:
        """Return the array indices of a place on slice ``index``; whole rows and columns are pixel centres."""
        found = [0.0] * len(self.shape)
        number, row_axis, column_axis = self.axes
        if number is not None:
            found[number] = float(index)
        found[row_axis] = self.rows - 1 - row if self.flips[0] else row
        found[column_axis] = self.columns - 1 - column if self.flips[1] else column
        return tuple(found)

    def place(self, voxel: Voxel) -> tuple[float, float, int]:
        """Return row, column and slice number of array indices: the inverse of :meth:`voxel`."""
        number, row_axis, column_axis = self.axes
        row = self.rows - 1 - voxel[row_axis] if self.flips[0] else voxel[row_axis]
        column = self.columns - 1 - voxel[column_axis] if self.flips[1] else voxel[column_axis]
        return row, column, 0 if number is None else round(voxel[number])

    def scene(self, row: float, column: float) -> tuple[float, float]:
        """Return the scene's x and y of a place; the first pixel's outer corner is the origin."""
        x, y = self.steps @ (column + 0.5, row + 0.5)
        return float(x), float(y)

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return row and column of a place on the scene: the inverse of :meth:`scene`."""
        column, row = np.linalg.solve(self.steps, (x, y))
        return float(row) - 0.5, float(column) - 0.5

    def lps(self, voxel: Voxel) -> tuple[float, float, float] | None:
        """Return a place in the patient in mm; None for a picture."""
        if self.affine is None:
            return None
        x, y, z = self.affine[:3, :3] @ voxel + self.affine[:3, 3]
        return float(x), float(y), float(z)

    def inside(self, row: float, column: float) -> bool:
        """Whether a place lies on the slice."""
        return -0.5 <= row < self.rows - 0.5 and -0.5 <= column < self.columns - 0.5


def slicing(image: Image, plane: Plane | None = None) -> Slicing:
    """Return how ``plane`` of an image is shown; pictures have none, and volumes are shown axial unless asked.

    Raises
    ------
    ValueError
        When a plane is asked of a picture.
    """
    if image.affine is not None:
        return _of_volume(image, image.affine, plane or Plane.AXIAL)
    if plane is not None:
        raise ValueError("a picture has no planes")
    row_mm, column_mm = image.pixel_spacing or (1.0, 1.0)
    return Slicing(
        plane=None,
        shape=image.spatial_shape,
        axes=(None, 0, 1),
        flips=(False, False),
        steps=np.diag([column_mm, row_mm]),
        unit="mm" if image.pixel_spacing else "px",
        letters=_eye_letters(image),
    )


def nearest_axes(affine: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return the array axes that come closest to the patient's x, y and z, each used once."""
    closeness = np.abs(_directions(affine))
    first, second, third = max(
        permutations(range(3)), key=lambda axes: float(sum(closeness[world, axis] for world, axis in enumerate(axes)))
    )
    return first, second, third


def side(direction: NDArray[np.float64]) -> str:
    """Name a direction in the patient: one letter, or up to three for an oblique one, the largest part first."""
    parts = direction / np.linalg.norm(direction)
    order = sorted(range(3), key=lambda axis: -abs(parts[axis]))
    return "".join(_NAMES[axis][0 if parts[axis] > 0 else 1] for axis in order if abs(parts[axis]) > _LEAST_SHARE)


def _of_volume(image: Image, affine: NDArray[np.float64], plane: Plane) -> Slicing:
    right_world, down_world, down_sense, normal_world = _CONVENTION[plane]
    nearest = nearest_axes(affine)
    number, row, column = nearest[normal_world], nearest[down_world], nearest[right_world]
    directions = _directions(affine)
    flip_columns = bool(directions[right_world, column] < 0)
    flip_rows = bool(directions[down_world, row] * down_sense < 0)
    across = affine[:3, column] * (-1.0 if flip_columns else 1.0)
    along = affine[:3, row] * (-1.0 if flip_rows else 1.0)
    width = float(np.linalg.norm(across))
    right = across / width
    lean = float(along @ right)
    upright = along - lean * right
    height = float(np.linalg.norm(upright))
    down = upright / height
    normal = np.cross(right, down)
    return Slicing(
        plane=plane,
        shape=image.spatial_shape,
        axes=(number, row, column),
        flips=(flip_rows, flip_columns),
        steps=np.array([[width, lean], [0.0, height]]),
        unit="mm",
        letters=Letters(side(-right), side(right), side(-down), side(down)),
        tilt=math.degrees(math.acos(min(1.0, abs(float(normal[normal_world]))))),
        affine=affine,
    )


def _directions(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = affine[:3, :3]
    return np.asarray(columns / np.linalg.norm(columns, axis=0), dtype=np.float64)


def _eye_letters(image: Image) -> Letters:
    """Name the nasal and temporal side of a photograph of the back of a named eye, as a viewer faces the patient."""
    if image.modality != "OP" or image.laterality is None:
        return Letters()
    return Letters("N", "T") if image.laterality == "L" else Letters("T", "N")
