"""How large the structures of a label map are, how bright, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medtransfer.study.model import Image

Corner = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Measures:
    """One structure of a label map.

    Attributes
    ----------
    volume_ml
        Volume of its voxels, millilitres.
    mean, sd
        Mean and standard deviation (of the voxels themselves, not of a sample) of the image's values; None when the
        image is not in Hounsfield units, or no voxel is a number.
    box
        Smallest and largest index along ``(z, y, x)``, both included.
    """

    volume_ml: float
    mean: float | None
    sd: float | None
    box: tuple[Corner, Corner]


def voxel_ml(image: Image) -> float:
    """Return the volume of one voxel in millilitres, 0 for what is not placed in space."""
    return 0.0 if image.affine is None else abs(float(np.linalg.det(image.affine[:3, :3]))) / 1000.0


def measured(labels: NDArray[np.unsignedinteger], image: Image) -> Mapping[int, Measures]:
    """Return the measures of every structure that has a voxel, by its number.

    Sums are taken slice by slice in float64, so that a volume of any size needs little more memory than it has.

    Parameters
    ----------
    labels
        ``(z, y, x)`` on the image's own grid; 0 is background.
    image
        A volume.
    """
    voxels, numbers, mean, squares = _sums(labels, image.array)
    millilitres = voxel_ml(image)
    found = {}
    places = ndimage.find_objects(labels)  # type: ignore[attr-defined] # SciPy carries no types
    for value, place in enumerate(places, start=1):
        if place is None:
            continue
        z, y, x = place
        known = image.units == "HU" and numbers[value] > 0
        found[value] = Measures(
            volume_ml=round(int(voxels[value]) * millilitres, 3),
            mean=round(float(mean[value]), 1) if known else None,
            sd=round(float(np.sqrt(squares[value] / numbers[value])), 1) if known else None,
            box=((z.start, y.start, x.start), (z.stop - 1, y.stop - 1, x.stop - 1)),
        )
    return found


def _sums(labels: NDArray[np.unsignedinteger], values: NDArray[np.generic]) -> tuple[NDArray[np.float64], ...]:
    """Return for each number its voxels, those that are numbers, their mean, and the sum of squared distances to it."""
    count = int(labels.max(initial=0)) + 1
    voxels, numbers, total, squares = (np.zeros(count) for _ in range(4))
    for plane, seen in zip(labels, values, strict=True):
        inside = plane > 0
        own, shades = plane[inside], seen[inside].astype(np.float64)
        voxels += np.bincount(own, minlength=count)
        finite = np.isfinite(shades)
        numbers += np.bincount(own[finite], minlength=count)
        total += np.bincount(own[finite], shades[finite], minlength=count)
    mean = np.divide(total, numbers, out=np.zeros(count), where=numbers > 0)
    for plane, seen in zip(labels, values, strict=True):
        inside = plane > 0
        own, shades = plane[inside], seen[inside].astype(np.float64)
        finite = np.isfinite(shades)
        squares += np.bincount(own[finite], (shades[finite] - mean[own[finite]]) ** 2, minlength=count)
    return voxels, numbers, mean, squares
