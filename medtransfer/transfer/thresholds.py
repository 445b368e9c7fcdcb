"""The operating threshold of a label, chosen on validation cases. A case is called positive at or above it."""

from __future__ import annotations

import math

import numpy as np

from medtransfer.transfer.metrics import BoolArray, FloatArray, rank

FALLBACK = 0.5
"""Where the cases give no ground to choose."""


def best_f1(probabilities: FloatArray, truth: BoolArray) -> float:
    """Return the threshold with the best F1.

    It lies midway between the lowest score called positive and the next one below (0 below the lowest), so that a
    small change of a score does not change the call. Of thresholds with the same F1 the highest is taken: it raises
    the fewest alarms.

    Parameters
    ----------
    probabilities
        Calibrated probabilities in [0, 1], shape (cases,).
    truth
        Shape (cases,).

    Returns
    -------
    float
        In [0, 1]; :data:`FALLBACK` when only one class is present.
    """
    if truth.all() or not truth.any():
        return FALLBACK
    ranked = rank(truth, probabilities)
    found = np.cumsum(ranked.positive[0, ::-1])
    called = found + np.cumsum(ranked.negative[0, ::-1])
    descending = ranked.scores[::-1]
    best = int(np.argmax(2.0 * found / (called + ranked.positives[0])))
    lowest_called = float(descending[best])
    next_below = float(descending[best + 1]) if best + 1 < descending.size else 0.0
    middle = (lowest_called + next_below) / 2.0
    return middle if middle > next_below else lowest_called


def for_sensitivity(probabilities: FloatArray, truth: BoolArray, wanted: float) -> float:
    """Return the largest threshold whose sensitivity is at least ``wanted``, in (0, 1].

    It is the score of the positive case that must still be found; :data:`FALLBACK` when there are no positive cases.
    Parameters as in :func:`best_f1`.
    """
    found = np.sort(probabilities[truth])[::-1]
    if not found.size:
        return FALLBACK
    # The margin keeps 0.7 x 10 from being counted as eight cases.
    needed = max(1, math.ceil(wanted * found.size - 1e-9))
    return float(found[needed - 1])
