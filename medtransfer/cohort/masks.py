"""Volumes and their masks: label maps, or DICOM segmentations, on the grid of the image that they were drawn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.cohort import segments, words
from medtransfer.cohort.model import Case, Cohort, MaskStructure
from medtransfer.cohort.segments import Drawn
from medtransfer.cohort.structures import LARGEST
from medtransfer.errors import DataError
from medtransfer.study.companions import joined
from medtransfer.study.grids import same_grid
from medtransfer.study.model import Image, Level, Series

_EXPORT = "Export the original images again."


def only_image(path: Path) -> Image:
    """Return the image of a file, or of a folder of DICOM slices, that holds one.

    Raises
    ------
    DataError
        ``cohort.several-series`` when it holds more, the error of the first file of a folder that cannot be read, the
        reason why a series cannot be used, and whatever opening it raises.
    """
    found = study.scan(path)
    series = [series for entry in found.studies for series in entry.series]
    if found.problems and series:
        raise found.problems[0]  # a volume whose last slices are damaged would pass for a shorter one
    if not series:
        study.open(path)  # says what is there instead
    if len(series) != 1:
        where = "folder" if path.is_dir() else "file"
        raise DataError(
            f"the {where} holds {len(series)} series where one is expected: {_listed(series)}",
            code="cohort.several-series",
            hint="Put each series into a folder of its own." if path.is_dir() else "Give a file with one image.",
            subject=path.name,
        )
    image = series[0].image()
    wrong = next((check for check in (*series[0].checks, *image.checks) if check.level is Level.ERROR), None)
    if wrong:
        raise DataError(wrong.message, code=wrong.code, hint=wrong.fix or _EXPORT, subject=path.name)
    return image


def image_of(case: Case) -> Image:
    """Return a case's image; of a case of several volumes the first one, with the others as its companions.

    Raises
    ------
    DataError
        As :func:`only_image` and :func:`medtransfer.study.companions.joined`.
    """
    return joined([only_image(path) for path in (case.image, *case.further)])


def read(path: Path, image: Image, structures: Sequence[MaskStructure]) -> Drawn:
    """Return what a mask shows on the image's grid: a label map, or a DICOM segmentation or structure set.

    Raises
    ------
    DataError
        ``mask.grid`` when a label map lies on another grid than the image, ``mask.values`` when its values are not
        whole numbers from 0 to 65,535, and those of :func:`medtransfer.cohort.segments.read`.
    """
    annotation = segments.annotation_in(path)
    if annotation is not None:
        return segments.read(annotation, image, structures)
    mask = only_image(path)
    if not same_grid(mask, image):
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
    return Drawn(array.astype(np.uint16))


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


def _listed(series: Sequence[Series]) -> str:
    """Say what series there are, in words that name nobody."""
    told = [f"{one.modality} of {' x '.join(map(str, one.shape))}" for one in series[: words.NAMED]]
    more = [f"{len(series) - words.NAMED} more"] if len(series) > words.NAMED else []
    return ", ".join([*told, *more])
