"""How long a training will take here: scaled from earlier ones, else guessed from the speed of the processor."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from medtransfer.cohort.model import Cohort
from medtransfer.contract.recipe import Recipe
from medtransfer.hosting.guard import usable_cores
from medtransfer.store import timings
from medtransfer.store.home import Home

REFERENCE_SIZE = 384
START_S = 15.0
"""Starting the worker, reading weights and testing take about this long whatever the cases."""
GFLOP_PER_PASS = 4.0
"""Arithmetic that a small network's pass over a picture of 384 x 384 costs, at the speed that convolutions reach, in
units of what a matrix product reaches: an EfficientNet-Lite0 needs 2.4 GFLOP and runs at some 60 % of that speed."""
GFLOP_PER_VOXEL = 6.2e-5
"""Arithmetic of STU-Net-S, the smallest: 130 GFLOP for 128 voxels cubed (Huang et al. 2023); validation not counted."""
BACKWARD = 3.0
"""A training step costs about three forward passes: forward, and backward for activations and weights."""
UPPER_COST = 0.5
"""The upper blocks see smaller maps: their share of the arithmetic is about half their share of the blocks."""
STAGE_EPOCHS, STAGE_SHARE = 4, 0.15
"""A trio whose networks stay as they came still tunes the one of any disease: so many epochs of so much of it."""
USUAL_SHARE_OF_EPOCHS = 0.6
"""Training mostly stops early, when validation no longer improves; never before the recipe's patience is over."""
_SPREAD = {"earlier": (0.8, 1.3), "speed": (0.5, 2.0)}
_PROBE_S = 0.1
_PROBE_SIZE = 64
"""So small that the library multiplies in one thread: several that wait for each other on a busy machine would burn
processor time without computing, and the measure would be wrong by up to ten times."""


@dataclass(frozen=True)
class Estimate:
    """Between how many seconds a training will probably take, and whether earlier ones or the speed say so."""

    low: float
    high: float
    basis: Literal["earlier", "speed"]


def amount(recipe: Recipe, cases: int, labels: int) -> float:
    """Return the work of a training in forward passes of the whole network over a picture of 384 x 384."""
    learning_cases = cases * (1.0 - recipe.validation_share - recipe.test_share)
    epochs = max(recipe.epochs * USUAL_SHARE_OF_EPOCHS, min(recipe.patience, recipe.epochs))
    frozen = {"head": 1.0, "last-stages": recipe.frozen_share, "all": 0.0}[recipe.tune]
    features = cases * recipe.views * frozen
    upper = (1.0 - frozen) * (UPPER_COST if frozen else 1.0)
    passes = epochs * upper
    trained = _of_trio(recipe, labels, passes) if recipe.ensemble == "trio" else labels * passes
    return (features + learning_cases * trained * BACKWARD) * (recipe.input_size / REFERENCE_SIZE) ** 2


def _of_trio(recipe: Recipe, labels: int, passes: float) -> float:
    """Return the passes over each learning case: two networks a label and one of any disease, whole and for each fold.

    Labels with a shared trunk tune last layers only, which costs next to nothing.
    """
    stage = passes or min(recipe.epochs, STAGE_EPOCHS) * STAGE_SHARE * UPPER_COST
    own = 0.0 if recipe.trunk == "shared" else 2 * labels * passes
    return (recipe.folds + 1) * (own + stage)


def amount_of_patches(recipe: Recipe) -> float:
    """Return the work of a training on volumes, in the same unit; it does not depend on how many cases there are."""
    epochs = max(recipe.epochs * USUAL_SHARE_OF_EPOCHS, min(recipe.patience, recipe.epochs))
    patches = epochs * recipe.iterations * recipe.batch_size
    return patches * BACKWARD * GFLOP_PER_VOXEL / GFLOP_PER_PASS * recipe.patch_side**3


def amount_for(recipe: Recipe, cohort: Cohort) -> float:
    """Return the work of a training on that cohort: :func:`amount`, or with masks :func:`amount_of_patches`."""
    if cohort.structures:
        return amount_of_patches(recipe)
    return amount(recipe, len(cohort.cases), len(cohort.labels))


def estimate(home: Home, plugin: str, recipe: Recipe, work: float) -> Estimate:
    """Estimate a training; takes about a tenth of a second where no earlier training of that kind is known.

    ``work`` is what :func:`amount_for` returned.
    """
    known = timings.rates(home, plugin, recipe.tune)
    basis: Literal["earlier", "speed"] = "earlier" if known else "speed"
    seconds = work * statistics.median(known) if known else START_S + work * GFLOP_PER_PASS / _gflops()
    low, high = _SPREAD[basis]
    return Estimate(seconds * low, seconds * high, basis)


def _gflops() -> float:
    """Measure matrix products on one core, by its time so that other programs do not count, for all usable cores."""
    matrix = np.random.default_rng(0).random((_PROBE_SIZE, _PROBE_SIZE), dtype=np.float32)
    begin = time.thread_time()
    wall = time.perf_counter()
    done = 0
    while time.thread_time() - begin < _PROBE_S and time.perf_counter() - wall < 10 * _PROBE_S:
        np.matmul(matrix, matrix)
        done += 1
    spent = max(time.thread_time() - begin, 1e-3)
    return done * 2 * _PROBE_SIZE**3 / spent / 1e9 * usable_cores()
