"""NIfTI: the place of every corner against nibabel, values, and what is refused."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.model import Image
from tests.study.builders import nifti

number = st.floats(-3, 3)


def open_one(path: Path) -> Image:
    (entry,) = study.open(path)
    (series,) = entry.series
    image = series.image()
    assert image.array.shape == series.shape
    return image


def write(path: Path, values: NDArray[np.generic], affine: NDArray[np.float64] | None = None) -> Path:
    nifti.save(nifti.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


def assert_same_world(image: Image, path: Path) -> None:
    """Every corner voxel has nibabel's value and nibabel's place, turned from RAS to LPS."""
    peer = nifti.load(path)
    values = np.asanyarray(peer.dataobj)
    assert image.affine is not None
    for i, j, k in itertools.product(*[(0, n - 1) for n in values.shape]):
        assert image.array[k, j, i] == pytest.approx(values[i, j, k], rel=1e-6)
        theirs = (peer.affine @ [i, j, k, 1])[:3] * [-1, -1, 1]
        np.testing.assert_allclose((image.affine @ [k, j, i, 1])[:3], theirs, atol=0.01)


@pytest.mark.parametrize("name", ["ct_a.nii.gz", "ct_a_seg.nii.gz", "mr.nii.gz", "mr_seg.nii.gz"])
def test_real_volumes_lie_where_nibabel_says(data_folder: Path, name: str) -> None:
    image = open_one(data_folder / "ct" / name)
    assert_same_world(image, data_folder / "ct" / name)
    peer = np.asanyarray(nifti.load(data_folder / "ct" / name).dataobj)
    np.testing.assert_array_equal(image.array, peer.transpose())


@settings(max_examples=30, deadline=None)
@given(
    turn=st.lists(number, min_size=9, max_size=9).filter(lambda v: abs(np.linalg.det(np.reshape(v, (3, 3)))) > 0.01),
    origin=st.tuples(number, number, number),
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
    kind=st.sampled_from(["u1", "i2", "u2", "i4", "f4", "f8", ">i2", ">f4"]),
)
def test_any_affine_and_type(
    tmp_path_factory: pytest.TempPathFactory,
    turn: list[float],
    origin: tuple[float, float, float],
    shape: tuple[int, int, int],
    suffix: str,
    kind: str,
) -> None:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = np.reshape(turn, (3, 3)), origin
    values = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    path = tmp_path_factory.mktemp("nifti") / f"a{suffix}"
    assert_same_world(open_one(write(path, values, affine)), path)


def test_scaling_and_units_are_applied(tmp_path: Path) -> None:
    made = nifti.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([0.002, 0.002, 0.003, 1]))
    made.header.set_slope_inter(0.5, -7)
    made.header.set_xyzt_units("meter")
    nifti.save(made, tmp_path / "a.nii")
    image = open_one(tmp_path / "a.nii")
    assert image.array.dtype == np.float32
    np.testing.assert_allclose(image.array.astype(float), np.arange(24).reshape(2, 3, 4).transpose() * 0.5 - 7)
    assert image.spacing == pytest.approx((3.0, 2.0, 2.0))


def test_nifti2_and_whole_numbers_in_16_bits(tmp_path: Path) -> None:
    values = np.arange(-12, 12, dtype=np.int32).reshape(2, 3, 4)
    nifti.save(nifti.Nifti2Image(values, np.eye(4)), tmp_path / "a.nii")
    image = open_one(tmp_path / "a.nii")
    assert image.array.dtype == np.int16
    np.testing.assert_array_equal(image.array, values.transpose())


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.zeros((2, 2, 2, 1, 3), np.int16), "nifti.dimensions"),
        (np.zeros((2, 2, 2), np.complex64), "nifti.values"),
    ],
)
def test_what_is_not_one_volume_of_numbers_is_refused(tmp_path: Path, values: NDArray[np.generic], code: str) -> None:
    with pytest.raises(DataError) as caught:
        study.open(write(tmp_path / "a.nii", values))
    assert caught.value.code == code


def test_a_volume_without_a_place_is_refused(tmp_path: Path) -> None:
    nifti.save(nifti.Nifti1Image(np.zeros((2, 2, 2), np.int16), None), tmp_path / "a.nii")
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / "a.nii")
    assert caught.value.code == "nifti.no-position"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_volume_is_refused(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(0, 999, (20, 20, 20), dtype=np.int16)
    path = write(tmp_path / f"a{suffix}", values)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError) as caught:
        study.open(path)[0].series[0].image()
    assert caught.value.code == "study.truncated"
    assert caught.value.subject == path.name


def test_two_disagreeing_affines_are_noticed(tmp_path: Path) -> None:
    made = nifti.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    made.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    made.set_qform(np.eye(4), 1)
    nifti.save(made, tmp_path / "a.nii")
    image = open_one(tmp_path / "a.nii")
    assert "nifti.two-positions" in {c.code for c in image.checks}
    assert image.spacing == (2, 2, 2)


def test_a_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 999, (20, 20, 20), dtype=np.int16))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = b"\xff" * 40
    path.write_bytes(bytes(content))
    with pytest.raises(DataError):
        study.open(path)[0].series[0].image()


def codes(image: Image) -> set[str]:
    return {check.code for check in image.checks}


@pytest.mark.parametrize(("name", "values"), [("a.hdr", "a.img"), ("a.hdr.gz", "a.img.gz")])
@pytest.mark.parametrize("kind", [nifti.Nifti1Pair, nifti.Nifti2Pair])
def test_a_pair_of_files_is_one_volume(tmp_path: Path, name: str, values: str, kind: Any) -> None:
    expected = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nifti.save(kind(expected, np.diag([1.0, 2.0, 3.0, 1.0])), tmp_path / name)
    (series,) = study.open(tmp_path)[0].series
    assert series.source.names == (name, values)
    np.testing.assert_array_equal(series.image().array, expected.transpose())
    (tmp_path / values).unlink()
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / name)
    assert caught.value.code == "study.detached"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_volumes_over_time_become_series_with_their_time(tmp_path: Path, suffix: str) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    made = nifti.Nifti1Image(values, np.eye(4))
    made.header.set_xyzt_units("mm", "msec")
    made.header["pixdim"][4] = 2500
    nifti.save(made, tmp_path / f"a{suffix}")
    series = study.open(tmp_path / f"a{suffix}")[0].series
    assert [entry.description for entry in series][:2] == ["volume 1 of 5, 0 s", "volume 2 of 5, 2.5 s"]
    assert len({entry.uid for entry in series}) == 5
    for index in (4, 0, 2):
        np.testing.assert_array_equal(series[index].image().array, values[..., index].transpose())
    assert "volume.of-many" in codes(series[0].image())


def test_of_very_many_volumes_the_first_are_shown(tmp_path: Path) -> None:
    series = study.open(write(tmp_path / "a.nii", np.zeros((2, 2, 2, 200), np.int16)))[0].series
    assert len(series) == 64
    assert "volume.too-many" in {check.code for check in series[0].checks}


def test_whole_scaling_keeps_16_bits(tmp_path: Path) -> None:
    made = nifti.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    made.header.set_slope_inter(2, -1024)
    nifti.save(made, tmp_path / "a.nii")
    image = open_one(tmp_path / "a.nii")
    assert image.array.dtype == np.int16
    np.testing.assert_array_equal(image.array, np.arange(24).reshape(2, 3, 4).transpose() * 2 - 1024)


def test_scaling_beyond_16_bits_becomes_floating(tmp_path: Path) -> None:
    made = nifti.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    made.header.set_slope_inter(10_000, 0)
    nifti.save(made, tmp_path / "a.nii")
    np.testing.assert_allclose(open_one(tmp_path / "a.nii").array.max(), 230_000)


def test_what_is_no_number_is_told(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4), np.float64)
    values[0, 0, 0], values[1, 1, 1], values[0, 1, 1] = np.nan, 1e300, -np.inf
    image = open_one(write(tmp_path / "a.nii", values))
    (told,) = [check for check in image.checks if check.code == "volume.not-finite"]
    assert told.message.startswith("3 voxels")


@pytest.mark.parametrize(("shift", "expected"), [(0.05, False), (0.5, True)])
def test_affines_are_compared_in_millimetres_at_the_corners(tmp_path: Path, shift: float, expected: bool) -> None:  # noqa: FBT001
    made = nifti.Nifti1Image(np.zeros((20, 2, 2), np.int16), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = shift
    made.set_sform(moved, 1)
    made.set_qform(np.eye(4), 1)
    nifti.save(made, tmp_path / "a.nii")
    assert ("nifti.two-positions" in codes(open_one(tmp_path / "a.nii"))) is expected


def test_a_qform_that_is_no_rotation_is_told_and_the_sform_used(tmp_path: Path) -> None:
    made = nifti.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    made.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    made.set_qform(np.eye(4), 1)
    made.header["quatern_b"] = made.header["quatern_c"] = 3.0
    nifti.save(made, tmp_path / "a.nii")
    image = open_one(tmp_path / "a.nii")
    assert "nifti.bad-qform" in codes(image)
    assert image.spacing == (2, 2, 2)


def test_without_a_unit_it_says_that_millimetres_are_meant(tmp_path: Path) -> None:
    assert "nifti.no-unit" in codes(open_one(write(tmp_path / "a.nii", np.zeros((2, 2, 2), np.int16))))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8))
@example([(115, 95)])  # a slope of 2**64, which no integer holds
def test_a_damaged_file_is_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    path = write(tmp_path_factory.mktemp("nifti") / "a.nii", np.zeros((2, 3, 4), np.int16))
    content = bytearray(path.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(bytes(content))
    with contextlib.suppress(DataError):  # any other kind of error fails the test, and so does a warning
        assert all(series.image().array.size for entry in study.open(path) for series in entry.series)
