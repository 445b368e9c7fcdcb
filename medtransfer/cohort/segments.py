"""Masks that are DICOM segmentations or RT structure sets: their structures are known by name, not by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.cohort import identity
from medtransfer.cohort.model import MaskStructure
from medtransfer.errors import DataError
from medtransfer.study.model import Image

if TYPE_CHECKING:  # pydicom is imported when the first file needs it
    from medtransfer.study.annotation import Annotation


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a mask shows on its image's grid.

    Attributes
    ----------
    values
        uint16 ``(z, y, x)``: the structures' numbers, 0 where nothing is marked.
    noticed
        Codes of what is to be said about it, as :mod:`medtransfer.result.importing` gives them.
    """

    values: NDArray[np.uint16]
    noticed: tuple[str, ...] = ()


def annotation_in(path: Path) -> Annotation | None:
    """Return the segmentation or structure set in a file or folder; None when it holds anything else.

    Raises
    ------
    DataError
        ``mask.several`` when there is more than one, and whatever opening the path raises.
    """
    found = study.scan(path)
    if found.studies or not found.annotations:
        return None
    if len(found.annotations) > 1:
        raise DataError(
            f"the folder holds {len(found.annotations)} segmentations where one is expected",
            code="mask.several",
            hint="Name one of its files in the column `mask`.",
            subject=path.name,
        )
    return found.annotations[0]


def read(annotation: Annotation, image: Image, structures: Sequence[MaskStructure]) -> Drawn:
    """Draw a segmentation on the series that it was made on, with the numbers of the structures that it names.

    Raises
    ------
    DataError
        ``mask.other-series`` when it was drawn on another series than the image, ``mask.unlisted-names`` when it shows
        structures that are not listed, and whatever :func:`medtransfer.result.importing.read_on` raises.
    """
    from medtransfer.result.importing import read_on

    _require_own(annotation, image)
    imported = read_on(annotation, image)
    numbers = {structure.id: structure.value for structure in structures}
    found = imported.segmentation
    present = np.bincount(found.array.ravel()) > 0
    shown = {one.value: one.name for one in found.structures if one.value < len(present) and present[one.value]}
    unlisted = sorted({name for name in shown.values() if identity.label_id(name) not in numbers})
    if unlisted:
        raise DataError(
            f"it shows structures that are not listed: {', '.join(unlisted)}",
            code="mask.unlisted-names",
            hint="Add them to structures.csv; a structure that is not to be learnt can be left out there by `--label`.",
            subject=annotation.name,
        )
    table = np.zeros(1 + max(shown, default=0), dtype=np.uint16)
    for value, name in shown.items():
        table[value] = numbers[identity.label_id(name)]
    return Drawn(table[found.array], tuple(notice.code for notice in imported.notices))


def names_in(annotations: Sequence[Annotation]) -> tuple[MaskStructure, ...]:
    """Return the structures that segmentations name and have drawn, numbered from 1 in the order of their ids.

    Raises
    ------
    DataError
        ``study.damaged`` when one cannot be read, ``mask.nothing`` when they name none.
    """
    from medtransfer.result.importing import names_of

    names = sorted({name for annotation in annotations for name in names_of(annotation)})
    by_id = {identity.label_id(name): name for name in reversed(names)}  # of names alike the first one stands
    if not by_id:
        raise DataError(
            "the segmentations show no structure", code="mask.nothing", hint="Give masks with something drawn in them."
        )
    return tuple(MaskStructure(label, by_id[label], value) for value, label in enumerate(sorted(by_id), start=1))


def _require_own(annotation: Annotation, image: Image) -> None:
    if not image.uids.get("series"):
        raise DataError(
            f"the mask is a DICOM {annotation.kind} and its image no DICOM series: whether they belong together is not"
            " known",
            code="mask.no-series",
            hint="Give the folder of DICOM slices that it was drawn on as the image, or the mask as NIfTI.",
            subject=annotation.name,
        )
    if annotation.series and not annotation.drawn_on(image):
        raise DataError(
            f"the {annotation.kind} was drawn on another series than the image of its row",
            code="mask.other-series",
            hint="Give the series that it was drawn on as the image of this row.",
            subject=annotation.name,
        )
