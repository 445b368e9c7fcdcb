"""CT series: voxels and affine against SimpleITK, sorting, splitting, and what is refused."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.uid import RLELossless

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.model import Image, Level, Series
from tests.study.builders import ct_slice, save, simple_itk, write_axial

angle = st.floats(-3.1, 3.1)
length = st.floats(0.3, 5.0)
place = st.floats(-500, 500)


def only_series(path: Path) -> Series:
    (entry,) = study.open(path)
    (series,) = entry.series
    return series


def peer(folder: Path) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """Read a folder with SimpleITK; its affine in our order (k, j, i)."""
    reader = simple_itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return simple_itk.GetArrayFromImage(image), affine[:, [2, 1, 0, 3]]


def corners(affine: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the corner voxels' places in mm, shape (8, 3)."""
    indices = np.stack(np.meshgrid(*[[0, n - 1] for n in shape], [1], indexing="ij"), axis=-1).reshape(-1, 4)
    return np.asarray((indices @ affine.T)[:, :3], dtype=np.float64)


def assert_same_place(image: Image, affine: NDArray[np.float64]) -> None:
    assert image.affine is not None
    ours = corners(image.affine, image.array.shape)
    assert np.abs(ours - corners(affine, image.array.shape)).max() < 0.01


@pytest.mark.parametrize("name", ["ct-siemens-j2k", "ct-with-seg"])
def test_real_series_equal_simpleitk(data_folder: Path, name: str, tmp_path: Path) -> None:
    source = data_folder / "dicom" / name
    image = next(s for s in study.open(source)[0].series if s.modality == "CT").image()
    for path in source.iterdir():
        if path.name.startswith(("CT.", "0")):
            shutil.copy(path, tmp_path)
    voxels, affine = peer(tmp_path)
    assert image.array.dtype == np.int16
    assert image.units == "HU"
    np.testing.assert_array_equal(image.array, voxels)
    assert_same_place(image, affine)


@settings(max_examples=25, deadline=None)
@given(
    angles=st.tuples(angle, angle, angle), origin=st.tuples(place, place, place), step=length, count=st.integers(2, 5)
)
def test_any_orientation_equals_simpleitk(
    angles: tuple[float, float, float], origin: tuple[float, float, float], step: float, count: int
) -> None:
    rotation = np.eye(3)
    for axis, turn in enumerate(angles):
        one, two = [i for i in range(3) if i != axis]
        part = np.eye(3)
        part[[one, one, two, two], [one, two, one, two]] = np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)
        rotation = rotation @ part
    across = np.cross(rotation[0], rotation[1])
    values = np.random.default_rng(1).integers(0, 3000, (count, 5, 7), dtype=np.uint16)
    orientation = [f"{v:.12f}"[:16] for v in (*rotation[0], *rotation[1])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k in np.random.default_rng(2).permutation(count):
            made = ct_slice(values[k], np.array(origin) + k * step * across, ImageOrientationPatient=orientation)
            save(made, folder / f"{(k * 7) % 5}-{k}.dcm")
        image = only_series(folder).image()
        voxels, affine = peer(folder)
    np.testing.assert_array_equal(image.array, voxels)
    np.testing.assert_array_equal(image.array, values.astype(np.int16) - 1024)
    assert_same_place(image, affine)
    assert image.spacing == pytest.approx((step, 0.8, 0.5), abs=1e-4)


def test_a_missing_slice_is_never_closed(tmp_path: Path) -> None:
    series = only_series(write_axial(tmp_path, [0, 2, 4, 8, 10]))
    assert [c.code for c in series.checks] == ["volume.missing-slices"]
    assert series.checks[0].message.startswith("Missing slices: 1 (gaps: 1)")
    with pytest.raises(DataError) as caught:
        series.image()
    assert caught.value.code == "volume.missing-slices"


def test_rounded_positions_are_no_fault_and_slight_unevenness_a_warning(tmp_path: Path) -> None:
    (tmp_path / "rounded").mkdir()
    (tmp_path / "slight").mkdir()
    rounded = only_series(write_axial(tmp_path / "rounded", [round(0.6251 * k, 2) for k in range(40)]))
    slight = only_series(write_axial(tmp_path / "slight", [0, 2, 4.1, 6, 8]))
    assert rounded.checks == ()
    assert [(c.code, c.level) for c in slight.checks] == [("volume.slightly-uneven", Level.WARNING)]
    assert slight.image().spacing == pytest.approx((2.0, 0.8, 0.5))


def test_two_different_slices_at_one_place_are_refused_and_copies_left_out(tmp_path: Path) -> None:
    for name in ("copied", "different"):
        (tmp_path / name).mkdir()
        write_axial(tmp_path / name, [0, 2, 4, 4, 6])
    other = ct_slice(np.full((4, 6), 7, np.uint16), (10.0, 20.0, 4.0))
    save(other, tmp_path / "different" / "003.dcm")
    copied, different = only_series(tmp_path / "copied"), only_series(tmp_path / "different")
    assert [(c.code, c.level) for c in copied.checks] == [("volume.copied-slices", Level.WARNING)]
    np.testing.assert_array_equal(copied.image().array[:, 0, 0] + 1024, [100, 120, 140, 160])
    assert "volume.duplicate-positions" in {c.code for c in different.checks}
    assert not different.usable


def test_two_acquisitions_in_one_series_become_two_volumes(tmp_path: Path) -> None:
    for acquisition in (1, 2):
        folder = tmp_path / str(acquisition)
        folder.mkdir()
        write_axial(folder, [0, 2, 4], AcquisitionNumber=acquisition)
    (entry,) = study.open(tmp_path)
    assert [series.shape for series in entry.series] == [(3, 4, 6)] * 2
    assert len({series.uid for series in entry.series}) == 2
    assert all(series.usable and series.checks[0].code == "series.split" for series in entry.series)


def test_localizer_other_size_and_other_direction_are_kept_apart(tmp_path: Path) -> None:
    write_axial(tmp_path, [0, 2, 4])
    pixels = np.zeros((4, 6), np.uint16)
    save(ct_slice(pixels, (0, 0, 9), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), tmp_path / "scout.dcm")
    save(ct_slice(np.zeros((8, 6), np.uint16), (0, 0, 9)), tmp_path / "large.dcm")
    save(ct_slice(pixels, (0, 0, 9), ImageOrientationPatient=[0, 1, 0, 0, 0, -1]), tmp_path / "sagittal.dcm")
    (entry,) = study.open(tmp_path)
    assert sorted(series.shape for series in entry.series) == [(1, 4, 6), (1, 8, 6), (3, 4, 6), (4, 6)]
    scout = next(series for series in entry.series if series.axes == "yx")
    assert "dicom.localizer" in {c.code for c in scout.checks}
    assert scout.image().affine is None


def test_copies_of_a_file_are_used_once(tmp_path: Path) -> None:
    write_axial(tmp_path, [0, 2, 4])
    shutil.copy(tmp_path / "000.dcm", tmp_path / "copy.dcm")
    series = only_series(tmp_path)
    assert series.shape == (3, 4, 6)
    assert [c.code for c in series.checks] == ["series.repeated-files"]


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"ImagePositionPatient": None}, "volume.no-position"),
        ({"ImageOrientationPatient": None}, "volume.no-position"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "volume.bad-orientation"),
        ({"PixelSpacing": None}, "volume.no-pixel-spacing"),
    ],
)
def test_what_has_no_place_in_space_is_refused(tmp_path: Path, elements: dict[str, object], code: str) -> None:
    save(ct_slice(np.zeros((4, 6), np.uint16), (0, 0, 0), **elements), tmp_path / "a.dcm")
    series = only_series(tmp_path)
    with pytest.raises(DataError) as caught:
        series.image()
    assert caught.value.code == code
    assert caught.value.subject == "a.dcm"


def test_values_become_int16_when_they_fit_and_float32_when_not(tmp_path: Path) -> None:
    pixels = np.array([[0, 1], [5000, 65535]], np.uint16)
    wide = only_series(save(ct_slice(pixels, (0, 0, 0)), tmp_path / "wide.dcm")).image()
    half = only_series(save(ct_slice(pixels, (0, 0, 0), RescaleSlope=0.5), tmp_path / "half.dcm")).image()
    double = only_series(save(ct_slice(pixels // 8, (0, 0, 0), RescaleSlope=2), tmp_path / "double.dcm")).image()
    assert wide.array.dtype == half.array.dtype == np.float32
    np.testing.assert_array_equal(wide.array[0], [[-1024, -1023], [3976, 64511]])
    np.testing.assert_array_equal(half.array[0], [[-1024, -1023.5], [1476, 31743.5]])
    assert double.array.dtype == np.int16
    np.testing.assert_array_equal(double.array[0], [[-1024, -1024], [226, 15358]])


def test_each_slice_keeps_its_own_rescale(tmp_path: Path) -> None:
    for k, slope in enumerate((1.0, 2.0)):
        made = ct_slice(np.full((2, 2), 10, np.uint16), (0, 0, k), RescaleSlope=slope, RescaleIntercept=0)
        save(made, tmp_path / f"{k}.dcm")
    array = only_series(tmp_path).image().array
    assert array.dtype == np.float32
    assert array[:, 0, 0].tolist() == [10.0, 20.0]


def test_ct_without_rescale_is_not_called_hounsfield(tmp_path: Path) -> None:
    series = only_series(write_axial(tmp_path, [0, 2], RescaleSlope=None, RescaleIntercept=None))
    image = series.image()
    assert [c.code for c in series.checks] == ["ct.no-rescale"]
    assert image.units == "stored"
    assert image.array[:, 0, 0].tolist() == [100, 120]


@pytest.mark.parametrize(("stated", "units"), [("BQML", "Bq/ml"), ("CNTS", "stored"), (None, "stored")])
def test_the_units_of_a_pet_come_along(tmp_path: Path, stated: str | None, units: str) -> None:
    image = only_series(write_axial(tmp_path, [0, 2], Modality="PT", Units=stated, RescaleIntercept=0)).image()
    assert image.units == units


def test_compressed_slices_equal_the_uncompressed(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.mkdir()
    packed.mkdir()
    rng = np.random.default_rng(3)
    for k in range(6):
        made = ct_slice(rng.integers(0, 4096, (16, 16), dtype=np.uint16), (0, 0, k))
        save(made, plain / f"{k}.dcm")
        made.compress(RLELossless, generate_instance_uid=False)
        save(made, packed / f"{k}.dcm")
    np.testing.assert_array_equal(only_series(plain).image().array, only_series(packed).image().array)


def test_blanked_identifiers_still_form_one_series(data_folder: Path) -> None:
    (entry,) = study.open(data_folder / "dicom" / "ct-siemens-j2k")
    assert entry.uid.startswith("content-")
    assert [series.shape for series in entry.series] == [(20, 512, 512)]
