"""What happens to a volume before a network sees it: orientation, resampling, normalisation, and what was noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.errors import DataError, UserError
from medtransfer.result.model import Notice
from medtransfer.study.counting import agreed
from medtransfer.study.finite import finite_range
from medtransfer.study.modality import UNSTATED
from medtransfer.study.model import Image
from medtransfer.transfer.resampling import resample
from medtransfer.transfer.volume_frame import Frame, content, frame

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
        float32 ``(C, z, y, x)`` on the network's grid, normalised: the image first, then its companions.
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
        A volume, with as many companions as the network has further channels.
    plan
        How the network was trained.
    modalities
        DICOM modalities that it was trained on; another one is noticed, unless "OT" among them says that not all are
        known.

    Raises
    ------
    UserError
        ``volume.channels`` when there are fewer or more volumes than the network has channels.
    DataError
        ``volume.picture`` for a picture, ``volume.not-finite`` when no voxel is a number, ``volume.constant`` when
        all have the same value.
    """
    if image.affine is None:
        raise DataError(
            "this is a picture and not a volume", code="volume.picture", hint="Choose a series of slices, or a NIfTI."
        )
    _require_channels(image, plan)
    numbers = [_numbers(one.array) for one in (image, *image.companions)]
    grid = frame(content([array for array, _ in numbers]), image.affine, plan)
    channels = [_channel(array, grid, scale) for (array, _), scale in zip(numbers, plan.scales, strict=True)]
    values = channels[0][np.newaxis] if len(channels) == 1 else np.stack(channels)
    missing = sum(count for _, count in numbers) / (len(numbers) * image.array.size)
    noticed = [*_about_modality(image, modalities), *_about_numbers(missing), *_about_size(image, grid, plan)]
    return PreparedVolume(values, grid, tuple(noticed))


def _require_channels(image: Image, plan: VolumePlan) -> None:
    wanted, given = len(plan.scales), 1 + len(image.companions)
    if wanted == given:
        return
    columns = ", ".join(["image", *(f"image_{number}" for number in range(2, wanted + 1))])
    one = "Name one series at a time."
    several = (
        f"Name all of them in the order of its training's columns {columns}: `medtransfer analyse FIRST SECOND ...`."
    )
    raise UserError(
        f"the model takes {agreed(wanted, 'volume', 'volumes')} of a case, and was given {given}",
        code="volume.channels",
        hint=one if wanted == 1 else several,
    )


def _channel(array: NDArray[np.generic], grid: Frame, scale: Intensities | None) -> NDArray[np.float32]:
    values = resample(grid.canonical(array)[grid.box], grid.shape, grid.coarse_axis)
    _normalise(values, scale)
    return values


def _numbers(array: NDArray[np.generic]) -> tuple[NDArray[np.generic], int]:
    """Return the array with its smallest number where it holds none, and how many voxels that were."""
    found = finite_range(array)
    return (np.where(np.isfinite(array), array, found.low) if found.missing else array), found.missing


def _normalise(values: NDArray[np.float32], scale: Intensities | None) -> None:
    """Shift and scale in place: by the volume's own mean and deviation, or by those of the plan after clipping."""
    if scale is None:
        mean = float(values.mean(dtype=np.float64))
        squares = sum(float(np.square(plane - mean, dtype=np.float64).sum()) for plane in values)
        deviation = float(np.sqrt(squares / values.size)) + _EPSILON
    else:
        np.clip(values, scale.low, scale.high, out=values)
        mean, deviation = scale.mean, scale.std
    values -= np.float32(mean)
    values /= np.float32(deviation)


def _about_modality(image: Image, modalities: Sequence[str]) -> list[Notice]:
    if image.modality in modalities or UNSTATED in modalities:
        return []
    what = "does not say how it was taken" if image.modality == "OT" else f"is of the modality {image.modality}"
    message = (
        f"The volume {what}; the model was trained on {' and '.join(modalities)}. It may find nothing, or nonsense."
    )
    return [Notice(code="volume.other-modality", level="warning", message=message)]


def _about_numbers(missing: float) -> list[Notice]:
    if not missing:
        return []
    message = f"{missing:.2%} of the voxels are not numbers; they were taken for the smallest value."
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
