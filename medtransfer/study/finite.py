"""The smallest and the largest number of a volume, and how many of its voxels hold none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.errors import DataError


@dataclass(frozen=True, slots=True)
class FiniteRange:
    """The numbers of a volume: their smallest and largest, and how many voxels hold NaN or infinity."""

    low: float
    high: float
    missing: int


def finite_range(array: NDArray[np.generic]) -> FiniteRange:
    """Look through a volume plane by plane, in memory for one of them.

    Raises
    ------
    DataError
        ``volume.not-finite`` when no voxel is a number, ``volume.constant`` when all numbers are the same.
    """
    missing, low, high = 0, np.inf, -np.inf
    for plane in array:
        finite = np.isfinite(plane)
        count = int(np.count_nonzero(finite))
        missing += plane.size - count
        if count:
            numbers = plane if count == plane.size else plane[finite]
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
    if missing == array.size:
        raise DataError(
            "no voxel of the volume is a number",
            code="volume.not-finite",
            hint="Export the original images: the values were lost in a conversion.",
        )
    if low == high:
        raise DataError(
            "all voxels of the volume have the same value",
            code="volume.constant",
            hint="Choose another series: there is nothing to see in this one.",
        )
    return FiniteRange(low, high, missing)
