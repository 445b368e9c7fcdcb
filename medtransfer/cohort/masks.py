"""Masks: label maps on the grid of the image that they were drawn on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.cohort.model import Cohort
from medtransfer.cohort.structures import LARGEST
from medtransfer.errors import DataError
from medtransfer.study.model import Image

_OFF_GRID = 0.1
"""Share of a voxel by which the corners of mask and image may differ: more than any rounding of a header."""


def only_image(path: Path) -> Image:
    """Return the image of a file that holds one.

    Raises
    ------
    DataError
        ``cohort.several-series`` when it holds more, and whatever opening it raises.
    """
    series = [series for entry in study.open(path) for series in entry.series]
    if len(series) != 1:
        raise DataError(
            f"the file holds {len(series)} series where one is expected",
            code="cohort.several-series",
            hint="Give a file with one image.",
            subject=path.name,
        )
    return series[0].image()


def read(path: Path, image: Image) -> NDArray[np.uint16]:
    """Return a mask: uint16 ``(z, y, x)`` on the image's grid, 0 where nothing is marked.

    Raises
    ------
    DataError
        ``mask.grid`` when it lies on another grid than the image, ``mask.values`` when its values are not whole
        numbers from 0 to 65,535.
    """
    mask = only_image(path)
    if not _on_grid(mask, image):
        raise DataError(
            "the mask does not lie on the grid of its image: size, spacing, orientation or place differ",
            code="mask.grid",
            hint="Export the mask again from the program that drew it, on the grid of the original image.",
            subject=path.name,
        )
    array = mask.array.astype(np.float64) if np.issubdtype(mask.array.dtype, np.floating) else mask.array
    whole = np.issubdtype(array.dtype, np.integer) or np.array_equal(array, np.trunc(array))
    if not whole or array.min() < 0 or array.max() > LARGEST:
        raise DataError(
            "the values of the mask are not whole numbers from 0 to 65,535",
            code="mask.values",
            hint="Export it as a label map: one number for each structure, never interpolated.",
            subject=path.name,
        )
    return array.astype(np.uint16)


def shown(mask: NDArray[np.uint16]) -> tuple[int, ...]:
    """Return the numbers that occur in a mask beside 0, ascending."""
    return tuple(np.flatnonzero(np.bincount(mask.ravel()))[1:].tolist()) if mask.any() else ()


def with_presence(cohort: Cohort, values: Mapping[str, tuple[int, ...]]) -> Cohort:
    """Return the cohort with each case's labels known: 1 for a structure that its mask shows, 0 for one it does not.

    ``values`` has the numbers in each case's mask by the case's key. A cohort without masks stays as it is.
    """
    numbers = {structure.id: structure.value for structure in cohort.structures}
    if not numbers:
        return cohort
    cases = (
        replace(case, labels={label: int(numbers[label] in values[case.key]) for label in cohort.labels})
        for case in cohort.cases
    )
    return replace(cohort, cases=tuple(cases))


def _on_grid(mask: Image, image: Image) -> bool:
    if mask.affine is None or image.affine is None or image.spacing is None or mask.array.shape != image.array.shape:
        return False
    ends = np.array([(0, size - 1) for size in image.array.shape])
    corners = np.stack([*(axis.ravel() for axis in np.meshgrid(*ends)), np.ones(8)])
    apart = np.linalg.norm(((mask.affine - image.affine) @ corners)[:3], axis=0)
    return bool(apart.max() <= _OFF_GRID * min(image.spacing))
