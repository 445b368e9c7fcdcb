"""What a person states about a volume, and what its values give away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.errors import DataError, UserError
from medtransfer.study.modality import looks_like_ct, modality_stated, stated, stated_where_missing
from medtransfer.study.model import Image, Series
from tests.study.builders import DX_STORAGE, dataset, nifti, save, write_axial


def volume(values: NDArray[np.generic]) -> Image:
    return Image(values, "zyx", "OT", "stored", affine=np.eye(4), bits=16)


def body() -> NDArray[np.int16]:
    """A cylinder of soft tissue with lungs and a spine, in air, with the scanner's noise."""
    z, y, x = np.mgrid[:20, :64, :64]
    values = np.where((y - 32) ** 2 + (x - 32) ** 2 < 24**2, 40, -1000)
    values[(y - 28) ** 2 + (abs(x - 32) - 11) ** 2 < 7**2] = -850
    values[(y - 48) ** 2 + (x - 32) ** 2 < 4**2] = 700
    return np.asarray(values + np.random.default_rng(z.size).normal(0, 12, z.shape), dtype=np.int16)


def opened(path: Path) -> Series:
    return study.open(path)[0].series[0]


def written(path: Path, values: NDArray[np.generic]) -> Path:
    nifti.save(nifti.Nifti1Image(values.transpose(), np.eye(4)), path)
    return path


def codes(image: Image) -> set[str]:
    return {check.code for check in image.checks}


@pytest.mark.parametrize(
    ("name", "like"),
    [("ct_a.nii.gz", True), ("ct_a_seg.nii.gz", False), ("mr.nii.gz", False), ("mr_seg.nii.gz", False)],
)
def test_real_volumes(data_folder: Path, name: str, like: bool) -> None:  # noqa: FBT001 (parametrised)
    image = opened(data_folder / "ct" / name).image()
    assert looks_like_ct(image) is like
    assert ("modality.looks-like-ct" in codes(image)) is like


def test_real_series_of_a_scanner(data_folder: Path) -> None:
    for name in ("ct-siemens-j2k", "ct-with-seg"):
        found = [series for entry in study.scan(data_folder / "dicom" / name).studies for series in entry.series]
        image = next(series for series in found if series.axes == "zyx" and series.usable).image()
        assert looks_like_ct(image)
        assert "modality.looks-like-ct" not in codes(image)


def test_padding_outside_the_field_of_view_does_not_count() -> None:
    values = body()
    values[:, :8] = -3024
    assert looks_like_ct(volume(values))


@pytest.mark.parametrize(
    "values",
    [
        body() + np.int16(1024),
        (body() / 1000).astype(np.float32),
        np.random.default_rng(0).integers(-1024, 3071, (20, 64, 64)),
        np.random.default_rng(0).normal(0, 1, (20, 64, 64)),
        np.full((3, 4, 5), -1000, np.int16),
        np.full((3, 4, 5), 40, np.int16),
        np.full((3, 4, 5), np.nan, np.float32),
        np.full((3, 4, 5), -3000, np.int16),
    ],
    ids=["shifted", "normalised", "uniform", "noise", "air", "water", "nothing", "padding"],
)
def test_what_is_no_ct(values: NDArray[np.generic]) -> None:
    assert not looks_like_ct(volume(values))


def test_a_picture_is_no_ct() -> None:
    assert not looks_like_ct(Image(body()[0], "yx", "OT", "display"))


def test_a_volume_said_to_be_a_ct_is_one(tmp_path: Path) -> None:
    series = opened(written(tmp_path / "a.nii.gz", body()))
    image = stated(series, "CT").image()
    assert (stated(series, "CT").modality, image.modality, image.units) == ("CT", "CT", "HU")
    assert (image.windows[0].centre, image.windows[0].width) == (40, 400)
    assert {"modality.stated", "nifti.no-modality"} <= codes(image)
    assert not {"modality.looks-like-ct", "modality.unlike-ct"} & codes(image)
    assert "modality.stated" in {check.code for check in stated(series, "CT").checks}
    np.testing.assert_array_equal(image.array, series.image().array)
    assert modality_stated(image) == "CT"
    assert modality_stated(series.image()) == ""
    assert stated(series, "CT").uid == series.uid


def test_an_mr_keeps_its_units(tmp_path: Path) -> None:
    image = stated(opened(written(tmp_path / "a.nii", body())), "MR").image()
    assert (image.modality, image.units, image.windows) == ("MR", "stored", ())


def test_values_that_cannot_be_hounsfield_units_are_told(tmp_path: Path) -> None:
    image = stated(opened(written(tmp_path / "a.nii", body() + np.int16(1024))), "CT").image()
    assert "modality.unlike-ct" in codes(image)


def test_a_file_that_says_what_it_is_is_believed(tmp_path: Path) -> None:
    series = opened(write_axial(tmp_path, [0, 2, 4]))
    assert stated(series, "CT") is series
    with pytest.raises(DataError) as caught:
        stated(series, "MR")
    assert caught.value.code == "modality.contradicts"
    assert stated_where_missing(series, "MR") is series


def test_only_volumes_and_only_ct_or_mr(tmp_path: Path) -> None:
    picture = opened(save(dataset(np.zeros((4, 4), np.uint8), modality="OT", sop_class=DX_STORAGE), tmp_path / "a.dcm"))
    with pytest.raises(DataError) as refused:
        stated(picture, "CT")
    assert refused.value.code == "modality.picture"
    assert stated_where_missing(picture, "CT") is picture
    with pytest.raises(UserError) as unknown:
        stated(replace(picture, axes="zyx"), "PT")
    assert unknown.value.code == "modality.unknown"
