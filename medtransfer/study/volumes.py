"""From the values of a file that is no DICOM to the series of a study: one for each volume in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.study.identity import content_id
from medtransfer.study.modality import UNSTATED, suspicion
from medtransfer.study.model import Check, Image, Level, Patient, Series, Source, Study
from medtransfer.study.voxels import Voxels

MOST = 64
"""Volumes of one file that become series of their own."""


def study_of(
    voxels: Voxels,
    affine: NDArray[np.float64],
    source: Source,
    checks: tuple[Check, ...],
    moment: Callable[[int], str] = lambda _: "",
) -> Study:
    """Return the study of one file; its values are read when they are asked for.

    Parameters
    ----------
    voxels
        Where the values lie.
    affine
        4x4, array indices ``(k, j, i, 1)`` to LPS millimetres; of every volume.
    source
        The file's names.
    checks
        What the header gave away.
    moment
        What is known of a volume beyond its number, for its description.
    """
    uid = content_id(*dict.fromkeys((voxels.header, voxels.path)))
    several = voxels.volumes > 1
    found = (*checks, *_of_many(voxels.volumes))
    series = tuple(
        Series(
            uid=f"{uid}#{index + 1}" if several else uid,
            modality=UNSTATED,
            description=f"volume {index + 1} of {voxels.volumes}{moment(index)}" if several else "",
            shape=voxels.shape,
            axes="zyx",
            source=source,
            load=partial(_load, voxels, index, affine, found),
            checks=found,
        )
        for index in range(min(voxels.volumes, MOST))
    )
    return Study(uid=uid, patient=Patient(), date="", description="", series=series)


def names(*paths: Path) -> tuple[str, ...]:
    """Return the names of files without their folders, each once."""
    return tuple(dict.fromkeys(path.name for path in paths))


def _of_many(volumes: int) -> Iterable[Check]:
    if volumes > MOST:
        yield Check(
            "volume.too-many",
            Level.WARNING,
            f"The file holds {volumes} volumes; the first {MOST} are shown.",
            "Extract the volume that is wanted into a file of its own.",
        )
    elif volumes > 1:
        yield Check("volume.of-many", Level.INFO, f"The file holds {volumes} volumes.", "Choose the volume to analyse.")


def _load(voxels: Voxels, index: int, affine: NDArray[np.float64], checks: tuple[Check, ...]) -> Image:
    array = voxels.read(index)
    image = Image(
        array=array,
        axes="zyx",
        modality=UNSTATED,
        units="stored",
        affine=affine.copy(),
        bits=array.dtype.itemsize * 8,
        checks=checks,
    )
    return image.with_checks(*_not_finite(array), *suspicion(image))


def _not_finite(array: NDArray[np.generic]) -> Iterable[Check]:
    if array.dtype.kind != "f":
        return
    count = sum(int(plane.size - np.count_nonzero(np.isfinite(plane))) for plane in array)
    if count:
        yield Check(
            "volume.not-finite",
            Level.WARNING,
            f"{count} voxels hold no number or an infinite one.",
            "A plug-in may refuse the volume or give a wrong answer: fill them before it is analysed.",
        )
