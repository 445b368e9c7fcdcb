from __future__ import annotations

import warnings
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer
from sklearn.exceptions import UndefinedMetricWarning

from medtransfer.transfer import metrics
from medtransfer.transfer.metrics import BoolArray, FloatArray

TRUTH = np.array([0, 0, 1, 1, 0, 1, 0, 1], dtype=bool)
SCORES = np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.7, 0.65, 0.9])


@st.composite
def scored_cases(draw: st.DrawFn) -> tuple[BoolArray, FloatArray]:
    """Both classes, with many ties."""
    answers = draw(st.lists(st.booleans(), min_size=2, max_size=60).filter(lambda values: len(set(values)) == 2))
    steps = draw(st.lists(st.integers(0, 20), min_size=len(answers), max_size=len(answers)))
    return np.array(answers), np.array(steps) / 20.0


@given(scored_cases(), st.integers(0, 20))
@settings(deadline=None, max_examples=150)
def test_figures_equal_scikit_learn(cases: tuple[BoolArray, FloatArray], step: int) -> None:
    truth, scores = cases
    called = scores >= step / 20.0
    ours = metrics.summary(truth, scores, step / 20.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        assert ours["auroc"] == pytest.approx(peer.roc_auc_score(truth, scores))
        assert ours["auprc"] == pytest.approx(peer.average_precision_score(truth, scores))
        assert ours["sensitivity"] == pytest.approx(peer.recall_score(truth, called))
        assert ours["specificity"] == pytest.approx(peer.recall_score(truth, called, pos_label=0))
        assert ours["f1"] == pytest.approx(peer.f1_score(truth, called))
        assert ours["mcc"] == pytest.approx(peer.matthews_corrcoef(truth, called))
        assert ours["brier"] == pytest.approx(peer.brier_score_loss(truth, scores))


@given(scored_cases(), st.integers(0, 2**31))
@settings(deadline=None, max_examples=80)
def test_a_weighted_figure_is_that_of_the_repeated_cases(cases: tuple[BoolArray, FloatArray], seed: int) -> None:
    truth, scores = cases
    weights = np.random.default_rng(seed).integers(0, 4, size=(5, truth.size)).astype(np.uint16)
    values = metrics.figures(metrics.rank(truth, scores, weights), 0.5)
    bins = metrics.calibration_bins(truth.size)
    for row in range(5):
        repeated = metrics.rank(np.repeat(truth, weights[row]), np.repeat(scores, weights[row]))
        for name, expected in metrics.figures(repeated, 0.5).items():
            if name != "ece" or bins == metrics.calibration_bins(repeated.cases):
                assert values[name][row] == pytest.approx(expected[0], abs=1e-12, nan_ok=True), name


def test_auroc_of_the_worked_example() -> None:
    assert metrics.summary(TRUTH, SCORES)["auroc"] == 0.875


def test_calibration_error_of_the_worked_example() -> None:
    truth = np.array([False, True, True, True])
    assert metrics.summary(truth, np.array([0.1, 0.3, 0.6, 0.9]))["ece"] == pytest.approx(0.275)


def test_calibration_error_is_zero_for_the_prevalence_whatever_the_order() -> None:
    truth = np.array([True] * 30 + [False] * 70)
    assert metrics.summary(truth, np.full(100, 0.3))["ece"] == pytest.approx(0.0, abs=1e-12)
    assert metrics.summary(truth[::-1], np.full(100, 0.3))["ece"] == pytest.approx(0.0, abs=1e-12)


def test_calibration_error_equals_counting_bin_by_bin() -> None:
    generator = np.random.default_rng(3)
    probabilities = generator.random(300)
    truth = generator.random(300) < probabilities**2
    order = np.argsort(probabilities)
    parts = np.split(order, 10)
    expected = np.mean([abs(probabilities[part].mean() - truth[part].mean()) for part in parts])
    assert metrics.summary(truth, probabilities)["ece"] == pytest.approx(expected)


@given(scored_cases(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_the_order_of_the_cases_carries_no_meaning(cases: tuple[BoolArray, FloatArray], shuffler: Random) -> None:
    truth, scores = cases
    order = list(range(truth.size))
    shuffler.shuffle(order)
    before, after = metrics.summary(truth, scores), metrics.summary(truth[order], scores[order])
    assert after == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize(("cases", "bins"), [(4, 2), (89, 2), (90, 3), (300, 10), (5000, 10)])
def test_calibration_bins_follow_the_number_of_cases(cases: int, bins: int) -> None:
    assert metrics.calibration_bins(cases) == bins


def test_one_class_only_leaves_figures_out() -> None:
    negative = metrics.summary(np.zeros(4, dtype=bool), SCORES[:4])
    positive = metrics.summary(np.ones(4, dtype=bool), SCORES[:4])
    assert set(negative) == {"specificity", "brier", "ece"}
    assert set(positive) == {"sensitivity", "f1", "brier", "ece"}


def test_no_cases_give_no_figures() -> None:
    assert metrics.summary(np.zeros(0, dtype=bool), np.zeros(0)) == {}


def test_no_positive_call_gives_zero_and_not_nothing() -> None:
    values = metrics.summary(TRUTH, SCORES, 0.95)
    assert (values["sensitivity"], values["specificity"], values["f1"], values["mcc"]) == (0.0, 1.0, 0.0, 0.0)


def test_curves_equal_scikit_learn() -> None:
    ranked = metrics.rank(TRUTH, SCORES)
    alarms, hits, _ = peer.roc_curve(TRUTH, SCORES, drop_intermediate=False)
    np.testing.assert_allclose(metrics.roc_points(ranked), np.column_stack([alarms, hits]))
    precision, recall, _ = peer.precision_recall_curve(TRUTH, SCORES)
    np.testing.assert_allclose(metrics.pr_points(ranked), np.column_stack([recall, precision])[-2::-1])


def test_reliability_counts_every_case_once() -> None:
    generator = np.random.default_rng(5)
    probabilities = np.round(generator.random(317), 2)
    truth = generator.random(317) < probabilities
    points = metrics.reliability_points(metrics.rank(truth, probabilities))
    sizes = np.array([size for _, _, size in points])
    assert len(points) == 10
    assert sizes.sum() == 317
    assert np.ptp(sizes) <= 1
    assert sum(mean * size for mean, _, size in points) == pytest.approx(probabilities.sum())
    assert sum(share * size for _, share, size in points) == pytest.approx(truth.sum())
    gaps = sum(abs(mean - share) * size for mean, share, size in points) / 317
    assert metrics.summary(truth, probabilities)["ece"] == pytest.approx(gaps)


def test_curves_are_thinned_and_keep_their_ends() -> None:
    generator = np.random.default_rng(7)
    truth, scores = generator.random(5000) < 0.3, generator.random(5000)
    ranked = metrics.rank(truth, scores)
    roc, pr = metrics.roc_points(ranked), metrics.pr_points(ranked)
    assert len(roc) == len(pr) == metrics.MAXIMUM_POINTS
    assert (roc[0], roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert pr[-1] == pytest.approx((1.0, truth.mean()))
    assert np.trapezoid([y for _, y in roc], [x for x, _ in roc]) == pytest.approx(
        peer.roc_auc_score(truth, scores), abs=0.005
    )


def test_curves_of_one_class_are_empty() -> None:
    ranked = metrics.rank(np.ones(3, dtype=bool), SCORES[:3])
    assert metrics.roc_points(ranked) == metrics.pr_points(ranked) == []
