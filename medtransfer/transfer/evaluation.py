"""What a model is worth on the test partition, beside the untuned model and the trivial answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.evaluation import (
    Confusion,
    Curves,
    Difference,
    Evaluation,
    Grade,
    Interval,
    LabelEvaluation,
    ModelEvaluation,
    Subgroup,
    Together,
)
from medtransfer.transfer import bootstrap, metrics, verdict
from medtransfer.transfer.answers import MODELS, EvaluationInput, LabelInput, ModelKind
from medtransfer.transfer.bootstrap import IndexArray
from medtransfer.transfer.metrics import BoolArray, FloatArray, Ranked

COMPARED = ("auroc", "auprc", "f1", "brier")

EXPLORATORY_FROM, ESTIMATE_FROM = 20, 100
"""Positive patients from which figures are exploratory, and an estimate (Collins et al. 2016: at least 100 events)."""

SUBGROUP_FROM = 10
"""Smaller subgroups are not reported: they say nothing, and may point at a person."""


@dataclass(frozen=True, eq=False)
class _KnownCases:
    """The cases of one label whose truth is known, and the spread that resampling them gives every model."""

    given: LabelInput
    known: BoolArray
    truth: BoolArray
    patients: IndexArray
    samples: Mapping[ModelKind, Mapping[str, FloatArray]]

    @property
    def positive_patients(self) -> int:
        return int(bootstrap.positive_patients(self.patients, self.truth).sum())

    @property
    def negative_patients(self) -> int:
        """Patients with at least one negative case."""
        return int(bootstrap.positive_patients(self.patients, ~self.truth).sum())

    def ranked(self, model: ModelKind) -> Ranked:
        return metrics.rank(self.truth, self.given.answers[model].probabilities[self.known])

    def point(self, model: ModelKind) -> dict[str, float]:
        answers = self.given.answers[model]
        return metrics.summary(self.truth, answers.probabilities[self.known], answers.threshold)


def evaluate(given: EvaluationInput, count: int = 2000, seed: int = 2026) -> Evaluation:
    """Evaluate every model on every label.

    Parameters
    ----------
    given
        The test cases with each model's answers.
    count
        Bootstrap resamples of patients. Within a label all models are judged on the same ones.
    seed
        Of the resampling. A label's figures do not depend on the other labels or their order.

    Raises
    ------
    PluginError
        When a model's answers are not probabilities, or their number is not that of the cases.
    """
    given.check()
    patients = bootstrap.patient_numbers(given.patients)
    labels = [_resample(label, patients, count, _generator(seed, label.label)) for label in given.labels]
    evaluation = Evaluation(
        cases=len(given.patients),
        patients=int(np.unique(patients).size),
        bootstrap=count,
        seed=seed,
        models=[
            ModelEvaluation(
                model=model,
                description=given.descriptions[model],
                labels=[_judge(label, model, _generator(seed, label.given.label)) for label in labels],
            )
            for model in MODELS
            if all(model in label.given.answers for label in labels)
        ],
        differences=[entry for label in labels for entry in _differences(label)],
        subgroups=[
            entry
            for column, values in given.columns.items()
            for entry in _subgroups(given, column, np.asarray(values, dtype=np.str_), count, seed)
        ],
        together=[_together(one, other) for one, other in combinations(given.labels, 2)],
    )
    return evaluation.model_copy(update={"verdict": verdict.in_words(evaluation)})


def grade(positive_patients: int) -> Grade:
    """Say how far figures from so many positive patients can be relied on."""
    if positive_patients < EXPLORATORY_FROM:
        return "none"
    return "exploratory" if positive_patients < ESTIMATE_FROM else "estimate"


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def _resample(label: LabelInput, patients: IndexArray, count: int, generator: np.random.Generator) -> _KnownCases:
    known = ~np.isnan(label.truth)
    truth = label.truth[known] > 0.5
    groups = np.unique(patients[known], return_inverse=True)[1].astype(np.intp)
    gathered: dict[ModelKind, dict[str, list[FloatArray]]] = {
        model: {name: [] for name in metrics.METRICS} for model in label.answers
    }
    for weights in bootstrap.resamples(groups, truth, count, generator):
        for model, answers in label.answers.items():
            ranked = metrics.rank(truth, answers.probabilities[known], weights)
            for name, values in metrics.figures(ranked, answers.threshold).items():
                gathered[model][name].append(values)
    samples = {
        model: {name: np.concatenate(parts) for name, parts in by_name.items()} for model, by_name in gathered.items()
    }
    return _KnownCases(label, known, truth, groups, samples)


def _judge(label: _KnownCases, model: ModelKind, generator: np.random.Generator) -> LabelEvaluation:
    answers, ranked, samples = label.given.answers[model], label.ranked(model), label.samples[model]
    table = metrics.counts(ranked, answers.threshold)
    return LabelEvaluation(
        label=label.given.label,
        name=label.given.name,
        cases=int(label.truth.size),
        positives=int(label.truth.sum()),
        positive_patients=label.positive_patients,
        grade=grade(label.positive_patients),
        threshold=answers.threshold,
        metrics={name: _interval(label, name, value, samples[name]) for name, value in label.point(model).items()},
        confusion=Confusion(
            true_positive=int(table.true_positive[0]),
            false_positive=int(table.false_positive[0]),
            true_negative=int(table.true_negative[0]),
            false_negative=int(table.false_negative[0]),
        ),
        curves=Curves(
            roc=metrics.roc_points(ranked),
            pr=metrics.pr_points(ranked),
            reliability=metrics.reliability_points(ranked),
        ),
        skipped=int(np.isnan(samples["auroc"]).sum()),
        ece_if_calibrated=(
            bootstrap.ece_if_calibrated(answers.probabilities[label.known], generator) if label.truth.size else None
        ),
    )


def _interval(label: _KnownCases, name: str, value: float, samples: FloatArray) -> Interval:
    patients = label.positive_patients, label.negative_patients
    if min(patients) < 2:
        return Interval(value=value)
    trials = {"auroc": min(patients), "sensitivity": patients[0], "specificity": patients[1]}
    if name in trials and value in {0.0, 1.0}:
        return bootstrap.exact(value, trials[name])
    if name == "ece":
        return bootstrap.centred(value, samples)
    return bootstrap.interval(value, samples)


def _differences(label: _KnownCases) -> list[Difference]:
    if not {"tuned", "untuned"} <= label.samples.keys():
        return []
    tuned, untuned = label.point("tuned"), label.point("untuned")
    return [
        Difference(
            label=label.given.label,
            metric=name,
            difference=bootstrap.interval(
                tuned[name] - untuned[name], label.samples["tuned"][name] - label.samples["untuned"][name]
            ),
        )
        for name in COMPARED
        if name in tuned and name in untuned
    ]


def _together(one: LabelInput, other: LabelInput) -> Together:
    known = ~np.isnan(one.truth) & ~np.isnan(other.truth)
    both = (one.truth[known] > 0.5) & (other.truth[known] > 0.5)
    return Together(labels=(one.label, other.label), both=int(both.sum()), cases=int(known.sum()))


def _subgroups(
    given: EvaluationInput, column: str, values: NDArray[np.str_], count: int, seed: int
) -> Iterator[Subgroup]:
    patients = bootstrap.patient_numbers(given.patients)
    for value in np.unique(values[values != ""]):
        for label in given.labels:
            within = replace(
                label,
                truth=np.where(values == value, label.truth, np.nan),
                answers={"tuned": label.answers["tuned"]},
            )
            cases = int((~np.isnan(within.truth)).sum())
            if SUBGROUP_FROM <= cases < len(given.patients):
                yield _subgroup(_resample(within, patients, count, _generator(seed, label.label)), column, str(value))


def _subgroup(label: _KnownCases, column: str, value: str) -> Subgroup:
    figures = label.point("tuned")

    def interval(name: str) -> Interval | None:
        return _interval(label, name, figures[name], label.samples["tuned"][name]) if name in figures else None

    return Subgroup(
        column=column,
        value=value,
        label=label.given.label,
        cases=int(label.truth.size),
        positives=int(label.truth.sum()),
        auroc=interval("auroc"),
        sensitivity=interval("sensitivity"),
        specificity=interval("specificity"),
    )
