"""Where every voxel lies: against SimpleITK and against nibabel through dcm2niix, in every orientation."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer import study
from medtransfer.study.model import Image
from tests.study.builders import assert_same_corners, ct_slice, nifti, save, simple_itk

AXES = [np.array(axis, dtype=float) * sign for axis in np.eye(3) for sign in (1, -1)]
ORIENTATIONS = [
    (tuple(row), tuple(column), order)
    for row, column in itertools.product(AXES, AXES)
    if not row @ column
    for order in (1, -1)
]
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write(folder: Path, row: Sequence[float], column: Sequence[float], order: int, step: float = 2.5) -> None:
    """Write four slices whose voxels all differ; ``order`` -1 numbers them against the normal."""
    values = np.random.default_rng(1).permutation(4 * 5 * 7).reshape(4, 5, 7).astype(np.uint16)
    across = np.cross(row, column)
    for number, k in enumerate(range(4)[::order], start=1):
        position = np.array([-31.0, 17.5, 120.25]) + across * step * k
        orientation = [f"{v:.12f}"[:16] for v in (*row, *column)]
        made = ct_slice(
            values[k], position.tolist(), ImageOrientationPatient=orientation, SliceThickness=step,
            InstanceNumber=number, SeriesNumber=1, PatientPosition="HFS", Manufacturer="None",
        )  # fmt: skip
        save(made, folder / f"{number}.dcm")


def opened(folder: Path, shape: tuple[int, ...] | None = None) -> Image:
    series = [s for entry in study.open(folder) for s in entry.series if shape is None or s.shape == shape]
    return series[0].image()


def by_simple_itk(folder: Path) -> Any:
    reader = simple_itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def by_dcm2niix(folder: Path, pattern: str = "*.nii") -> Any:
    """Convert a folder to NIfTI; skipped where the program is absent."""
    dcm2niix = pytest.importorskip("dcm2niix", reason="dcm2niix is absent: install the extra `test`")
    with tempfile.TemporaryDirectory() as out:
        command = [dcm2niix.bin, "-b", "n", "-z", "n", "-m", "y", "-o", out, str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        (path,) = Path(out).glob(pattern)
        converted = nifti.load(path)
        return nifti.Nifti1Image(np.asarray(converted.dataobj), converted.affine)


def assert_same_voxels(image: Image, peer: Any) -> None:
    """Look every voxel of ours up in a NIfTI image at the same place in the patient."""
    assert image.affine is not None
    indices = np.stack([axis.ravel() for axis in np.indices(image.array.shape)] + [np.ones(image.array.size)])
    there = np.linalg.solve(peer.affine, RAS @ image.affine @ indices)[:3]
    nearest = np.rint(there)
    spacing = np.linalg.norm(peer.affine[:3, :3], axis=0)
    assert np.abs((there - nearest) * spacing[:, np.newaxis]).max() < 0.01
    values = np.asarray(peer.dataobj)
    np.testing.assert_array_equal(values[tuple(nearest.astype(int))], image.array.ravel())


@pytest.fixture
def rotated() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize(("row", "column", "order"), ORIENTATIONS)
def test_every_orientation_equals_both_peers(
    rotated: Path, row: tuple[float, ...], column: tuple[float, ...], order: int
) -> None:
    write(rotated, row, column, order)
    image = opened(rotated)
    peer = by_simple_itk(rotated)
    np.testing.assert_array_equal(image.array, simple_itk.GetArrayFromImage(peer))
    assert_same_corners(image, peer)
    assert_same_voxels(image, by_dcm2niix(rotated))


@settings(max_examples=15, deadline=None)
@given(quaternion=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1), step=st.floats(0.4, 9))
def test_oblique_volumes_equal_both_peers(quaternion: tuple[float, ...], step: float) -> None:
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    row = (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y))
    column = (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, row, column, 1, step)
        image = opened(folder)
        assert_same_corners(image, by_simple_itk(folder))
        assert_same_voxels(image, by_dcm2niix(folder))


def series_of(data_folder: Path, name: str, folder: Path) -> Path:
    """Copy the images of a series that was scanned, and nothing that lies beside them."""
    for path in (data_folder / "dicom" / name).iterdir():
        if path.name.startswith(("CT.", "0", "1", "2", "ct_image")):
            shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("name", ["ct-siemens-j2k", "ct-with-seg", "highdicom"])
def test_real_series_equal_dcm2niix(data_folder: Path, name: str, tmp_path: Path) -> None:
    folder = series_of(data_folder, name, tmp_path)
    assert_same_voxels(opened(folder), by_dcm2niix(folder))


def test_a_real_tilted_head_lies_where_dcm2niix_puts_it(data_folder: Path, tmp_path: Path) -> None:
    """Both resample: to other slice distances, so that only the first and the last slice have the same values."""
    folder = series_of(data_folder, "head-ct-tilted", tmp_path)
    image, peer = opened(folder), by_dcm2niix(folder, "*_Tilt_*.nii")
    assert image.affine is not None
    theirs = np.asarray(peer.dataobj).transpose(2, 1, 0)[:, ::-1]  # it stores the last row first
    for z, y, x in itertools.product((0, 1), repeat=3):
        ours = RAS @ image.affine @ [*(np.array((z, y, x)) * (np.array(image.array.shape) - 1)), 1]
        there = peer.affine @ [*(np.array((x, 1 - y, z)) * (np.array(peer.shape) - 1)), 1]
        np.testing.assert_allclose(ours, there, atol=0.01)
    for end in (0, -1):
        # Below lies the fill; at its edge one row, and the round border of the scan, are mixed with it.
        scanned = (image.array[end] > -1100) & (theirs[end] > -1100)
        assert scanned.mean() > 0.5
        apart = np.abs(image.array[end].astype(int) - theirs[end])[scanned]
        assert apart.max() <= 1
