"""To the network's grid and back: structures keep their place and their volume, however the volume lies in space."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.contract.plan import VolumePlan
from medtransfer.transfer.volume_frame import Frame, frame

PLAN = VolumePlan(spacing=(1.5, 1.5, 1.5), patch=(128, 128, 128), pools=())
ORIENTATIONS = list(product(permutations(range(3)), product((1.0, -1.0), repeat=3)))
SPACINGS = st.tuples(*[st.floats(0.6, 4.0)] * 3)
RADII = np.array([14.0, 19.0, 16.0])  # mm
SURFACE = 3330.0
"""Of one ellipsoid, mm2 (Thomsen's formula): a volume changes by this for each mm that the surface moves."""


def to_world(affine: NDArray[np.float64], indices: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])


def placed(
    orientation: tuple[tuple[int, ...], tuple[float, ...]], spacing: tuple[float, ...], turn: float = 0.0
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return an affine and a shape: about 100 mm on a side, the axes along the given ones, then turned obliquely."""
    order, signs = orientation
    affine = np.eye(4)
    affine[:3, :3] = 0.0
    for axis, (world, sign, step) in enumerate(zip(order, signs, spacing, strict=True)):
        affine[world, axis] = sign * step
    cosine, sine = np.cos(turn), np.sin(turn)
    about_x = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    about_z = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    affine[:3, :3] = about_x @ about_z @ affine[:3, :3]
    affine[:3, 3] = (31.0, -207.0, 1012.5)
    return affine, tuple(round(100 / step) for step in spacing)


def bodies(shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return two ellipsoids, labelled 1 and 2, that nearly touch."""
    world = to_world(affine, np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1))
    middle = to_world(affine, (np.array(shape) - 1) / 2 + 0.3)
    labels = np.zeros(shape, dtype=np.uint8)
    for label, side in ((1, -16.0), (2, 16.0)):
        labels[(((world - middle - [side, 0.0, 0.0]) / RADII) ** 2).sum(axis=-1) < 1] = label
    return labels


def weight_and_centre(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    volume = float(mask.sum() * abs(np.linalg.det(affine[:3, :3])))
    return volume, to_world(affine, np.argwhere(mask)).mean(axis=0)


def check_round_trip(affine: NDArray[np.float64], shape: tuple[int, ...], most: float) -> None:
    """Check that the surface moves by at most that share of the coarsest voxel, and the centre so along each axis."""
    labels = bodies(shape, affine)
    grid = frame(np.ones(shape, dtype=np.int16), affine, PLAN)
    there = grid.to_network(labels)
    back = grid.to_original(there)
    assert there.shape == grid.shape
    assert back.shape == shape
    assert back.dtype == np.uint8
    coarsest = max(1.5, *np.linalg.norm(affine[:3, :3], axis=0))
    for label in (1, 2):
        volume, centre = weight_and_centre(labels == label, affine)
        for mask, own in ((there == label, grid.affine), (back == label, affine)):
            found, middle = weight_and_centre(mask, own)
            assert abs(found - volume) / SURFACE < most * coarsest
            assert np.linalg.norm(middle - centre) < np.sqrt(3) * most * coarsest
    assert np.count_nonzero((labels == back) & (labels > 0)) > 0.85 * np.count_nonzero(labels)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_orientation_comes_to_the_same_array(orientation: tuple[tuple[int, ...], tuple[float, ...]]) -> None:
    affine, shape = placed(orientation, (2.0, 2.0, 2.0))
    grid = frame(np.ones(shape, dtype=np.int16), affine, PLAN)
    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    np.testing.assert_allclose(directions, [[0, 0, -1], [0, -1, 0], [1, 0, 0]], atol=1e-9)
    check_round_trip(affine, shape, most=0.11)


@given(orientation=st.sampled_from(ORIENTATIONS), spacing=SPACINGS, turn=st.floats(-0.6, 0.6))
@example(orientation=ORIENTATIONS[0], spacing=(2.9375, 2.9375, 2.9375), turn=0.5625)
@settings(max_examples=25, deadline=None)
def test_structures_keep_place_and_volume_at_any_spacing_and_angle(
    orientation: tuple[tuple[int, ...], tuple[float, ...]], spacing: tuple[float, ...], turn: float
) -> None:
    # Where one grid is exactly twice as fine as the other, each sample lies midway between two voxels and takes the
    # label of one: a boundary moves by half a fine voxel, which is a quarter of a coarse one.
    check_round_trip(*placed(orientation, spacing, turn), most=0.25)


@pytest.mark.parametrize("spacing", [(10.0, 0.5, 0.5), (0.8, 0.8, 5.0), (1.5, 1.5, 1.5)])
def test_thick_slices_come_back(spacing: tuple[float, ...]) -> None:
    affine, shape = placed(ORIENTATIONS[0], spacing, 0.1)
    labels = bodies(shape, affine)
    grid = frame(np.ones(shape, dtype=np.int16), affine, PLAN)
    back = grid.to_original(grid.to_network(labels))
    assert (grid.coarse_axis is None) == (max(spacing) < 3 * min(spacing))
    assert np.count_nonzero(back == labels) / labels.size > 0.97
    for label in (1, 2):
        volume, centre = weight_and_centre(labels == label, affine)
        found, middle = weight_and_centre(back == label, affine)
        assert found == pytest.approx(volume, rel=0.06)
        assert np.linalg.norm(middle - centre) < 0.5


def test_a_gantry_tilt_comes_back() -> None:
    affine, shape = placed(ORIENTATIONS[0], (2.0, 1.0, 1.0))
    affine[1, 0] = 0.6  # each slice lies a little further to the back
    labels = bodies(shape, affine)
    grid = frame(np.ones(shape, dtype=np.int16), affine, PLAN)
    check_round_trip(affine, shape, most=0.11)
    _, centre = weight_and_centre(labels > 0, affine)
    _, middle = weight_and_centre(grid.to_network(labels) > 0, grid.affine)
    assert np.linalg.norm(middle - centre) < 0.5


def test_zeros_around_the_volume_are_cut_off_and_come_back_as_background() -> None:
    affine, _ = placed(ORIENTATIONS[5], (1.5, 1.5, 1.5))
    array = np.zeros((40, 50, 60), dtype=np.int16)
    array[10:30, 5:45, 20:50] = 7
    grid = frame(array, affine, PLAN)
    assert sorted(grid.shape) == [20, 30, 40]
    back = grid.to_original(np.ones(grid.shape, dtype=np.uint8))
    np.testing.assert_array_equal(back, array > 0)


def test_a_volume_of_zeros_is_kept_whole() -> None:
    affine, shape = placed(ORIENTATIONS[0], (1.5, 1.5, 1.5))
    assert frame(np.zeros(shape), affine, PLAN).box == tuple(slice(0, size) for size in shape)


def test_one_slice_has_a_frame() -> None:
    affine, _ = placed(ORIENTATIONS[0], (5.0, 1.0, 1.0))
    grid = frame(np.ones((1, 90, 90)), affine, PLAN)
    assert sorted(grid.shape) == [3, 60, 60]
    assert grid.to_original(np.ones(grid.shape, dtype=np.uint8)).all()


def test_a_real_ct_keeps_its_organs(data_folder: Path) -> None:
    image = study.open(data_folder / "ct" / "ct_a.nii.gz")[0].series[0].image()
    labels = study.open(data_folder / "ct" / "ct_a_seg.nii.gz")[0].series[0].image().array.astype(np.uint8)
    assert image.affine is not None
    grid: Frame = frame(image.array, image.affine, PLAN)
    back = grid.to_original(grid.to_network(labels))
    agreements = []
    for label in np.unique(labels[labels > 0]):
        own, found = labels == label, back == label
        agreements.append(2 * np.count_nonzero(own & found) / (np.count_nonzero(own) + np.count_nonzero(found)))
    assert np.mean(agreements) > 0.95
