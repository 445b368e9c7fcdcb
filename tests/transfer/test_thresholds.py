from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from medtransfer.transfer import thresholds

CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), min_size=2, max_size=50)


@given(CASES)
@settings(deadline=None, max_examples=100)
def test_no_threshold_has_a_better_f1(cases: list[tuple[bool, int]]) -> None:
    truth = np.array([answer for answer, _ in cases])
    probabilities = np.array([step for _, step in cases]) / 30.0
    chosen = thresholds.best_f1(probabilities, truth)
    assert 0.0 <= chosen <= 1.0
    if 0 < truth.sum() < truth.size:
        best = max(f1_score(truth, probabilities >= other) for other in probabilities)
        assert f1_score(truth, probabilities >= chosen) == pytest.approx(best)
    else:
        assert chosen == 0.5


def test_the_threshold_lies_between_neighbouring_scores() -> None:
    assert thresholds.best_f1(np.array([0.1, 0.2, 0.6, 0.9]), np.array([0, 0, 1, 1], dtype=bool)) == pytest.approx(0.4)


def test_of_equal_f1_the_higher_threshold_is_taken() -> None:
    # Calling the first one: F1 = 2/3. Calling the first three: F1 = 2/3 as well, and two false alarms more.
    probabilities = np.array([0.9, 0.7, 0.5, 0.3, 0.2])
    truth = np.array([1, 0, 0, 1, 0], dtype=bool)
    assert f1_score(truth, probabilities >= 0.25) == f1_score(truth, probabilities >= 0.8)
    assert thresholds.best_f1(probabilities, truth) == pytest.approx(0.8)


def test_when_all_cases_must_be_called_the_threshold_lies_below_the_lowest() -> None:
    truth = np.array([0, 1, 1, 1], dtype=bool)
    probabilities = np.array([0.9, 0.8, 0.7, 0.6])
    assert thresholds.best_f1(probabilities, truth) == pytest.approx(0.3)
    assert thresholds.best_f1(np.array([0.5, 0.0]), np.array([False, True])) == 0.0


def test_neighbouring_floats_keep_their_calls() -> None:
    low = 0.3
    high = np.nextafter(low, 1.0)
    assert thresholds.best_f1(np.array([low, high]), np.array([False, True])) == high


@given(CASES, st.floats(0.01, 1.0))
@settings(deadline=None, max_examples=100)
def test_the_wanted_sensitivity_is_reached_and_the_next_higher_score_would_miss_it(
    cases: list[tuple[bool, int]], wanted: float
) -> None:
    truth = np.array([answer for answer, _ in cases])
    probabilities = np.array([step for _, step in cases]) / 30.0
    chosen = thresholds.for_sensitivity(probabilities, truth, wanted)
    if not truth.any():
        assert chosen == 0.5
        return
    assert recall_score(truth, probabilities >= chosen) >= wanted - 1e-9
    assert recall_score(truth, probabilities > chosen) < wanted


def test_seven_of_ten_are_seven() -> None:
    probabilities = np.arange(1, 11) / 10.0
    assert thresholds.for_sensitivity(probabilities, np.ones(10, dtype=bool), 0.7) == pytest.approx(0.4)
