"""Frozen features with a logistic regression: the untuned model, and where tuning starts from.

Tuning from a fitted last layer instead of a random one keeps the pretrained features from being torn up by the first
steps (Kumar et al., "Fine-tuning can distort pretrained features", ICLR 2022), and makes epoch 0 of the training the
untuned model itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from medtransfer.transfer import spread
from medtransfer.transfer.calibration import log_loss

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
"""Inverse regularisation strengths tried. Small, because there are more features than cases."""
_FOLDS = 5
_ITERATIONS = 2000


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear answer: ``features @ weight + bias`` is the logit. ``strength`` is the C that was chosen."""

    weight: NDArray[np.float64]
    bias: float
    strength: float

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logits of features (n, d), shape (n,)."""
        return features.astype(np.float64) @ self.weight + self.bias


def fit(
    features: NDArray[np.float32],
    truth: NDArray[np.float64],
    patients: NDArray[np.int64],
    seed: int,
    strengths: Sequence[float] = STRENGTHS,
) -> Probe:
    """Fit a logistic regression to standardised features; its strength is chosen by patient-grouped cross-validation.

    Parameters
    ----------
    features
        Of the training cases, (n, d).
    truth
        1 or 0, (n,); both must occur.
    patients
        The patient's number for each case, (n,).
    strengths
        To choose from; the middle one is taken where a class has a single patient.
    """
    strength = _chosen_strength(features, truth, patients, seed, strengths)
    return _regression(features, truth, strength)


def _chosen_strength(
    features: NDArray[np.float32],
    truth: NDArray[np.float64],
    patients: NDArray[np.int64],
    seed: int,
    strengths: Sequence[float],
) -> float:
    """Return the strength with the lowest log loss over held-out patients."""
    rarer = min(np.unique(patients[truth == value]).size for value in (0, 1))
    if rarer < 2:
        return strengths[(len(strengths) - 1) // 2]
    folds = StratifiedGroupKFold(min(_FOLDS, int(rarer)), shuffle=True, random_state=seed)
    losses = np.zeros(len(strengths))
    for train, held in folds.split(features, truth, patients):
        if np.unique(truth[train]).size < 2:
            continue
        for index, strength in enumerate(strengths):
            logits = _regression(features[train], truth[train], strength).logits(features[held])
            losses[index] += log_loss(1.0 / (1.0 + np.exp(-logits)), truth[held] > 0.5) * held.size
    return strengths[int(np.argmin(losses))]


def _regression(features: NDArray[np.float32], truth: NDArray[np.float64], strength: float) -> Probe:
    mean, scale = features.mean(axis=0, dtype=np.float64), spread.of(features)
    model = LogisticRegression(C=strength, max_iter=_ITERATIONS).fit((features - mean) / scale, truth)
    weight = model.coef_[0] / scale
    return Probe(weight, float(model.intercept_[0] - weight @ mean), strength)
