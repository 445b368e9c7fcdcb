from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medtransfer.cohort.model import Case, Partition
from medtransfer.contract.bundle import BundleLabel, Calibration
from medtransfer.contract.evaluation import Evaluation, LabelEvaluation
from medtransfer.contract.recipe import Recipe
from medtransfer.transfer import calibration
from medtransfer.transfer.judgement import Judgement, LabelLogits, judge, truth_of

RECIPE = Recipe(bootstrap=100)
NAMES = {"dr": "Retinopathy", "dme": "Oedema"}


def cohort(unknown: bool = False) -> dict[Partition, list[Case]]:  # noqa: FBT001, FBT002
    """Forty cases in each partition; ``dme`` is unknown for every fifth if so wished."""
    cases: dict[Partition, list[Case]] = {"train": [], "validation": [], "test": []}
    for offset, (_, members) in enumerate(cases.items()):
        for number in range(40):
            labels = {"dr": number % 2, "dme": None if unknown and number % 5 == 0 else int(number % 4 == 0)}
            row = 100 * offset + number
            members.append(Case(f"{row:016x}", Path("x.png"), f"p{row // 2}", labels, row, site="ab"[number % 2]))
    return cases


def logits(cases: dict[Partition, list[Case]], label: str, skill: float, seed: int = 0) -> dict[str, float]:
    generator = np.random.default_rng(seed)
    return {
        case.key: float(generator.normal() + skill * (case.labels[label] or 0))
        for members in cases.values()
        for case in members
    }


def judged(cases: dict[Partition, list[Case]], known: dict[str, BundleLabel], recipe: Recipe = RECIPE) -> Judgement:
    answers = {label: LabelLogits(logits(cases, label, 3.0), logits(cases, label, 0.5, seed=1)) for label in NAMES}
    return judge(NAMES, answers, cases, recipe, known)


def of(evaluation: Evaluation, model: str, label: str) -> LabelEvaluation:
    entry = next(entry for entry in evaluation.models if entry.model == model)
    return next(own for own in entry.labels if own.label == label)


def test_the_threshold_comes_from_validation_and_the_figures_from_test() -> None:
    cases = cohort()
    judgement = judged(cases, {})
    tuned = logits(cases, "dr", 3.0)
    validation = np.array([tuned[case.key] for case in cases["validation"]])
    operating = judgement.operating["dr"]
    assert operating.calibration == calibration.fit(validation, truth_of(cases["validation"], "dr"), "auto")
    test = calibration.apply(operating.calibration, np.array([tuned[case.key] for case in cases["test"]]))
    confusion = of(judgement.evaluation, "tuned", "dr").confusion
    truth = truth_of(cases["test"], "dr")
    assert confusion.true_positive == int(((test >= operating.threshold) & (truth == 1)).sum())
    assert confusion.false_positive == int(((test >= operating.threshold) & (truth == 0)).sum())


def test_the_test_cases_have_no_say_in_calibration_and_threshold() -> None:
    cases = cohort()
    honest = judged(cases, {}).operating
    cases["test"] = [
        Case(case.key, case.image, case.patient, {label: 1 - (value or 0) for label, value in case.labels.items()}, 0)
        for case in cases["test"]
    ]
    assert judged(cases, {}).operating == honest


def test_all_three_models_stand_side_by_side() -> None:
    evaluation = judged(cohort(), {}).evaluation
    assert [entry.model for entry in evaluation.models] == ["tuned", "untuned", "trivial"]
    areas = [of(evaluation, model, "dr").metrics["auroc"].value for model in ("tuned", "untuned", "trivial")]
    assert areas[0] > areas[1] > areas[2] == 0.5
    assert of(evaluation, "trivial", "dme").metrics["brier"].value == pytest.approx(0.25 * 0.75)


def test_a_wished_sensitivity_is_reached_on_validation() -> None:
    cases = cohort()
    recipe = RECIPE.changed({"operating_point": "sensitivity", "wanted_sensitivity": 0.95})
    operating = judged(cases, {}, recipe).operating["dr"]
    tuned = logits(cases, "dr", 3.0)
    positives = [tuned[case.key] for case in cases["validation"] if case.labels["dr"]]
    called = operating.answers(np.array(positives)).probabilities >= operating.threshold
    assert called.mean() >= 0.95
    assert judged(cases, {}).operating["dr"].threshold > operating.threshold


def test_a_parent_answers_with_its_own_calibration_and_threshold() -> None:
    cases = cohort()
    parent = BundleLabel(
        id="dr", name="Retinopathy", threshold=0.9, calibration=Calibration(method="platt", a=0.1, b=-1.0)
    )
    evaluation = judged(cases, {"dr": parent}).evaluation
    assert of(evaluation, "untuned", "dr").threshold == 0.9
    assert of(evaluation, "untuned", "dr").confusion.true_positive == 0
    assert of(evaluation, "untuned", "dme").threshold != 0.9
    untuned = next(entry for entry in evaluation.models if entry.model == "untuned")
    assert "started from" in untuned.description


def test_unknown_answers_are_not_counted() -> None:
    evaluation = judged(cohort(unknown=True), {}).evaluation
    assert of(evaluation, "tuned", "dme").cases == 32
    assert of(evaluation, "tuned", "dr").cases == 40
    assert of(evaluation, "trivial", "dme").metrics["brier"].value is not None


def test_sites_are_reported_apart() -> None:
    evaluation = judged(cohort(), {}).evaluation
    assert {(entry.column, entry.value) for entry in evaluation.subgroups} == {("site", "a"), ("site", "b")}


def test_attributes_are_reported_apart_where_they_are_known() -> None:
    cases = cohort()
    cases["test"] = [
        replace(case, site="", attributes={"view": "AP" if number < 20 else "PA"} if number < 38 else {})
        for number, case in enumerate(cases["test"])
    ]
    evaluation = judged(cases, {}).evaluation
    assert {(entry.column, entry.value, entry.cases) for entry in evaluation.subgroups} == {
        ("view", "AP", 20),
        ("view", "PA", 18),
    }
