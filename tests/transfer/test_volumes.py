"""Preparing volumes: nnU-Net's numbers on good ones, and a reason or a notice on bad ones."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from medtransfer import study
from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.errors import DataError
from medtransfer.study.model import Image
from medtransfer.transfer.volumes import prepare

ndi: Any = ndimage
PLAN = VolumePlan(spacing=(1.5, 1.5, 1.5), patch=(128, 128, 128), pools=())


def volume(array: NDArray[Any], spacing: tuple[float, float, float] = (1.5, 1.5, 1.5), modality: str = "CT") -> Image:
    """An image whose axes are canonical: to the head, to the front, to the right."""
    z, y, x = spacing
    affine = np.array([[0, 0, -x, 0], [0, -y, 0, 0], [z, 0, 0, 0], [0, 0, 0, 1.0]])
    return Image(array=array, axes="zyx", modality=modality, units="HU", affine=affine)


def body(shape: tuple[int, ...] = (96, 100, 104)) -> NDArray[np.int16]:
    values = np.random.default_rng(0).normal(40, 200, shape)
    smooth: NDArray[np.float64] = ndi.gaussian_filter(values, 1.0)
    return smooth.astype(np.int16) - np.int16(100)


def test_a_z_score_over_the_resampled_array() -> None:
    array = body()
    prepared = prepare(volume(array, (2.0, 1.0, 1.2)), PLAN, ["CT"])
    new = (128, 67, 83)
    factors = [m / n for n, m in zip(array.shape, new, strict=True)]
    expected = ndi.zoom(array.astype(float), factors, order=3, mode="nearest", grid_mode=True)
    expected = expected.clip(array.min(), array.max())
    expected = (expected - expected.mean()) / (expected.std() + 1e-8)
    assert prepared.values.shape == (1, *new)
    assert prepared.values.dtype == np.float32
    np.testing.assert_allclose(prepared.values[0], expected, atol=2e-4)
    assert prepared.notices == ()


def test_the_normalisation_for_ct_clips_to_the_plan() -> None:
    intensities = Intensities(mean=50.0, std=100.0, low=-150.0, high=250.0)
    plan = PLAN.model_copy(update={"normalisation": "ct", "intensities": intensities})
    array = body()
    array[0] = 2000
    values = prepare(volume(array), plan, ["CT"]).values[0]
    np.testing.assert_allclose(values, (array.clip(-150, 250) - 50) / 100, atol=1e-5)


def test_a_real_ct_becomes_standard_numbers(data_folder: Path) -> None:
    image = study.open(data_folder / "ct" / "ct_a.nii.gz")[0].series[0].image()
    prepared = prepare(image, PLAN, ["CT"])
    assert prepared.values.shape == (1, 224, 202, 244)
    assert abs(float(prepared.values.mean())) < 1e-3
    assert float(prepared.values.std()) == pytest.approx(1.0, abs=1e-3)
    assert [notice.code for notice in prepared.notices] == ["volume.other-modality"]  # a NIfTI does not say


@pytest.mark.parametrize(
    ("array", "spacing", "modality", "code"),
    [
        (body(), (1.5, 1.5, 1.5), "MR", "volume.other-modality"),
        (body((1, 100, 100)), (5.0, 1.5, 1.5), "CT", "volume.small"),
        (body((96, 96, 20)), (1.5, 1.5, 1.5), "CT", "volume.small"),
        (body((20, 240, 240)), (10.0, 0.5, 0.5), "CT", "volume.coarse"),
    ],
    ids=["mr", "one-slice", "narrow", "thick"],
)
def test_what_a_reader_must_know_is_noticed(
    array: NDArray[np.int16], spacing: tuple[float, float, float], modality: str, code: str
) -> None:
    prepared = prepare(volume(array, spacing, modality), PLAN, ["CT"])
    assert code in [notice.code for notice in prepared.notices]
    assert np.isfinite(prepared.values).all()
    assert prepared.frame.to_original(np.ones(prepared.values.shape[1:], dtype=np.uint8)).shape == array.shape


def test_voxels_that_are_no_numbers_are_taken_for_the_smallest() -> None:
    array = body().astype(np.float32)
    array[3:6, 10:20] = np.nan
    array[50, 50, 50] = np.inf
    filled = array.copy()
    filled[~np.isfinite(array)] = array[np.isfinite(array)].min()
    prepared = prepare(volume(array), PLAN, ["CT"])
    np.testing.assert_array_equal(prepared.values, prepare(volume(filled), PLAN, ["CT"]).values)
    (notice,) = prepared.notices
    assert notice.code == "volume.not-finite"
    assert "0.31%" in notice.message


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.full((20, 20, 20), -1000, dtype=np.int16), "volume.constant"),
        (np.zeros((20, 20, 20), dtype=np.float32), "volume.constant"),
        (np.full((20, 20, 20), np.nan, dtype=np.float32), "volume.not-finite"),
    ],
)
def test_volumes_with_nothing_in_them_are_refused(array: NDArray[Any], code: str) -> None:
    with pytest.raises(DataError) as caught:
        prepare(volume(array), PLAN, ["CT"])
    assert caught.value.code == code
    assert caught.value.hint


def test_a_picture_is_refused() -> None:
    picture = Image(array=np.zeros((9, 9), dtype=np.uint8), axes="yx", modality="DX", units="display")
    with pytest.raises(DataError) as caught:
        prepare(picture, PLAN, ["CT"])
    assert caught.value.code == "volume.picture"


def test_memory_is_a_small_multiple_of_the_volume() -> None:
    """At most four bytes for each voxel of the input: 512 x 512 x 600 must fit beside a network."""
    array = np.random.default_rng(0).integers(-1000, 1000, (150, 256, 256), dtype=np.int16)
    image = volume(array, (1.0, 0.8, 0.8))
    tracemalloc.start()
    prepared = prepare(image, PLAN, ["CT"])
    prepared.frame.to_original(np.ones(prepared.frame.shape, dtype=np.uint8))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * array.size
