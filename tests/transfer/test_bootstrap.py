from __future__ import annotations

import numpy as np
import pytest

from medtransfer.transfer import bootstrap, metrics
from medtransfer.transfer.bootstrap import IndexArray
from medtransfer.transfer.metrics import BoolArray, CountArray, FloatArray


def drawn(patients: IndexArray, truth: BoolArray, count: int, seed: int = 1) -> CountArray:
    return np.concatenate(list(bootstrap.resamples(patients, truth, count, np.random.default_rng(seed))))


def test_patients_are_numbered_without_gaps() -> None:
    np.testing.assert_array_equal(bootstrap.patient_numbers(["b", "a", "b", "10", "a"]), [2, 1, 2, 0, 1])


def test_cases_of_a_patient_are_drawn_together() -> None:
    patients = np.array([0, 0, 1, 1, 1, 2, 3])
    weights = drawn(patients, np.array([1, 0, 0, 0, 0, 1, 0], dtype=bool), 200)
    assert weights.shape == (200, 7)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 1])
    np.testing.assert_array_equal(weights[:, 2], weights[:, 4])


def test_patients_with_and_without_the_label_are_drawn_separately() -> None:
    patients = np.arange(50)
    truth = patients < 10
    weights = drawn(patients, truth, 300)
    assert set(weights[:, truth].sum(axis=1)) == {10}
    assert set(weights[:, ~truth].sum(axis=1)) == {40}
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=0.3)


def test_a_patient_is_positive_by_any_positive_case() -> None:
    patients = np.array([0, 0, 1, 1])
    np.testing.assert_array_equal(bootstrap.positive_patients(patients, np.array([0, 1, 0, 0], dtype=bool)), [1, 0])


def test_the_seed_decides() -> None:
    patients, truth = np.arange(30), np.arange(30) < 9
    np.testing.assert_array_equal(drawn(patients, truth, 20, seed=4), drawn(patients, truth, 20, seed=4))
    assert not np.array_equal(drawn(patients, truth, 20, seed=4), drawn(patients, truth, 20, seed=5))


def test_many_cases_come_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "MAXIMUM_CELLS", 100)
    truth = np.arange(30) < 9
    portions = list(bootstrap.resamples(np.arange(30), truth, 10, np.random.default_rng(0)))
    assert [len(portion) for portion in portions] == [3, 3, 3, 1]


def test_the_interval_is_made_of_percentiles_of_what_is_defined() -> None:
    samples = np.concatenate([np.arange(1001) / 1000.0, np.full(500, np.nan)])
    found = bootstrap.interval(0.4, samples)
    assert found.value == 0.4
    assert found.low == pytest.approx(0.025)
    assert found.high == pytest.approx(0.975)


@pytest.mark.parametrize(
    "samples", [np.full(50, 0.7), np.array([0.1, 0.9, np.nan, np.nan, np.nan]), np.full(9, np.nan)]
)
def test_no_interval_where_resampling_shows_none(samples: FloatArray) -> None:
    found = bootstrap.interval(0.7, samples)
    assert (found.low, found.high) == (None, None)


def test_a_perfect_share_gets_the_exact_bound() -> None:
    found = bootstrap.exact(1.0, 10)
    assert found.low == pytest.approx(0.6915, abs=1e-4)
    assert found.high == 1.0
    assert bootstrap.exact(0.0, 10).high == pytest.approx(0.3085, abs=1e-4)


def test_the_interval_of_a_calibration_error_surrounds_it() -> None:
    generator = np.random.default_rng(2)
    probabilities = generator.beta(0.6, 0.6, 200)
    truth = generator.random(200) < probabilities
    value = metrics.summary(truth, probabilities)["ece"]
    samples = metrics.ece(metrics.rank(truth, probabilities, drawn(np.arange(200), truth, 500)))
    assert samples.mean() > value
    found = bootstrap.centred(value, samples)
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low < value < found.high


def test_a_calibrated_model_stays_below_its_expected_error() -> None:
    generator = np.random.default_rng(8)
    below = 0
    for _ in range(60):
        probabilities = generator.beta(0.6, 0.6, 150)
        truth = generator.random(150) < probabilities
        limit = bootstrap.ece_if_calibrated(probabilities, generator, 200)
        below += metrics.summary(truth, probabilities)["ece"] <= limit
    assert below >= 51


def delong_spread(truth: BoolArray, scores: FloatArray) -> float:
    """Standard error of the AUROC of independent images (DeLong et al. 1988), by its definition."""
    positive, negative = scores[truth], scores[~truth]
    won = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    by_positive, by_negative = won.mean(axis=1), won.mean(axis=0)
    return float(np.sqrt(by_positive.var(ddof=1) / positive.size + by_negative.var(ddof=1) / negative.size))


def test_with_one_image_per_patient_the_spread_is_that_of_delong() -> None:
    fixture = np.array([0, 0, 1, 1, 0, 1, 0, 1], dtype=bool)
    assert delong_spread(fixture, np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.7, 0.65, 0.9])) ** 2 == pytest.approx(1 / 48)
    generator = np.random.default_rng(17)
    truth = np.arange(300) < 100
    scores = truth + generator.normal(size=300)
    samples = metrics.auroc(metrics.rank(truth, scores, drawn(np.arange(300), truth, 2000)))
    assert samples.std() == pytest.approx(delong_spread(truth, scores), rel=0.07)


def simulated(generator: np.random.Generator) -> tuple[IndexArray, BoolArray, FloatArray]:
    """150 patients with 6 images each; most of a score is the patient's and not the image's."""
    patients = np.repeat(np.arange(150), 6)
    truth = (np.arange(150) < 60)[patients]
    scores = truth * 1.0 + generator.normal(size=150)[patients] + 0.4 * generator.normal(size=900)
    return patients, truth, scores


def test_resampling_patients_gives_the_true_spread_and_resampling_images_half_of_it() -> None:
    generator = np.random.default_rng(11)
    areas: list[float] = []
    by_patient: list[float] = []
    by_image: list[float] = []
    for trial in range(120):
        patients, truth, scores = simulated(generator)
        areas.append(metrics.summary(truth, scores)["auroc"])
        if trial < 20:
            for found, groups in ((by_patient, patients), (by_image, np.arange(900))):
                weights = drawn(groups, truth, 200, seed=trial)
                found.append(float(metrics.auroc(metrics.rank(truth, scores, weights)).std()))
    truth_spread = np.std(areas)
    assert np.mean(by_patient) == pytest.approx(truth_spread, rel=0.25)
    assert np.mean(by_image) < 0.65 * truth_spread


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(13)
    true_area = 0.7443  # of the normal scores above: Phi(1 / sqrt(2 x (1 + 0.4^2)))
    covered = 0
    for trial in range(100):
        patients, truth, scores = simulated(generator)
        samples = metrics.auroc(metrics.rank(truth, scores, drawn(patients, truth, 300, seed=trial)))
        found = bootstrap.interval(metrics.summary(truth, scores)["auroc"], samples)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= true_area <= found.high
    assert 88 <= covered <= 100
