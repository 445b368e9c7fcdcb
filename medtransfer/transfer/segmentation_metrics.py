"""How well a segmentation matches a reference, structure by structure: overlap, surfaces, volumes.

Definitions as in Metrics Reloaded (Maier-Hein et al. 2024, Nature Methods 21, 195); surfaces are the voxels that one
erosion with the six-neighbourhood takes away, as in MONAI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from medtransfer.result.model import Record

TOLERANCE_MM = 3.0
"""Surfaces closer than this count as equal in the NSD: two voxels at 1.5 mm, as TotalSegmentator's authors chose
(Wasserthal et al. 2023, Radiology: AI 5(5))."""

_ROUNDING_MM = 1e-6  # five steps of 0.6 mm are 3 mm, whatever the last digit of their product

Mask = NDArray[np.bool_]

_ndimage: Any = ndimage  # SciPy carries no types


class StructureScore(Record):
    """How well one structure was found. A figure is None where it is not defined.

    Attributes
    ----------
    dice
        Overlap, 2|A and B| / (|A| + |B|), in [0, 1]; None when neither has the structure.
    nsd
        Normalised surface Dice: share of both surfaces within the tolerance of the other; None as for ``dice``.
    hd95_mm
        The larger of the two directed distances that 95 % of a surface keep to the other; None when either lacks the
        structure.
    volume_ml, reference_ml
        Volumes of the structure as it was found and in the reference.
    volume_error
        Signed difference of the volumes as a share of the reference; None when the reference lacks the structure.
    """

    dice: float | None = Field(ge=0.0, le=1.0)
    nsd: float | None = Field(ge=0.0, le=1.0)
    hd95_mm: float | None = Field(ge=0.0)
    volume_ml: float = Field(ge=0.0)
    reference_ml: float = Field(ge=0.0)
    volume_error: float | None


def scores(
    found: NDArray[np.integer],
    reference: NDArray[np.integer],
    values: Sequence[int],
    spacing: Sequence[float],
    tolerance_mm: float = TOLERANCE_MM,
) -> Mapping[int, StructureScore]:
    """Compare two label maps.

    Parameters
    ----------
    found, reference
        ``(z, y, x)`` on the same grid.
    values
        Numbers of the structures to compare, from 1 on.
    spacing
        ``(z, y, x)`` in mm.
    tolerance_mm
        For the NSD.
    """
    if found.shape != reference.shape:
        raise ValueError(f"the label maps lie on different grids: {found.shape} and {reference.shape}")
    boxes = _boxes(found, reference, max(values, default=0))
    return {
        value: score(found[boxes[value]] == value, reference[boxes[value]] == value, spacing, tolerance_mm)
        for value in values
    }


def score(found: Mask, reference: Mask, spacing: Sequence[float], tolerance_mm: float = TOLERANCE_MM) -> StructureScore:
    """Compare two masks ``(z, y, x)`` of one structure on the same grid; ``spacing`` and tolerance in mm."""
    own, theirs = int(np.count_nonzero(found)), int(np.count_nonzero(reference))
    voxel_ml = float(np.prod(spacing)) / 1000.0
    both = int(np.count_nonzero(found & reference))
    forth, back = _surface_distances(found, reference, spacing) if own and theirs else (None, None)
    return StructureScore(
        dice=2 * both / (own + theirs) if own + theirs else None,
        nsd=_surface_dice(forth, back, tolerance_mm) if own + theirs else None,
        hd95_mm=None if forth is None or back is None else _distance_95(forth, back),
        volume_ml=own * voxel_ml,
        reference_ml=theirs * voxel_ml,
        volume_error=(own - theirs) / theirs if theirs else None,
    )


def _surface_dice(forth: NDArray[np.float64] | None, back: NDArray[np.float64] | None, tolerance_mm: float) -> float:
    if forth is None or back is None:
        return 0.0
    near = sum(int(np.count_nonzero(distances <= tolerance_mm + _ROUNDING_MM)) for distances in (forth, back))
    return float(near / (forth.size + back.size))


def _distance_95(forth: NDArray[np.float64], back: NDArray[np.float64]) -> float:
    return max(float(np.percentile(distances, 95)) for distances in (forth, back))


def _surface_distances(
    found: Mask, reference: Mask, spacing: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far each surface voxel of the one lies from the other's surface, and the other way round, in mm."""
    box = _box(found | reference)
    own, theirs = _surface(found[box]), _surface(reference[box])
    to_theirs = _ndimage.distance_transform_edt(~theirs, sampling=spacing)
    to_own = _ndimage.distance_transform_edt(~own, sampling=spacing)
    return to_theirs[own], to_own[theirs]


def _surface(mask: Mask) -> Mask:
    inside: Mask = _ndimage.binary_erosion(mask)
    return mask & ~inside


def _box(mask: Mask) -> tuple[slice, ...]:
    box: tuple[slice, ...] = _ndimage.find_objects(mask.astype(np.uint8))[0]
    return box


def _boxes(found: NDArray[np.integer], reference: NDArray[np.integer], largest: int) -> Mapping[int, tuple[slice, ...]]:
    """Return the part of the volume that holds each structure in either map; an empty part where neither has it."""
    pairs = zip(*(_ndimage.find_objects(labels, largest) for labels in (found, reference)), strict=True)
    return {value: _around(*pair) for value, pair in enumerate(pairs, start=1)}


def _around(one: tuple[slice, ...] | None, other: tuple[slice, ...] | None) -> tuple[slice, ...]:
    if one is None or other is None:
        return one or other or (slice(0, 0),) * 3
    return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
