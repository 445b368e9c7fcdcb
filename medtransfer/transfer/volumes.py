"""What happens to a volume before a network sees it: orientation, resampling, normalisation, and what was noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.plan import VolumePlan
from medtransfer.errors import DataError
from medtransfer.result.model import Notice
from medtransfer.study.finite import finite_range
from medtransfer.study.model import Image
from medtransfer.transfer.resampling import resample
from medtransfer.transfer.volume_frame import Frame, frame

_EPSILON = 1e-8  # nnU-Net's, against a division by zero
_THIN = 0.25
"""A volume that covers less of the patch than this along an axis shows too little around each structure."""
_THICK = 3.0
"""Slices further apart than this many times the training's spacing."""


@dataclass(frozen=True, eq=False)
class PreparedVolume:
    """A volume as a network takes it.

    Attributes
    ----------
    values
        float32 ``(1, z, y, x)`` on the network's grid, normalised.
    frame
        The grid, and the way back.
    notices
        What the reader of a result must know about the volume.
    """

    values: NDArray[np.float32]
    frame: Frame
    notices: tuple[Notice, ...]


def prepare(image: Image, plan: VolumePlan, modalities: Sequence[str]) -> PreparedVolume:
    """Turn, resample and normalise a volume as a plan says.

    Voxels that are not numbers get the smallest value of the volume. A volume smaller than the patch stays so: who
    cuts patches surrounds it with zeros, which is the mean after a z-score.

    Parameters
    ----------
    image
        A volume.
    plan
        How the network was trained.
    modalities
        DICOM modalities that it was trained on; another one is noticed.

    Raises
    ------
    DataError
        ``volume.picture`` for a picture, ``volume.not-finite`` when no voxel is a number, ``volume.constant`` when
        all have the same value.
    """
    if image.affine is None:
        raise DataError(
            "this is a picture and not a volume", code="volume.picture", hint="Choose a series of slices, or a NIfTI."
        )
    array, missing = _numbers(image.array)
    grid = frame(array, image.affine, plan)
    values = resample(grid.canonical(array)[grid.box], grid.shape, grid.coarse_axis)
    _normalise(values, plan)
    noticed = [*_about_modality(image, modalities), *_about_numbers(missing, image), *_about_size(image, grid, plan)]
    return PreparedVolume(values[np.newaxis], grid, tuple(noticed))


def _numbers(array: NDArray[np.generic]) -> tuple[NDArray[np.generic], int]:
    """Return the array with its smallest number where it holds none, and how many voxels that were."""
    found = finite_range(array)
    return (np.where(np.isfinite(array), array, found.low) if found.missing else array), found.missing


def _normalise(values: NDArray[np.float32], plan: VolumePlan) -> None:
    """Shift and scale in place: by the volume's own mean and deviation, or by those of the plan after clipping."""
    if plan.intensities is None:
        mean = float(values.mean(dtype=np.float64))
        squares = sum(float(np.square(plane - mean, dtype=np.float64).sum()) for plane in values)
        deviation = float(np.sqrt(squares / values.size)) + _EPSILON
    else:
        np.clip(values, plan.intensities.low, plan.intensities.high, out=values)
        mean, deviation = plan.intensities.mean, plan.intensities.std
    values -= np.float32(mean)
    values /= np.float32(deviation)


def _about_modality(image: Image, modalities: Sequence[str]) -> list[Notice]:
    if image.modality in modalities:
        return []
    what = "does not say how it was taken" if image.modality == "OT" else f"is of the modality {image.modality}"
    message = (
        f"The volume {what}; the model was trained on {' and '.join(modalities)}. It may find nothing, or nonsense."
    )
    return [Notice(code="volume.other-modality", level="warning", message=message)]


def _about_numbers(missing: int, image: Image) -> list[Notice]:
    if not missing:
        return []
    message = f"{missing / image.array.size:.2%} of the voxels are not numbers; they were taken for the smallest value."
    return [Notice(code="volume.not-finite", level="warning", message=message)]


def _about_size(image: Image, grid: Frame, plan: VolumePlan) -> list[Notice]:
    noticed = []
    if any(size < _THIN * side for size, side in zip(grid.shape, plan.patch, strict=True)):
        extent = " x ".join(f"{n * mm:.0f}" for n, mm in zip(grid.shape, plan.spacing, strict=True))
        message = (
            f"The volume covers only {extent} mm: structures are recognised by what surrounds them, and many may be "
            "missed or confused."
        )
        noticed.append(Notice(code="volume.small", level="warning", message=message))
    coarsest = max(image.spacing or (0.0,))
    if coarsest > _THICK * max(plan.spacing):
        message = (
            f"Slices lie {coarsest:.1f} mm apart, those of the training {max(plan.spacing):.1f} mm: small structures "
            "may be missed, and outlines are coarse."
        )
        noticed.append(Notice(code="volume.coarse", level="warning", message=message))
    return noticed
