from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from medtransfer.transfer import spread


@pytest.mark.parametrize("seed", [0, 1])
def test_features_that_change_are_measured_as_scikit_learn_does(seed: int) -> None:
    features = np.random.default_rng(seed).normal(3, np.linspace(0.5, 20, 30), (50, 30)).astype(np.float32)
    assert np.allclose(spread.of(features), StandardScaler().fit(features.astype(np.float64)).scale_)


@given(st.floats(0, 1e-3), st.floats(1e-3, 1e3))
def test_what_hardly_changes_counts_for_little_whatever_the_unit(asleep: float, unit: float) -> None:
    features = np.random.default_rng(0).normal(0, 1, (40, 9)).astype(np.float32) * np.float32(unit)
    features[:, 4] *= asleep
    found = spread.of(features)
    usual = np.median(np.delete(found, 4))
    assert (found > 0).all()
    assert found[4] == pytest.approx(spread.SMALLEST * usual, rel=0.5)


def test_features_of_which_none_changes_are_divided_by_one() -> None:
    assert spread.of(np.full((5, 3), 2.0, dtype=np.float32)).tolist() == [1.0, 1.0, 1.0]
