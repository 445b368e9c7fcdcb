"""From a network's logit to a probability that means what it says, one label at a time."""

from __future__ import annotations

from typing import Literal

import numpy as np

from medtransfer.contract.bundle import Calibration
from medtransfer.transfer.metrics import BoolArray, FloatArray

Method = Literal["auto", "none", "temperature", "platt", "isotonic"]

ISOTONIC_FROM = 1000
"""Cases from which ``auto`` prefers isotonic regression, which overfits on fewer (Niculescu-Mizil and Caruana 2005)."""

TEMPERATURES = (0.05, 20.0)
"""Temperatures are sought between these: on cases that the scores separate the best one would be 0."""


def apply(calibration: Calibration, logits: FloatArray) -> FloatArray:
    """Return the probabilities of these logits, any shape, float64, in [0, 1]."""
    scores = np.asarray(logits, dtype=np.float64)
    if calibration.method == "temperature":
        return _sigmoid(scores / calibration.a)
    if calibration.method == "platt":
        return _sigmoid(calibration.a * scores + calibration.b)
    if calibration.method == "isotonic":
        return np.clip(np.interp(_sigmoid(scores), calibration.x, calibration.y), 0.0, 1.0)
    return _sigmoid(scores)


def fit(logits: FloatArray, truth: FloatArray, method: Method) -> Calibration:
    """Fit a calibration on validation cases.

    Parameters
    ----------
    logits
        Finite, shape (cases,).
    truth
        1 present, 0 absent, NaN unknown (left out), shape (cases,).
    method
        ``auto`` is Platt scaling below :data:`ISOTONIC_FROM` cases, else isotonic regression.

    Returns
    -------
    Calibration
        Of method ``none``, with the reason in ``note``, where calibrating is impossible or would make the fit on
        these cases worse.
    """
    known = ~np.isnan(truth)
    scores, positive = np.asarray(logits[known], dtype=np.float64), truth[known] > 0.5
    chosen = method if method != "auto" else "platt" if positive.size < ISOTONIC_FROM else "isotonic"
    if chosen == "none":
        return Calibration()
    if positive.all() or not positive.any():
        return Calibration(note="the validation cases are all of one class")
    fitted = _FITS[chosen](scores, positive)
    if fitted is None:
        return Calibration(note="on the validation cases the scores do not rise with the label")
    if log_loss(apply(fitted, scores), positive) > log_loss(_sigmoid(scores), positive):
        return Calibration(note="the network's own probabilities fit the validation cases better")
    return fitted


def log_loss(probabilities: FloatArray, truth: BoolArray) -> float:
    """Return the mean negative log-likelihood in nats; probabilities are kept off 0 and 1 by the float64 epsilon."""
    epsilon = np.finfo(np.float64).eps
    likelihood = np.where(truth, probabilities, 1.0 - probabilities)
    return float(-np.log(np.clip(likelihood, epsilon, 1.0)).mean())


def _temperature(scores: FloatArray, positive: BoolArray) -> Calibration | None:
    """Guo et al. 2017. The log-likelihood is concave in 1 / T, so its slope has one zero: found by bisection."""

    def slope(inverse: float) -> float:
        return float(np.mean((_sigmoid(inverse * scores) - positive) * scores))

    low, high = 1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0]
    if slope(low) >= 0.0:
        return None
    while high - low > 1e-12 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if slope(middle) < 0.0 else (low, middle)
    return Calibration(method="temperature", a=2.0 / (low + high))


def _platt(scores: FloatArray, positive: BoolArray) -> Calibration | None:
    """Platt 1999, by the damped Newton method of Lin, Lin and Weng 2007."""
    count = positive.sum()
    targets = np.where(positive, (count + 1.0) / (count + 2.0), 1.0 / (positive.size - count + 2.0))
    design = np.column_stack([scores, np.ones_like(scores)])
    line = np.array([0.0, np.log((count + 1.0) / (positive.size - count + 1.0))])

    def loss(candidate: FloatArray) -> float:
        values = design @ candidate
        return float(np.sum(np.logaddexp(0.0, values) - targets * values))

    for _ in range(100):
        probabilities = _sigmoid(design @ line)
        gradient = design.T @ (probabilities - targets)
        curvature = (design * (probabilities * (1.0 - probabilities))[:, None]).T @ design
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        before, share = loss(line), 1.0
        while loss(line - share * step) > before and share > 1e-10:
            share /= 2.0
        if before - loss(line - share * step) <= 1e-14 * (1.0 + before):
            break
        line = line - share * step
    slope, offset = float(line[0]), float(line[1])
    return Calibration(method="platt", a=slope, b=offset) if slope > 0.0 else None


def _isotonic(scores: FloatArray, positive: BoolArray) -> Calibration | None:
    """Zadrozny and Elkan 2002, by scikit-learn.

    Kept off 0 and 1 by Laplace's rule: so many cases cannot show that the label is impossible or certain.
    """
    from sklearn.isotonic import IsotonicRegression

    margin = 1.0 / (positive.size + 2.0)
    steps = IsotonicRegression(y_min=margin, y_max=1.0 - margin)
    steps.fit(_sigmoid(scores), positive.astype(np.float64))
    x, y = steps.X_thresholds_, steps.y_thresholds_
    return Calibration(method="isotonic", x=tuple(map(float, x)), y=tuple(map(float, y))) if y[0] < y[-1] else None


_FITS = {"temperature": _temperature, "platt": _platt, "isotonic": _isotonic}


def _sigmoid(scores: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-z)) without overflow."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0.0, 1.0, small) / (1.0 + small)
