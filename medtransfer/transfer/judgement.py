"""From logits to an honest evaluation: calibrate and choose thresholds on validation, judge once on test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort.model import Case, Partition
from medtransfer.contract.bundle import BundleLabel, Calibration
from medtransfer.contract.evaluation import Evaluation
from medtransfer.contract.recipe import Recipe
from medtransfer.transfer import calibration, thresholds
from medtransfer.transfer.answers import DESCRIPTIONS, Answers, EvaluationInput, LabelInput, ModelKind
from medtransfer.transfer.evaluation import evaluate

Cases = Mapping[Partition, Sequence[Case]]


@dataclass(frozen=True, eq=False)
class LabelLogits:
    """What the tuned and the untuned network say, by case key."""

    tuned: Mapping[str, float]
    untuned: Mapping[str, float]


@dataclass(frozen=True)
class Operating:
    """How a label's logit becomes a call."""

    calibration: Calibration
    threshold: float

    def answers(self, logits: NDArray[np.float64]) -> Answers:
        """Return the calibrated probabilities of these logits, with the threshold."""
        return Answers(calibration.apply(self.calibration, logits), self.threshold)


@dataclass(frozen=True, eq=False)
class Judgement:
    """The evaluation on test, and each label's calibration and threshold."""

    evaluation: Evaluation
    operating: Mapping[str, Operating]


def judge(
    names: Mapping[str, str],
    logits: Mapping[str, LabelLogits],
    cases: Cases,
    recipe: Recipe,
    known: Mapping[str, BundleLabel],
) -> Judgement:
    """Judge the tuned model beside the untuned one and the trivial answer.

    Parameters
    ----------
    names
        Label id to its name for people: the labels, in the order of the report.
    known
        Labels that the parent model answers already: its own calibration and threshold are the untuned model's.
        Other labels' untuned model is calibrated like the tuned one.
    """
    operating: dict[str, Operating] = {}
    inputs: list[LabelInput] = []
    for label, name in names.items():
        validation = truth_of(cases["validation"], label)
        tuned = operate(_of(logits[label].tuned, cases["validation"]), validation, recipe)
        parent = known.get(label)
        untuned = (
            Operating(parent.calibration, parent.threshold)
            if parent
            else operate(_of(logits[label].untuned, cases["validation"]), validation, recipe)
        )
        operating[label] = tuned
        answers: dict[ModelKind, Answers] = {
            "tuned": tuned.answers(_of(logits[label].tuned, cases["test"])),
            "untuned": untuned.answers(_of(logits[label].untuned, cases["test"])),
            "trivial": Answers.constant(_prevalence(cases["train"], label), len(cases["test"])),
        }
        inputs.append(LabelInput(label, name, truth_of(cases["test"], label), answers))
    descriptions = {**DESCRIPTIONS, "untuned": "the model it started from, unchanged"} if known else DESCRIPTIONS
    given = EvaluationInput(inputs, [case.patient for case in cases["test"]], _groups(cases["test"]), descriptions)
    return Judgement(evaluate(given, recipe.bootstrap, recipe.seed), operating)


def truth_of(cases: Sequence[Case], label: str) -> NDArray[np.float64]:
    """Return 1, 0 or NaN (unknown) for each case."""
    values = (case.labels.get(label) for case in cases)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _groups(cases: Sequence[Case]) -> dict[str, list[str]]:
    """Return what divides the test cases: the site and every attribute that some of them have, empty where unknown."""
    sites = {"site": [case.site for case in cases]} if any(case.site for case in cases) else {}
    names = sorted({name for case in cases for name in case.attributes})
    return {**sites, **{name: [case.attributes.get(name, "") for case in cases] for name in names}}


def _of(logits: Mapping[str, float], cases: Sequence[Case]) -> NDArray[np.float64]:
    return np.array([logits[case.key] for case in cases], dtype=np.float64)


def operate(logits: NDArray[np.float64], truth: NDArray[np.float64], recipe: Recipe) -> Operating:
    """Fit calibration and threshold on cases that were not learnt from; an unknown truth is NaN."""
    fitted = calibration.fit(logits, truth, recipe.calibration)
    known = ~np.isnan(truth)
    probabilities, positive = calibration.apply(fitted, logits[known]), truth[known] > 0.5
    if recipe.operating_point == "sensitivity":
        return Operating(fitted, thresholds.for_sensitivity(probabilities, positive, recipe.wanted_sensitivity))
    return Operating(fitted, thresholds.best_f1(probabilities, positive))


def _prevalence(cases: Sequence[Case], label: str) -> float:
    return float(np.nanmean(truth_of(cases, label)))
