"""Tilted gantries and changing distances: every voxel against SimpleITK's resampling of the same slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.study.model import Image, Level, Series
from medtransfer.study.regrid import grid, resample
from medtransfer.study.volume import stack
from tests.study.builders import ct_slice, save, simple_itk

Array = NDArray[np.generic]


def only_series(path: Path) -> Series:
    (entry,) = study.open(path)
    (series,) = entry.series
    return series


def tilted(degrees: float) -> tuple[float, ...]:
    turn = np.radians(degrees)
    return (1.0, 0.0, 0.0, 0.0, float(np.cos(turn)), float(-np.sin(turn)))


def by_simple_itk(
    slices: Array, positions: Array, orientation: Sequence[float], image: Image
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Resample each slice in its own plane with SimpleITK, then blend neighbours by their height.

    Also returns the rows at a slice's rim: SimpleITK repeats them for half a pixel, where we have no two rows to
    interpolate between.
    """
    assert image.affine is not None
    affine = image.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    normal = affine[:3, 0] / spacing[0]
    directions = np.column_stack([orientation[:3], orientation[3:], np.cross(orientation[:3], orientation[3:])])
    heights = positions @ normal
    result = np.empty(image.array.shape, dtype=np.float32)
    rim = np.zeros(image.array.shape, dtype=bool)
    for k in range(len(result)):
        origin = affine[:3, 3] + k * affine[:3, 0]
        level = np.interp(origin @ normal, heights, np.arange(len(heights)))
        below, share = int(level), level - int(level)
        planes = []
        for index in (below, min(below + 1, len(slices) - 1)):
            plane = simple_itk.GetImageFromArray(slices[index][np.newaxis].astype(np.float32))
            plane.SetOrigin([float(v) for v in positions[index]])
            plane.SetSpacing([float(spacing[2]), float(spacing[1]), 1.0])
            plane.SetDirection(directions.ravel())
            at = origin + (heights[index] - origin @ normal) * normal
            size = [image.array.shape[2], image.array.shape[1], 1]
            moved = simple_itk.Resample(
                plane, size, simple_itk.Transform(), simple_itk.sitkLinear, [float(v) for v in at],
                plane.GetSpacing(), plane.GetDirection(), float("nan"),
            )  # fmt: skip
            values = simple_itk.GetArrayFromImage(moved)[0]
            rows = np.isfinite(values).any(axis=1)
            rim[k] |= (rows & ~(np.roll(rows, 1) & np.roll(rows, -1)))[:, np.newaxis]
            planes.append(np.nan_to_num(values, nan=float(slices.min())))
        result[k] = planes[0] * (1 - share) + planes[1] * share
    return result, rim


def test_the_real_tilted_head_opens_upright_with_one_slice_distance(data_folder: Path) -> None:
    folder = data_folder / "dicom" / "head-ct-tilted"
    series = only_series(folder)
    image = series.image()
    assert {c.code: c.level for c in series.checks} == {
        "volume.gantry-tilt": Level.WARNING,
        "volume.changing-spacing": Level.WARNING,
    }
    messages = " ".join(check.message + check.fix for check in series.checks)
    assert "18.5 degrees" in messages
    assert "between 1.08 mm and 7.00 mm" in messages
    assert image.array.shape == series.shape
    assert image.array.dtype == np.int16
    assert image.affine is not None
    columns = image.affine[:3, :3] / np.linalg.norm(image.affine[:3, :3], axis=0)
    np.testing.assert_allclose(columns.T @ columns, np.eye(3), atol=1e-6)
    assert image.spacing == pytest.approx((4.0, 0.4883, 0.4883), abs=0.01)
    slices = sorted((pydicom.dcmread(p) for p in folder.glob("*.dcm")), key=lambda d: d.ImagePositionPatient[2])
    positions = np.array([d.ImagePositionPatient for d in slices], dtype=float)
    stored = np.stack([d.pixel_array.astype(np.float32) + float(d.RescaleIntercept) for d in slices])
    peer, rim = by_simple_itk(stored, positions, slices[0].ImageOrientationPatient, image)
    assert rim.mean() < 0.01
    assert np.abs(image.array.astype(np.float32) - peer)[~rim].max() <= 0.51


@settings(max_examples=20, deadline=None)
@given(
    degrees=st.floats(-30, 30), step=st.floats(0.5, 8), count=st.integers(2, 6), rows=st.floats(0.3, 1.5),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
)  # fmt: skip
def test_any_tilt_puts_every_landmark_where_it_was(
    degrees: float, step: float, count: int, rows: float, origin: tuple[float, float, float]
) -> None:
    orientation = tilted(degrees)
    positions = [(origin[0], origin[1], origin[2] + step * k) for k in range(count)]
    placed = stack(positions, orientation, (rows, 0.7), step)
    upright = grid(placed, 60, 8, None)
    # A ramp along the patient's y and z is reproduced exactly by linear interpolation.
    sheared = np.array([1.0, 2.0, 3.0])
    indices = np.stack(np.meshgrid(*map(np.arange, (count, 60, 8)), indexing="ij"), axis=-1).astype(float)
    given_places = indices @ placed.affine[:3, :3].T + placed.affine[:3, 3]
    values = resample((given_places @ sheared).astype(np.float32), upright)
    new = np.stack(np.meshgrid(*map(np.arange, upright.shape), indexing="ij"), axis=-1).astype(float)
    truth = (new @ upright.affine[:3, :3].T + upright.affine[:3, 3]) @ sheared
    outside = values == (given_places @ sheared).astype(np.float32).min()
    assert np.abs(values - truth)[~outside].max() < 0.05
    assert np.count_nonzero(~outside) >= count * 58 * 8 - 1
    assert abs(upright.affine[:3, 0] @ upright.affine[:3, 1]) < 1e-9


def test_a_head_scanned_finer_below_gets_the_finer_distance_throughout(tmp_path: Path) -> None:
    heights = [0, 5, 10, 15, 20, 25, 35, 45, 55, 65]
    for number, height in enumerate(heights):
        save(ct_slice(np.full((4, 6), height * 10, np.uint16), (0, 0, height)), tmp_path / f"{number}.dcm")
    series = only_series(tmp_path)
    image = series.image()
    assert [c.code for c in series.checks] == ["volume.changing-spacing"]
    assert "5.00 mm" in series.checks[0].fix
    np.testing.assert_array_equal(image.array[:, 0, 0] + 1024, np.arange(0, 651, 50))
    assert image.spacing == pytest.approx((5.0, 0.8, 0.5))


def test_a_gap_inside_a_part_is_a_missing_slice_all_the_same(tmp_path: Path) -> None:
    for height in (0, 5, 10, 15, 25, 30, 35, 40, 50, 60, 70):
        save(ct_slice(np.zeros((4, 6), np.uint16), (0, 0, height)), tmp_path / f"{height}.dcm")
    series = only_series(tmp_path)
    assert [c.code for c in series.checks] == ["volume.missing-slices"]
    assert series.checks[0].message.startswith("Missing slices: 1 (gaps: 1)")


def test_a_volume_sheared_beyond_any_gantry_is_refused(tmp_path: Path) -> None:
    for k in range(4):
        save(ct_slice(np.zeros((4, 6), np.uint16), (0, 5 * k, k)), tmp_path / f"{k}.dcm")
    assert [c.code for c in only_series(tmp_path).checks] == ["volume.sheared"]
