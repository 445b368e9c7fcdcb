from __future__ import annotations

from typing import Any

import pytest

from medtransfer.contract.evaluation import (
    Confusion,
    Difference,
    Evaluation,
    Grade,
    Interval,
    LabelEvaluation,
    ModelEvaluation,
)
from medtransfer.transfer import verdict

NOTHING = Confusion(true_positive=0, false_positive=0, true_negative=0, false_negative=0)


def judged(
    name: str = "Oedema", area: Interval | None = None, grade: Grade = "estimate", brier: float = 0.12, **changes: Any
) -> LabelEvaluation:
    area = area or Interval(value=0.85, low=0.8, high=0.9)
    return LabelEvaluation(
        label=name.lower(),
        name=name,
        cases=500,
        positives=120,
        positive_patients={"none": 8, "exploratory": 55, "estimate": 120}[grade],
        grade=grade,
        threshold=0.5,
        metrics={"auroc": area, "brier": Interval(value=brier), "ece": Interval(value=0.04)},
        confusion=NOTHING,
        ece_if_calibrated=0.06,
    ).model_copy(update=changes)


def words(*labels: LabelEvaluation, gain: Interval | None = None) -> list[str]:
    """The verdict, each label having gained so much over an untuned model of AUROC 0.72 and Brier 0.20."""
    gain = gain or Interval(value=0.13, low=0.05, high=0.21)
    before = [judged(label.name, Interval(value=0.72, low=0.66, high=0.78), brier=0.2) for label in labels]
    return verdict.in_words(
        Evaluation(
            cases=500,
            patients=400,
            bootstrap=2000,
            seed=1,
            models=[
                ModelEvaluation(model="tuned", description="", labels=list(labels)),
                ModelEvaluation(model="untuned", description="", labels=before),
                ModelEvaluation(model="trivial", description="", labels=before),
            ],
            differences=[Difference(label=label.label, metric="auroc", difference=gain) for label in labels],
        )
    )


def test_better_than_before() -> None:
    assert words(judged()) == [
        "Of 1 label, the tuned model is better than the untuned model on 1 and better than guessing on 1.",
        "Oedema: better than the trivial answer, AUROC 0.85 [95 % interval 0.80 to 0.90]. "
        "Better than the untuned model (AUROC difference +0.13 [95 % interval 0.05 to 0.21], untuned 0.72).",
    ]


@pytest.mark.parametrize(
    "gain",
    [Interval(value=0.03, low=-0.02, high=0.08), Interval(value=-0.03, low=-0.08, high=0.02), Interval(value=0.0)],
)
def test_not_shown_to_be_better(gain: Interval) -> None:
    overall, text = words(judged(), gain=gain)
    assert "better than the untuned model on 0" in overall
    assert "Not shown to be better than the untuned model" in text
    assert f"AUROC difference {gain.value:+.2f}" in text


def test_worse_than_before() -> None:
    overall, text = words(judged(), gain=Interval(value=-0.1, low=-0.15, high=-0.05))
    assert "worse on 1" in overall
    assert "Worse than the untuned model (AUROC difference -0.10 [95 % interval -0.15 to -0.05]" in text
    assert "keep the untuned one" in text


@pytest.mark.parametrize("low", [0.43, 0.5, None])
def test_no_better_than_guessing(low: float | None) -> None:
    overall, text = words(judged(area=Interval(value=0.55, low=low, high=0.67 if low else None)))
    assert "better than guessing on 0" in overall
    assert text.startswith("Oedema: do not use: not shown to be better than guessing (AUROC 0.55")


def test_too_few_positive_patients_claim_nothing() -> None:
    overall, text = words(judged(grade="none"))
    assert overall == "The test partition is too small to judge the model on any label."
    assert text.startswith("Oedema: too few to judge: 8 patients with it")
    assert "Better" not in text


def test_few_positive_patients_are_exploratory() -> None:
    assert "Exploratory: only 55 patients with it in the test partition" in words(judged(grade="exploratory"))[1]


def test_one_class_says_nothing() -> None:
    assert words(judged(metrics={}))[1] == "Oedema: nothing can be said, because the test cases are all of one class."


def test_labels_are_counted_together() -> None:
    overall = words(judged(), judged("Bleeding"), judged("Drusen", grade="none"))[0]
    assert overall == (
        "Of 2 labels, the tuned model is better than the untuned model on 2 and better than guessing on 2. "
        "On 1 more label the test cases are too few to judge."
    )


def test_probabilities_worse_than_the_prevalence_are_named() -> None:
    text = words(judged(brier=0.23))[1]
    assert "no closer to the truth than always answering the share of positive training cases" in text
    assert "(Brier 0.23 against 0.20)" in text


def test_a_calibration_error_beyond_chance_is_named() -> None:
    off = judged()
    off = off.model_copy(update={"metrics": {**off.metrics, "ece": Interval(value=0.09)}})
    assert "Do not take its probabilities at face value: they are off by 0.09 on average." in words(off)[1]
    assert "face value" not in words(judged())[1]


def test_left_out_resamples_are_named() -> None:
    assert "12 of 2000 resamples held one class only and were left out." in words(judged(skipped=12))[1]


def test_without_an_untuned_model_nothing_is_said_of_it() -> None:
    alone = Evaluation(
        cases=500,
        patients=400,
        bootstrap=2000,
        seed=1,
        models=[ModelEvaluation(model="tuned", description="", labels=[judged()])],
    )
    assert verdict.in_words(alone) == [
        "Of 1 label, the tuned model is better than guessing on 1.",
        "Oedema: better than the trivial answer, AUROC 0.85 [95 % interval 0.80 to 0.90].",
    ]


def test_a_change_of_nothing_has_no_sign_of_minus() -> None:
    text = words(judged(), gain=Interval(value=-0.001, low=-0.004, high=0.1))[1]
    assert "AUROC difference +0.00 [95 % interval 0.00 to 0.10]" in text
