"""Figures of merit of one label, for the cases as they are and for thousands of bootstrap resamples of them at once.

Every figure here depends on the cases only through how many positive and negative ones stand at each distinct score.
:func:`rank` sorts the cases once and counts them there for every resample; a figure is then a few sums over those
counts. Undefined figures (one class only) are NaN in arrays and missing from :func:`summary`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CountArray = NDArray[np.uint16]

METRICS = ("auroc", "auprc", "sensitivity", "specificity", "f1", "mcc", "brier", "ece")
MAXIMUM_POINTS = 200
"""Points of a curve that are kept for the plots."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Cases gathered by score.

    Attributes
    ----------
    scores
        Distinct scores in ascending order, shape (scores,).
    positive, negative
        How many cases of either class stand at each score, shape (resamples, scores).
    cases
        Number of cases before resampling.
    """

    scores: FloatArray
    positive: FloatArray
    negative: FloatArray
    cases: int

    @property
    def positives(self) -> FloatArray:
        """Positive cases of each resample, shape (resamples,)."""
        return np.asarray(self.positive.sum(axis=1))

    @property
    def negatives(self) -> FloatArray:
        """Negative cases of each resample, shape (resamples,)."""
        return np.asarray(self.negative.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Counts:
    """The confusion table of each resample at one threshold, arrays of shape (resamples,)."""

    true_positive: FloatArray
    false_positive: FloatArray
    true_negative: FloatArray
    false_negative: FloatArray


def rank(truth: BoolArray, scores: FloatArray, weights: CountArray | None = None) -> Ranked:
    """Gather cases by score.

    Parameters
    ----------
    truth
        Shape (cases,), or (resamples, cases) when the answers themselves are drawn anew.
    scores
        Shape (cases,), finite; a higher score speaks for the label.
    weights
        How often each resample holds each case, shape (resamples, cases); None takes every case once.
    """
    order = np.argsort(scores, kind="stable")
    ascending = scores[order]
    starts = np.flatnonzero(np.diff(ascending, prepend=-np.inf))
    drawn = np.ones((1, scores.size)) if weights is None else weights[:, order].astype(np.float64)
    positive = drawn * truth[..., order]
    negative = drawn - positive
    if starts.size < scores.size:
        positive, negative = (np.add.reduceat(part, starts, axis=1) for part in (positive, negative))
    return Ranked(ascending[starts], positive, negative, scores.size)


def auroc(ranked: Ranked) -> FloatArray:
    """Area under the ROC curve: the chance that a positive case scores above a negative one, ties counting half.

    This is the Mann-Whitney statistic (Hanley and McNeil 1982). Shape (resamples,).
    """
    below = np.cumsum(ranked.negative, axis=1) - 0.5 * ranked.negative
    won = np.einsum("rs,rs->r", ranked.positive, below)
    return _ratio(won, ranked.positives * ranked.negatives)


def auprc(ranked: Ranked) -> FloatArray:
    """Average precision: precision at each score, weighted by the recall gained there. Shape (resamples,).

    Without interpolation, which would be optimistic (Davis and Goadrich 2006); equals scikit-learn's
    ``average_precision_score``.
    """
    gained = ranked.positive[:, ::-1]
    found = np.cumsum(gained, axis=1)
    called = found + np.cumsum(ranked.negative[:, ::-1], axis=1)
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    average = _ratio(np.einsum("rs,rs->r", gained, precision), ranked.positives)
    return np.where(ranked.negatives > 0, average, np.nan)


def counts(ranked: Ranked, threshold: float) -> Counts:
    """Count right and wrong calls; a case is called positive when its score is at least the threshold."""
    called = (ranked.scores >= threshold).astype(np.float64)
    true_positive = ranked.positive @ called
    false_positive = ranked.negative @ called
    return Counts(true_positive, false_positive, ranked.negatives - false_positive, ranked.positives - true_positive)


def sensitivity(table: Counts) -> FloatArray:
    """Share of the positive cases that were called positive."""
    return _ratio(table.true_positive, table.true_positive + table.false_negative)


def specificity(table: Counts) -> FloatArray:
    """Share of the negative cases that were called negative."""
    return _ratio(table.true_negative, table.true_negative + table.false_positive)


def f1(table: Counts) -> FloatArray:
    """Harmonic mean of precision and sensitivity; 0 when nothing was called positive, undefined without positives."""
    found = 2.0 * table.true_positive
    score = _ratio(found, found + table.false_positive + table.false_negative)
    return np.where(table.true_positive + table.false_negative > 0, score, np.nan)


def mcc(table: Counts) -> FloatArray:
    """Matthews correlation coefficient, in [-1, 1]; 0 when all calls are alike, undefined with one class only."""
    positives = table.true_positive + table.false_negative
    negatives = table.true_negative + table.false_positive
    called = table.true_positive + table.false_positive
    spread = np.sqrt(positives * negatives * called * (positives + negatives - called))
    covariance = table.true_positive * table.true_negative - table.false_positive * table.false_negative
    score = np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.where((positives > 0) & (negatives > 0), score, np.nan)


def brier(ranked: Ranked) -> FloatArray:
    """Mean squared distance between probability and truth (Brier 1950). Shape (resamples,)."""
    squares = ranked.positive @ np.square(1.0 - ranked.scores) + ranked.negative @ np.square(ranked.scores)
    return _ratio(squares, ranked.positives + ranked.negatives)


def calibration_bins(cases: int) -> int:
    """Equal-mass bins for so many cases: one per 30, at least 2 and at most 10.

    More bins measure noise: the error of a perfectly calibrated model grows with their number (Roelofs et al. 2022).
    """
    return max(2, min(10, cases // 30))


def ece(ranked: Ranked) -> FloatArray:
    """Calibration error of the positive probability over equal-mass bins. Shape (resamples,).

    The distance between mean probability and observed share, averaged over bins by their share of the cases. Cases of
    equal score have no order, so a bin's edge among them divides their positives in proportion.
    """
    mass, surplus = _cumulated(ranked)
    gaps = np.array(
        [
            np.abs(np.diff(np.interp(_edges(row[-1], ranked.cases), row, excess))).sum()
            for row, excess in zip(mass, surplus, strict=True)
        ]
    )
    return _ratio(gaps, mass[:, -1])


def figures(ranked: Ranked, threshold: float) -> dict[str, FloatArray]:
    """Return every figure of :data:`METRICS`, arrays of shape (resamples,) with NaN where undefined."""
    table = counts(ranked, threshold)
    return {
        "auroc": auroc(ranked),
        "auprc": auprc(ranked),
        "sensitivity": sensitivity(table),
        "specificity": specificity(table),
        "f1": f1(table),
        "mcc": mcc(table),
        "brier": brier(ranked),
        "ece": ece(ranked),
    }


def summary(truth: BoolArray, probabilities: FloatArray, threshold: float = 0.5) -> dict[str, float]:
    """Return every figure of the cases as they are; an undefined one is missing. Arrays of shape (cases,)."""
    values = figures(rank(truth, probabilities), threshold)
    return {name: float(value[0]) for name, value in values.items() if not np.isnan(value[0])}


def roc_points(ranked: Ranked) -> list[tuple[float, float]]:
    """Return (false positive rate, sensitivity) from (0, 0) to (1, 1), thinned; empty with one class only."""
    positives, negatives = ranked.positives[0], ranked.negatives[0]
    if not positives or not negatives:
        return []
    hits = np.concatenate([[0.0], np.cumsum(ranked.positive[0, ::-1])]) / positives
    alarms = np.concatenate([[0.0], np.cumsum(ranked.negative[0, ::-1])]) / negatives
    return _thinned(alarms, hits)


def pr_points(ranked: Ranked) -> list[tuple[float, float]]:
    """Return (recall, precision) from the highest score to the lowest, thinned; empty with one class only."""
    positives = ranked.positives[0]
    if not positives or not ranked.negatives[0]:
        return []
    found = np.cumsum(ranked.positive[0, ::-1])
    called = found + np.cumsum(ranked.negative[0, ::-1])
    return _thinned(found / positives, found / called)


def reliability_points(ranked: Ranked) -> list[tuple[float, float, int]]:
    """Return (mean probability, observed share, cases) of each equal-mass bin that :func:`ece` uses."""
    mass, surplus = _cumulated(ranked)
    edges = _edges(mass[0, -1], ranked.cases)
    excess = np.diff(np.interp(edges, mass[0], surplus[0]))
    found = np.diff(np.interp(edges, mass[0], np.concatenate([[0.0], np.cumsum(ranked.positive[0])])))
    return [
        (float((more + share) / size), float(share / size), int(size))
        for more, share, size in zip(excess, found, np.diff(edges), strict=True)
        if size > 0
    ]


def _cumulated(ranked: Ranked) -> tuple[FloatArray, FloatArray]:
    """Cases, and summed probability less positives, up to and including each score; both begin with 0."""
    mass = ranked.positive + ranked.negative
    surplus = mass * ranked.scores - ranked.positive
    start = ((0, 0), (1, 0))
    return np.pad(np.cumsum(mass, axis=1), start), np.pad(np.cumsum(surplus, axis=1), start)


def _edges(total: float, cases: int) -> FloatArray:
    """Ranks at which the equal-mass bins begin and end, whole numbers."""
    return np.rint(np.linspace(0.0, total, calibration_bins(cases) + 1))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide, NaN where the whole is zero."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _thinned(x: FloatArray, y: FloatArray) -> list[tuple[float, float]]:
    """Keep at most :data:`MAXIMUM_POINTS` points, evenly spaced along the curve, the first and the last among them."""
    kept = np.unique(np.rint(np.linspace(0, x.size - 1, min(x.size, MAXIMUM_POINTS))).astype(np.intp))
    return [(float(a), float(b)) for a, b in zip(x[kept], y[kept], strict=True)]
