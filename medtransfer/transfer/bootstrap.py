"""Uncertainty by resampling patients.

Images of one patient resemble each other, so the patient is what is drawn (with replacement), and patients with and
without the label are drawn separately so that every resample has as many of either as the data. In a simulation of
150 patients with 6 images each, intervals that take images for independent were half as wide as they should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.evaluation import Interval
from medtransfer.transfer.metrics import BoolArray, CountArray, FloatArray, ece, rank

IndexArray = NDArray[np.intp]

LOWER_TAIL = 0.025
"""Half of what a 95 % interval leaves out."""

MAXIMUM_CELLS = 1_000_000
"""Resamples x cases that are held in memory at a time."""


def patient_numbers(patients: Sequence[str]) -> IndexArray:
    """Give each patient a number from 0 and forget the names. Shape (cases,)."""
    return np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)[1].astype(np.intp)


def positive_patients(patients: IndexArray, truth: BoolArray) -> BoolArray:
    """Say of each patient whether any of the cases is positive.

    Parameters
    ----------
    patients
        The patient of each case, numbered from 0 without gaps, shape (cases,).
    truth
        Shape (cases,).

    Returns
    -------
    BoolArray
        Shape (patients,).
    """
    return np.bincount(patients, weights=truth) > 0


def resamples(
    patients: IndexArray, truth: BoolArray, count: int, generator: np.random.Generator
) -> Iterator[CountArray]:
    """Draw patients with replacement, those with and those without a positive case separately.

    Parameters
    ----------
    patients, truth
        As in :func:`positive_patients`.
    count
        How many resamples are drawn in all.

    Yields
    ------
    CountArray
        How often each resample holds each case, shape (resamples, cases): as many rows at a time as
        :data:`MAXIMUM_CELLS` allows.
    """
    positive = positive_patients(patients, truth)
    strata = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    for rows in _portions(count, truth.size):
        drawn = np.zeros((rows, positive.size), dtype=np.uint16)
        for members in strata:
            if members.size:
                shares = np.full(members.size, 1.0 / members.size)
                drawn[:, members] = generator.multinomial(members.size, shares, size=rows)
        yield drawn[:, patients]


def interval(value: float, samples: FloatArray) -> Interval:
    """Return the percentile interval of a figure.

    Parameters
    ----------
    value
        The figure of the cases as they are.
    samples
        The figure of each resample, NaN where it is undefined: those are left out.

    Returns
    -------
    Interval
        Without bounds where fewer than half of the resamples define the figure, or where all agree: an interval of no
        width would claim a certainty that resampling cannot show.
    """
    defined = samples[~np.isnan(samples)]
    if defined.size < max(2, samples.size / 2) or np.ptp(defined) < 1e-12:
        return Interval(value=value)
    low, high = np.quantile(defined, [LOWER_TAIL, 1.0 - LOWER_TAIL])
    return Interval(value=value, low=float(low), high=float(high))


def centred(value: float, samples: FloatArray) -> Interval:
    """Return the interval of a calibration error, whose resamples lie too high.

    Each resample adds its own noise to an absolute value, so their mean exceeds the figure; they are shifted back by
    as much, and cut off at 0 and 1.
    """
    if np.isnan(samples).all():
        return Interval(value=value)
    return interval(value, np.clip(samples - np.nanmean(samples) + value, 0.0, 1.0))


def exact(value: float, trials: int) -> Interval:
    """Return the interval of a share that is exactly 0 or 1, where resampling sees no spread.

    Clopper and Pearson (1934): after ``trials`` successes in as many independent trials the share is at least
    0.025 ** (1 / trials) with 97.5 % confidence. An AUROC of 1 says the same of disjoint pairs of a positive and a
    negative patient.
    """
    slack = 1.0 - LOWER_TAIL ** (1.0 / trials)
    return Interval(value=value, low=max(0.0, value - slack), high=min(1.0, value + slack))


def ece_if_calibrated(probabilities: FloatArray, generator: np.random.Generator, draws: int = 500) -> float:
    """Return the calibration error that 95 % of perfectly calibrated models of these probabilities stay below.

    The truth is drawn anew from the probabilities themselves, ``draws`` times. An observed error below this cannot be
    told from none.
    """
    errors = [
        ece(rank(generator.random((rows, probabilities.size)) < probabilities, probabilities))
        for rows in _portions(draws, probabilities.size)
    ]
    return float(np.quantile(np.concatenate(errors), 0.95))


def _portions(count: int, cases: int) -> Iterator[int]:
    """Divide a number of resamples into portions that fit into memory."""
    rows = max(1, MAXIMUM_CELLS // max(1, cases))
    for done in range(0, count, rows):
        yield min(rows, count - done)
