"""How good a network for volumes is: every structure of every test case, with intervals from resampled patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort.mask_checks import FEW_PATIENTS
from medtransfer.cohort.words import counted
from medtransfer.contract.evaluation import (
    Difference,
    Evaluation,
    Interval,
    ModelEvaluation,
    StructureEvaluation,
)
from medtransfer.transfer import bootstrap
from medtransfer.transfer.segmentation_metrics import StructureScore

METRICS = ("dice", "nsd", "hd95_mm")
_TUNED = "the network after training on these cases"

Kind = Literal["tuned", "untuned"]
_KINDS: tuple[Kind, Kind] = ("tuned", "untuned")


@dataclass(frozen=True, eq=False)
class JudgedCase:
    """One test case: its patient, only to group cases, and the scores of each structure by its id."""

    patient: str
    tuned: Mapping[str, StructureScore]
    untuned: Mapping[str, StructureScore]


@dataclass(frozen=True, eq=False)
class _Spread:
    """A figure over the test cases: its mean, and the mean of each resample of patients (NaN where undefined)."""

    value: float
    samples: NDArray[np.float64]


def evaluate(names: Mapping[str, str], cases: Sequence[JudgedCase], start: str, *, count: int, seed: int) -> Evaluation:
    """Return the figures of both networks, and their differences on the same resamples of patients.

    Parameters
    ----------
    names
        Each structure's name for people by its id, in the order of the report.
    cases
        The test cases.
    start
        What the untuned network is, in words.
    count, seed
        Resamples of patients, and where their chance begins.
    """
    patients = bootstrap.patient_numbers([case.patient for case in cases])
    drawn = np.concatenate(
        list(bootstrap.resamples(patients, np.ones(len(cases), dtype=bool), count, np.random.default_rng(seed)))
    )
    structures: dict[Kind, list[StructureEvaluation]] = {"tuned": [], "untuned": []}
    differences = []
    for label, name in names.items():
        shown = [case.tuned[label].reference_ml > 0 for case in cases]
        spreads = {kind: _spreads([_scores(case, kind)[label] for case in cases], drawn) for kind in structures}
        for kind, found in spreads.items():
            structures[kind].append(
                StructureEvaluation(
                    label=label,
                    name=name,
                    cases=sum(shown),
                    patients=len({case.patient for case, has in zip(cases, shown, strict=True) if has}),
                    metrics={metric: bootstrap.interval(one.value, one.samples) for metric, one in found.items()},
                )
            )
        if "dice" in spreads["tuned"] and "dice" in spreads["untuned"]:
            gain = _minus(spreads["tuned"]["dice"], spreads["untuned"]["dice"])
            differences.append(Difference(label=label, metric="dice", difference=gain))
    evaluation = Evaluation(
        cases=len(cases),
        patients=len({case.patient for case in cases}),
        bootstrap=count,
        seed=seed,
        models=[
            ModelEvaluation(model="tuned", description=_TUNED, structures=structures["tuned"]),
            ModelEvaluation(model="untuned", description=start, structures=structures["untuned"]),
        ],
        differences=differences,
    )
    return evaluation.model_copy(update={"verdict": _in_words(evaluation)})


def _scores(case: JudgedCase, kind: Kind) -> Mapping[str, StructureScore]:
    return case.tuned if kind == "tuned" else case.untuned


def _spreads(scores: Sequence[StructureScore], drawn: NDArray[np.uint16]) -> dict[str, _Spread]:
    """Return each metric's mean over the cases where it is defined, and over those of each resample."""
    found = {}
    for metric in METRICS:
        values = np.array([getattr(score, metric) for score in scores], dtype=np.float64)
        known = ~np.isnan(values)
        if known.any():
            weights = drawn[:, known].astype(np.float64)
            total = weights.sum(axis=1)
            means = np.full(len(drawn), np.nan)
            np.divide(weights @ values[known], total, out=means, where=total > 0)
            found[metric] = _Spread(float(values[known].mean()), means)
    return found


def _minus(tuned: _Spread, untuned: _Spread) -> Interval:
    return bootstrap.interval(tuned.value - untuned.value, tuned.samples - untuned.samples)


def _in_words(evaluation: Evaluation) -> list[str]:
    """Return the verdict: over all structures, and what few patients mean for it."""
    gains = [entry.difference for entry in evaluation.differences]
    if not gains:
        return ["No test case shows any of the structures: how well they are found is not known."]
    better = sum(gain.low is not None and gain.low > 0 for gain in gains)
    worse = sum(gain.high is not None and gain.high < 0 for gain in gains)
    tuned, untuned = (_mean_dice(evaluation.of(kind)) for kind in _KINDS)
    lines = [
        f"Mean Dice over {counted(len(gains), 'structure')}: {tuned:.3f} after training, {untuned:.3f} before."
        f" Better on {better} and worse on {worse} of them, beyond what chance among the test patients explains."
    ]
    if evaluation.patients < FEW_PATIENTS:
        few = counted(evaluation.patients, "test patient")
        lines.append(f"With {few} the figures say little about others: add cases before relying on them.")
    return lines


def _mean_dice(model: ModelEvaluation) -> float:
    return float(np.mean([one.metrics["dice"].value for one in model.structures if "dice" in one.metrics]))
