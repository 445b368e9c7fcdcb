"""What each component of a trio is worth alone and together, on the test cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from medtransfer.cohort.model import Case
from medtransfer.contract.evaluation import Ablation
from medtransfer.contract.recipe import Recipe
from medtransfer.transfer.answers import Answers, EvaluationInput, LabelInput, ModelKind
from medtransfer.transfer.evaluation import evaluate
from medtransfer.transfer.judgement import truth_of
from medtransfer.transfer.metrics import FloatArray

Logits = Mapping[str, float]


def compare(
    said: Mapping[str, Mapping[str, Logits]], answers: Mapping[str, str], cases: Sequence[Case], recipe: Recipe
) -> list[Ablation]:
    """Judge every combination of components on the same resamples of patients as the model's own answer.

    Parameters
    ----------
    said
        Label to combination to logits by case key.
    answers
        Label to the combination that is the model's answer.
    cases
        The test cases.
    """
    return [
        _row(label, combination, answers[label], logits, cases, recipe)
        for label, logits in said.items()
        for combination in logits
    ]


def _row(
    label: str, combination: str, answer: str, said: Mapping[str, Logits], cases: Sequence[Case], recipe: Recipe
) -> Ablation:
    answers: dict[ModelKind, Answers] = {
        "tuned": Answers(_probabilities(said[answer], cases), 0.5),
        "untuned": Answers(_probabilities(said[combination], cases), 0.5),
    }
    given = LabelInput(label, label, truth_of(cases, label), answers)
    evaluation = evaluate(EvaluationInput([given], [case.patient for case in cases]), recipe.bootstrap, recipe.seed)
    figures = evaluation.of("untuned").labels[0].metrics
    differences = {entry.metric: entry.difference for entry in evaluation.differences}
    return Ablation(
        label=label,
        combination=combination,
        answers=combination == answer,
        auroc=figures.get("auroc"),
        auprc=figures.get("auprc"),
        answer_minus_this=differences.get("auroc"),
    )


def _probabilities(logits: Logits, cases: Sequence[Case]) -> FloatArray:
    values = np.array([logits[case.key] for case in cases], dtype=np.float64)
    return 0.5 * (1.0 + np.tanh(0.5 * values))
