from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from medtransfer.result.measuring import measured
from medtransfer.study.model import Image

SHEARED = np.array([[0.0, 0.5, 2.0, 7.0], [0.0, 3.0, 0.0, -4.0], [4.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]])


def volume(values: NDArray[np.generic], affine: NDArray[np.float64] = SHEARED) -> Image:
    return Image(array=values, axes="zyx", modality="CT", units="HU", affine=affine.copy())


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 4)),
    arrays.arrays(np.int16, (3, 4, 5), elements=st.integers(-1024, 3000)),
)
def test_measures_are_those_of_each_mask(labels: NDArray[np.uint8], values: NDArray[np.int16]) -> None:
    found = measured(labels, volume(values))
    assert set(found) == set(np.unique(labels)) - {0}
    for value, own in found.items():
        mask = labels == value
        assert own.volume_ml == pytest.approx(mask.sum() * 0.024)  # 2 x 3 x 4 mm; a shear changes no volume
        assert own.mean == pytest.approx(values[mask].mean(), abs=0.051)
        assert own.sd == pytest.approx(values[mask].std(), abs=0.051)
        where = np.argwhere(mask)
        assert own.box == (tuple(where.min(axis=0)), tuple(where.max(axis=0)))


def test_deviations_of_large_values_are_not_lost_in_rounding() -> None:
    values = np.float32(1e6) + np.array([[[0.0, 2.0], [0.0, 2.0]]], np.float32)
    assert measured(np.ones((1, 2, 2), np.uint16), volume(values))[1].sd == 1.0


def test_values_that_are_no_numbers_do_not_count() -> None:
    values = np.array([[[10.0, np.nan], [30.0, np.inf]]], np.float32)
    own = measured(np.ones((1, 2, 2), np.uint8), volume(values))[1]
    assert own.volume_ml == pytest.approx(0.096)
    assert (own.mean, own.sd) == (20.0, 10.0)
    nothing = measured(np.ones((1, 2, 2), np.uint8), volume(np.full((1, 2, 2), np.nan, np.float32)))[1]
    assert (nothing.mean, nothing.sd) == (None, None)


def test_only_hounsfield_units_have_a_mean() -> None:
    image = replace(volume(np.zeros((1, 2, 2), np.int16)), modality="MR", units="stored")
    own = measured(np.ones((1, 2, 2), np.uint8), image)[1]
    assert (own.mean, own.sd) == (None, None)
    assert own.volume_ml == pytest.approx(0.096)
