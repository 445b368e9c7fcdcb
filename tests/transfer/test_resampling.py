"""Resampling against SciPy's straightforward computations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from medtransfer.transfer.resampling import resample, resample_labels

SHAPES = st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(1, 14))
ndi: Any = ndimage


def noise(shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


@given(shape=SHAPES, wanted=SHAPES, seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_images_equal_scipys_cubic_zoom(shape: tuple[int, ...], wanted: tuple[int, ...], seed: int) -> None:
    array = noise(shape, seed)
    factors = [m / n for n, m in zip(shape, wanted, strict=True)]
    expected = ndi.zoom(array, factors, order=3, mode="nearest", grid_mode=True).clip(array.min(), array.max())
    np.testing.assert_allclose(resample(array, wanted), expected, atol=1e-5)


def test_a_coarse_axis_takes_the_nearest_slice() -> None:
    array = noise((4, 8, 8), 0)
    taken = resample(array, (9, 8, 8), coarse_axis=0)
    nearest = np.floor((np.arange(9) + 0.5) * 4 / 9).astype(int)
    np.testing.assert_allclose(taken, array[nearest], atol=1e-6)


def test_integers_keep_their_range() -> None:
    steps = np.zeros((8, 8, 8), dtype=np.int16)
    steps[4:] = 1000
    result = resample(steps, (13, 5, 8))
    assert result.dtype == np.float32
    assert (result.min(), result.max()) == (0.0, 1000.0)


@given(shape=SHAPES, wanted=SHAPES, seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_labels_equal_the_largest_of_linearly_interpolated_masks(
    shape: tuple[int, ...], wanted: tuple[int, ...], seed: int
) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, shape).astype(np.uint8)
    factors = [m / n for n, m in zip(shape, wanted, strict=True)]
    shares = np.stack(
        [ndi.zoom((labels == k).astype(float), factors, order=1, mode="nearest", grid_mode=True) for k in range(4)]
    )
    chosen = np.take_along_axis(shares, resample_labels(labels, wanted)[np.newaxis].astype(int), axis=0)[0]
    np.testing.assert_allclose(chosen, shares.max(axis=0), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_labels_keep_type_and_values_on_the_same_grid(dtype: type[np.integer]) -> None:
    labels = np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(dtype)
    same = resample_labels(labels, labels.shape)
    assert same.dtype == dtype
    np.testing.assert_array_equal(same, labels)


@pytest.mark.parametrize("factor", [2, 4])
def test_ties_neither_shift_nor_shrink(factor: int) -> None:
    """Halving the grid puts every sample between two voxels; over all places of a bar its length is kept."""
    lengths, centres = [], []
    for start in range(10, 10 + 2 * factor):
        bar = np.zeros((1, 1, 64), dtype=np.uint8)
        bar[..., start : start + 4 * factor + 1] = 1
        found = np.flatnonzero(resample_labels(bar, (1, 1, 64 // factor)))
        lengths.append(len(found) * factor)
        centres.append((found.mean() + 0.5) * factor - (start + (4 * factor + 1) / 2))
    assert np.mean(lengths) == pytest.approx(4 * factor + 1, abs=0.51)
    assert abs(np.mean(centres)) < 0.26
