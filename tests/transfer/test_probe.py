from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medtransfer.transfer import probe
from medtransfer.transfer.probe import STRENGTHS


def made(cases: int = 90, dimensions: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(cases, dimensions)) * generator.uniform(1, 100, dimensions) + 5
    truth = (generator.normal(size=cases) + (features[:, 0] - 5) / features[:, 0].std() > 0).astype(np.float64)
    return features.astype(np.float32), truth, np.arange(cases) // 2


@pytest.mark.parametrize("seed", [0, 1])
def test_logits_are_those_of_scikit_learns_own_pipeline(seed: int) -> None:
    features, truth, patients = made(seed=seed)
    fitted = probe.fit(features, truth, patients, seed=3)
    peer = make_pipeline(StandardScaler(), LogisticRegression(C=fitted.strength, max_iter=2000))
    peer.fit(features.astype(np.float64), truth)
    expected = peer.decision_function(features.astype(np.float64))
    assert fitted.strength in STRENGTHS
    assert np.abs(fitted.logits(features) - expected).max() < 1e-6


def test_a_feature_that_never_changes_does_no_harm() -> None:
    features, truth, patients = made()
    features[:, 3] = 7.0
    fitted = probe.fit(features, truth, patients, seed=0)
    assert np.isfinite(fitted.logits(features)).all()


def test_a_feature_that_hardly_ever_changes_outweighs_nothing_when_it_does() -> None:
    features, truth, patients = made()
    features[:, 3] = 1e-7 * truth + 1e-8 * np.arange(len(truth))
    fitted = probe.fit(features, truth, patients, seed=0)
    assert np.isfinite(fitted.weight.astype(np.float16)).all(), "weights are stored in float16"
    awake = features.copy()
    awake[:, 3] = features.std()
    assert np.abs(fitted.logits(awake) - fitted.logits(features)).max() < 0.1


def test_the_strength_is_not_chosen_by_pictures_of_the_same_patient() -> None:
    """Every patient has a mark and a random label: memorising marks pays off within patients, and nowhere else."""
    grouped, leaking = [], []
    for seed in range(3):
        generator = np.random.default_rng(seed)
        patients = np.repeat(np.arange(80), 3)
        marks = generator.normal(size=(80, 60))
        features = (marks[patients] + 0.05 * generator.normal(size=(240, 60))).astype(np.float32)
        truth = generator.permutation(np.arange(80) % 2)[patients].astype(np.float64)
        grouped.append(probe.fit(features, truth, patients, seed=0).strength)
        leaking.append(probe.fit(features, truth, np.arange(240), seed=0).strength)
    assert leaking == [STRENGTHS[-1]] * 3
    assert np.median(grouped) < STRENGTHS[-2]


def test_one_patient_of_a_class_is_enough_to_fit() -> None:
    features, truth, patients = made(cases=30)
    truth[:] = 0
    truth[:2] = 1
    fitted = probe.fit(features, truth, patients, seed=0)
    assert fitted.strength == STRENGTHS[2]
    assert fitted.logits(features)[:2].min() > np.median(fitted.logits(features)[2:])


def test_the_same_seed_gives_the_same_answer() -> None:
    first, second = (probe.fit(*made(), seed=9) for _ in range(2))
    assert (first.bias, first.strength) == (second.bias, second.strength)
    assert np.array_equal(first.weight, second.weight)
