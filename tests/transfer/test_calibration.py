from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss as peer_log_loss
from sklearn.metrics import roc_auc_score

from medtransfer.contract.bundle import Calibration
from medtransfer.transfer import calibration
from medtransfer.transfer.calibration import Method
from medtransfer.transfer.metrics import FloatArray


def cases(count: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Logits that are exactly right, and the truth drawn from them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-0.5, 1.5, count)
    return logits, (generator.random(count) < calibration.apply(Calibration(), logits)).astype(np.float64)


def test_temperature_two_is_recovered() -> None:
    logits, truth = cases(5000)
    fitted = calibration.fit(logits * 2.0, truth, "temperature")
    assert fitted.method == "temperature"
    assert fitted.a == pytest.approx(2.0, abs=0.1)


def test_platt_recovers_slope_and_offset() -> None:
    logits, truth = cases(5000)
    fitted = calibration.fit(logits * 2.0 + 1.0, truth, "platt")
    assert fitted.method == "platt"
    assert fitted.a == pytest.approx(0.5, abs=0.05)
    assert fitted.b == pytest.approx(-0.5, abs=0.1)


def test_platt_equals_a_logistic_regression_on_the_smoothed_targets() -> None:
    logits, truth = cases(80, seed=3)
    fitted = calibration.fit(logits * 3.0, truth, "platt")
    count = truth.sum()
    targets = np.where(truth > 0.5, (count + 1.0) / (count + 2.0), 1.0 / (80 - count + 2.0))
    surplus = calibration.apply(fitted, logits * 3.0) - targets
    assert surplus.sum() == pytest.approx(0.0, abs=1e-6)
    assert surplus @ logits == pytest.approx(0.0, abs=1e-6)


def test_platt_stays_finite_where_the_scores_separate_the_classes() -> None:
    logits = np.array([-900.0, -800.0, -700.0, 700.0, 800.0])
    fitted = calibration.fit(logits / 1000.0, (logits > 0).astype(np.float64), "platt")
    assert fitted.method == "platt"
    assert 0.0 < fitted.a < 100.0


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_ranks_do_not_change(method: Method) -> None:
    logits, truth = cases(400, seed=1)
    fitted = calibration.fit(logits * 3.0, truth, method)
    assert roc_auc_score(truth, calibration.apply(fitted, logits * 3.0)) == roc_auc_score(truth, logits)


def test_isotonic_equals_scikit_learn_off_the_ends_and_is_never_certain() -> None:
    logits, truth = cases(2000, seed=2)
    fitted = calibration.fit(logits * 2.0, truth, "isotonic")
    ours = calibration.apply(fitted, logits * 2.0)
    raw = calibration.apply(Calibration(), logits * 2.0)
    peer = IsotonicRegression(out_of_bounds="clip").fit(raw, truth).predict(raw)
    np.testing.assert_allclose(ours, np.clip(peer, 1 / 2002, 2001 / 2002), atol=1e-12)
    assert 0.0 < ours.min() < ours.max() < 1.0
    assert np.all(np.diff(calibration.apply(fitted, np.linspace(-50.0, 50.0, 999))) >= 0.0)


@pytest.mark.parametrize(("count", "method"), [(999, "platt"), (1000, "isotonic")])
def test_auto_depends_on_the_number_of_cases(count: int, method: str) -> None:
    logits, truth = cases(count)
    assert calibration.fit(logits * 2.0, truth, "auto").method == method


@given(
    st.lists(st.tuples(st.floats(-30.0, 30.0), st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=40),
    st.sampled_from(["auto", "none", "temperature", "platt", "isotonic"]),
)
@settings(deadline=None, max_examples=200)
def test_the_likelihood_of_the_fitted_cases_never_gets_worse(pairs: list[tuple[float, float]], method: Method) -> None:
    logits, truth = (np.array(part) for part in zip(*pairs, strict=True))
    fitted = calibration.fit(logits, truth, method)
    known = ~np.isnan(truth)
    probabilities = calibration.apply(fitted, logits)
    assert np.all((probabilities >= 0.0) & (probabilities <= 1.0))
    order = np.argsort(logits, kind="stable")
    assert np.all(np.diff(probabilities[order]) >= 0.0)
    if known.any():
        before = calibration.log_loss(calibration.apply(Calibration(), logits[known]), truth[known] > 0.5)
        assert calibration.log_loss(probabilities[known], truth[known] > 0.5) <= before


@pytest.mark.parametrize("method", ["auto", "temperature", "platt", "isotonic"])
def test_one_class_cannot_be_calibrated(method: Method) -> None:
    fitted = calibration.fit(np.array([-1.0, 0.5, 2.0]), np.array([1.0, 1.0, np.nan]), method)
    assert fitted.method == "none"
    assert "one class" in fitted.note


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_scores_that_fall_with_the_label_are_not_turned_round(method: Method) -> None:
    logits, truth = cases(500)
    fitted = calibration.fit(-logits * 2.0, truth, method)
    assert fitted.method == "none"
    assert "do not rise" in fitted.note


def test_unknown_labels_are_left_out() -> None:
    logits, truth = cases(300)
    more = np.concatenate([logits, np.full(100, 5.0)])
    fitted = calibration.fit(more * 2.0, np.concatenate([truth, np.full(100, np.nan)]), "platt")
    assert fitted == calibration.fit(logits * 2.0, truth, "platt")


def test_probabilities_of_extreme_logits() -> None:
    found = calibration.apply(Calibration(), np.array([-1e6, -40.0, 0.0, 40.0, 1e6]))
    assert found[0] == 0.0
    assert found[1] == pytest.approx(np.exp(-40.0))
    assert list(found[2:]) == [0.5, 1.0, 1.0]


def test_the_stored_calibration_gives_the_same_probabilities() -> None:
    logits, truth = cases(1500, seed=4)
    for method in ("temperature", "platt", "isotonic"):
        fitted = calibration.fit(logits * 2.0, truth, method)
        again = Calibration.model_validate_json(fitted.model_dump_json())
        np.testing.assert_array_equal(calibration.apply(again, logits), calibration.apply(fitted, logits))


def test_log_loss_equals_scikit_learn() -> None:
    logits, truth = cases(50)
    probabilities = calibration.apply(Calibration(), logits)
    assert calibration.log_loss(probabilities, truth > 0.5) == pytest.approx(peer_log_loss(truth, probabilities))
