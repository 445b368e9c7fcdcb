"""From the volumes of a cohort to a plan for its network, by the rules of nnU-Net's planner.

Isensee et al. (Nature Methods 18, 2021) and version 2 of their program: the spacing is the median, of a coarse axis the
finest tenth; the patch covers as much of a median volume as memory allows; axes are pooled while they are fine and
long enough. Memory stands here as a number of voxels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.transfer.volume_frame import ANISOTROPIC, Triple

SAMPLES = 10_000
"""Voxels of structures that each case contributes to the intensities."""
_SMALLEST_MAP = 4
"""An axis is not pooled below this many voxels."""
_MOST_POOLINGS = 5
"""STU-Net pools no further; its authors leave out what a plan has more."""
_COARSE_PERCENTILE = 10
SMALLEST_SIDE = 32
"""Patches with fewer voxels than a cube of this side show too little of what surrounds a structure."""
_FIELD = 256
"""The first patch covers as much as this many voxels cubed at isotropic spacing, before it is made smaller."""

Strides = tuple[Triple, ...]


@dataclass(frozen=True, eq=False)
class CaseFacts:
    """What the plan needs to know of one training case.

    Attributes
    ----------
    shape
        ``(z, y, x)`` of the canonical volume without the zeros around it, in voxels.
    spacing
        ``(z, y, x)`` in mm.
    values
        Values inside structures, at most :data:`SAMPLES` of them.
    further
        The same of each further volume of the case.
    """

    shape: Triple
    spacing: tuple[float, float, float]
    values: NDArray[np.float64]
    further: tuple[NDArray[np.float64], ...] = ()


@dataclass(frozen=True)
class Kept:
    """What pretrained weights are used with unchanged: their poolings and how values were normalised."""

    pools: Strides
    intensities: Intensities | None
    further: tuple[Intensities | None, ...] = ()


def plan_for(
    cases: Sequence[CaseFacts],
    *,
    voxels: int,
    spacing: float,
    ct: bool,
    kept: Kept | None,
    further_ct: Sequence[bool] = (),
) -> VolumePlan:
    """Return how volumes like these are prepared, and in which patches a network should see them.

    Parameters
    ----------
    cases
        The training cases.
    voxels
        How many a patch may hold; where the poolings need more, the smallest patch that they allow is taken.
    spacing
        In mm along every axis; 0 for what suits the cases.
    ct
        Whether values are Hounsfield units: clipped and scaled by the structures' own. Else a z-score of each volume.
    kept
        What the weights to start from demand; None where they start from random ones.
    further_ct
        Whether the values of each further volume of a case are Hounsfield units.
    """
    distances = (spacing, spacing, spacing) if spacing else _spacing(cases)
    sizes = [[n * mm for n, mm in zip(case.shape, case.spacing, strict=True)] for case in cases]
    z, y, x = (max(1, round(float(n))) for n in np.median(np.round(np.array(sizes) / distances), axis=0))
    patch = _first_patch(distances, (z, y, x))
    if kept is None:
        patch, pools = _fitted(patch, distances, (z, y, x), voxels)
        intensities = _intensities([case.values for case in cases]) if ct else None
    else:
        pools, intensities = kept.pools, kept.intensities
        patch = _fitted_to(patch, (z, y, x), voxels, _divisor(pools))
    return VolumePlan(
        spacing=distances,
        patch=patch,
        pools=pools,
        normalisation="z-score" if intensities is None else "ct",
        intensities=intensities,
        further=_further(cases, further_ct, kept),
    )


def poolings(spacing: Sequence[float], patch: Sequence[int]) -> Strides:
    """Return the strides, finest first: in each pooling the axes that are fine and long enough."""
    distances, sizes = list(spacing), list(patch)
    found: list[Triple] = []
    while len(found) < _MOST_POOLINGS:
        long = [axis for axis in range(3) if sizes[axis] >= 2 * _SMALLEST_MAP]
        finest = min((distances[axis] for axis in long), default=0.0)
        pooled = [axis for axis in long if distances[axis] / finest < 2]
        if not pooled or (len(pooled) == 1 and sizes[pooled[0]] < 3 * _SMALLEST_MAP):
            break
        z, y, x = (2 if axis in pooled else 1 for axis in range(3))
        found.append((z, y, x))
        for axis in pooled:
            distances[axis] *= 2
            sizes[axis] = -(-sizes[axis] // 2)
    return tuple(found)


def smaller(patch: Triple, pools: Strides) -> Triple | None:
    """Return a patch of half as many voxels that the poolings allow, its sides shortened in turn.

    It holds no fewer voxels than a cube of :data:`SMALLEST_SIDE`: None where that leaves nothing to shorten.
    """
    found, shorter = patch, _shortened(patch, patch, _divisor(pools))
    while shorter is not None and math.prod(shorter) >= SMALLEST_SIDE**3 and 2 * math.prod(found) > math.prod(patch):
        found, shorter = shorter, _shortened(shorter, patch, _divisor(pools))
    return None if found == patch else found


def _spacing(cases: Sequence[CaseFacts]) -> tuple[float, float, float]:
    """Return the median; where one axis is far coarser and shorter than the others, of that axis a finer spacing."""
    spacings = np.array([case.spacing for case in cases])
    median = np.median(spacings, axis=0)
    sizes = np.median([case.shape for case in cases], axis=0)
    worst = int(np.argmax(median))
    others = [axis for axis in range(3) if axis != worst]
    if median[worst] > ANISOTROPIC * median[others].max() and sizes[worst] * ANISOTROPIC < sizes[others].min():
        finer = float(np.percentile(spacings[:, worst], _COARSE_PERCENTILE))
        median[worst] = max(finer, float(median[others].max()))
    z, y, x = map(float, median)
    return z, y, x


def _first_patch(spacing: Sequence[float], size: Triple) -> Triple:
    """Return a patch of even sides in mm, no larger than a median volume."""
    density = 1.0 / np.array(spacing)
    sides = np.round(density * (_FIELD**3 / density.prod()) ** (1 / 3))
    z, y, x = (min(int(side), most) for side, most in zip(sides, size, strict=True))
    return z, y, x


def _fitted(patch: Triple, spacing: Sequence[float], size: Triple, voxels: int) -> tuple[Triple, Strides]:
    """Shorten the side that covers most of a median volume until the patch is small enough, pooling anew each time."""
    pools = poolings(spacing, patch)
    patch = _padded(patch, _divisor(pools))
    while np.prod(patch) > voxels:
        shorter = _shortened(patch, size, _divisor(pools))
        if shorter is None:
            break
        pools = poolings(spacing, shorter)
        patch = _padded(shorter, _divisor(pools))
    return patch, pools


def _fitted_to(patch: Triple, size: Triple, voxels: int, divisor: Triple) -> Triple:
    """Do the same for poolings that are given."""
    patch = _padded(patch, divisor)
    while np.prod(patch) > voxels:
        shorter = _shortened(patch, size, divisor)
        if shorter is None:
            break
        patch = shorter
    if patch == divisor:  # one voxel would be left at the coarsest resolution, which cannot be normalised
        z, y, x = patch
        return 2 * z, y, x
    return patch


def _shortened(patch: Triple, size: Triple, divisor: Triple) -> Triple | None:
    """Return the patch with one side a step shorter; None when no side can be, with voxels to pool left over."""
    covered = [side / most if side > step else 0.0 for side, most, step in zip(patch, size, divisor, strict=True)]
    axis = int(np.argmax(covered))
    z, y, x = (side - step * (at == axis) for at, (side, step) in enumerate(zip(patch, divisor, strict=True)))
    return None if covered[axis] == 0.0 or (z, y, x) == divisor else (z, y, x)


def _padded(patch: Triple, divisor: Triple) -> Triple:
    z, y, x = (-(-side // step) * step for side, step in zip(patch, divisor, strict=True))
    return z, y, x


def _divisor(pools: Strides) -> Triple:
    z, y, x = (int(np.prod([stride[axis] for stride in pools], dtype=int)) for axis in range(3))
    return z, y, x


def _further(
    cases: Sequence[CaseFacts], further_ct: Sequence[bool], kept: Kept | None
) -> tuple[Intensities | None, ...]:
    """Return how further volumes are normalised: as weights for as many demand, as z-scored ones know it, or anew."""
    if kept is not None and len(kept.further) == len(further_ct):
        return kept.further
    if kept is not None and kept.intensities is None:
        return (None,) * len(further_ct)
    return tuple(
        _intensities([case.further[place] for case in cases]) if ct else None for place, ct in enumerate(further_ct)
    )


def _intensities(inside: Sequence[NDArray[np.float64]]) -> Intensities:
    values = np.concatenate(inside)
    low, high = (float(np.percentile(values, share)) for share in (0.5, 99.5))
    return Intensities(mean=float(values.mean()), std=max(float(values.std()), 1e-8), low=low, high=high)
