from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from medtransfer.contract.evaluation import Evaluation
from medtransfer.errors import PluginError
from medtransfer.transfer import evaluation
from medtransfer.transfer.answers import Answers, EvaluationInput, LabelInput
from medtransfer.transfer.metrics import METRICS, FloatArray


def label(name: str, truth: FloatArray, tuned_effect: float = 2.0, untuned_effect: float = 1.0) -> LabelInput:
    """A label whose logits rise with the truth by so much."""
    generator = np.random.default_rng([*name.encode()])
    noise = generator.normal(size=(2, truth.size))
    present = np.nan_to_num(truth) - 0.5

    def answers(effect: float, row: int) -> Answers:
        return Answers(1.0 / (1.0 + np.exp(-(effect * present + noise[row]))), 0.5)

    return LabelInput(
        name,
        name.upper(),
        truth,
        {
            "tuned": answers(tuned_effect, 0),
            "untuned": answers(untuned_effect, 1),
            "trivial": Answers.constant(0.3, truth.size),
        },
    )


def cases(count: int = 240, labels: tuple[str, ...] = ("dr", "dme")) -> EvaluationInput:
    """Two images per patient, both with the patient's labels."""
    generator = np.random.default_rng(21)
    return EvaluationInput(
        [label(name, np.repeat(generator.random(count // 2) < 0.35, 2).astype(np.float64)) for name in labels],
        [f"secret-{index // 2}" for index in range(count)],
    )


def test_every_model_is_judged_on_every_label() -> None:
    given = cases()
    found = evaluation.evaluate(given, 200, 7)
    assert (found.cases, found.patients, found.bootstrap, found.seed) == (240, 120, 200, 7)
    assert [model.model for model in found.models] == ["tuned", "untuned", "trivial"]
    first = found.of("tuned").labels[0]
    truth, answers = given.labels[0].truth, given.labels[0].answers["tuned"]
    assert set(first.metrics) == set(METRICS)
    assert first.metrics["auroc"].value == pytest.approx(roc_auc_score(truth, answers.probabilities))
    assert first.metrics["auprc"].value == pytest.approx(average_precision_score(truth, answers.probabilities))
    table = first.confusion
    expected = confusion_matrix(truth, answers.probabilities >= 0.5)
    assert [table.true_negative, table.false_positive, table.false_negative, table.true_positive] == [*expected.ravel()]
    assert first.positives == truth.sum() == 2 * first.positive_patients
    assert first.grade == "exploratory"
    assert first.curves.roc[-1] == (1.0, 1.0)
    assert sum(size for _, _, size in first.curves.reliability) == 240
    for metric, figure in first.metrics.items():
        assert figure.low is not None, metric
        assert figure.high is not None, metric
        assert figure.low <= figure.value <= figure.high, metric


def test_labels_are_counted_together_where_both_are_known() -> None:
    truths = {"one": [1, 1, 0, 1, np.nan], "two": [1, 0, 0, 1, 1], "three": [np.nan, 1, np.nan, 0, 1]}
    given = EvaluationInput([label(name, np.array(truth, float)) for name, truth in truths.items()], list("abcde"))
    found = evaluation.evaluate(given, 100, 7).together
    assert [(entry.labels, entry.both, entry.cases) for entry in found] == [
        (("one", "two"), 2, 4),
        (("one", "three"), 1, 2),
        (("two", "three"), 1, 3),
    ]


def test_the_trivial_answer_guesses() -> None:
    trivial = evaluation.evaluate(cases(), 100).of("trivial").labels[0]
    assert trivial.metrics["auroc"].value == 0.5
    assert trivial.metrics["sensitivity"].value == 0.0
    assert trivial.metrics["brier"].value == pytest.approx(
        0.7**2 * trivial.positives / 240 + 0.3**2 * (1 - trivial.positives / 240)
    )


def test_nothing_that_names_a_patient_is_kept() -> None:
    assert "secret" not in evaluation.evaluate(cases(), 100).model_dump_json()


def test_the_evaluation_survives_being_stored() -> None:
    found = evaluation.evaluate(cases(), 100)
    assert Evaluation.model_validate_json(found.model_dump_json()) == found


def test_the_same_seed_gives_the_same_figures_whatever_the_order_of_the_labels() -> None:
    given = cases()
    found = evaluation.evaluate(given, 100, 3)
    assert evaluation.evaluate(given, 100, 3) == found
    turned = evaluation.evaluate(replace(given, labels=given.labels[::-1]), 100, 3)
    assert turned.of("tuned").labels[::-1] == found.of("tuned").labels
    assert evaluation.evaluate(given, 100, 4).of("tuned") != found.of("tuned")


def test_differences_are_paired() -> None:
    given = cases(labels=("dr",))
    found = evaluation.evaluate(given, 400)
    assert [entry.metric for entry in found.differences] == ["auroc", "auprc", "f1", "brier"]
    tuned, untuned = found.of("tuned").labels[0].metrics, found.of("untuned").labels[0].metrics
    for entry in found.differences:
        assert entry.difference.value == pytest.approx(tuned[entry.metric].value - untuned[entry.metric].value)
    same = given.labels[0].answers["tuned"]
    twin = replace(given.labels[0], answers={"tuned": same, "untuned": same})
    for entry in evaluation.evaluate(replace(given, labels=[twin]), 100).differences:
        assert (entry.difference.value, entry.difference.low) == (0.0, None)


def test_unknown_labels_are_left_out() -> None:
    given = cases(labels=("dr",))
    truth = given.labels[0].truth.copy()
    truth[:40] = np.nan
    found = evaluation.evaluate(replace(given, labels=[replace(given.labels[0], truth=truth)]), 100)
    judged = found.of("tuned").labels[0]
    known = given.labels[0].answers["tuned"].probabilities[40:]
    assert (found.cases, judged.cases) == (240, 200)
    assert judged.metrics["auroc"].value == pytest.approx(roc_auc_score(truth[40:], known))


def test_one_class_leaves_figures_out() -> None:
    given = cases()
    healthy = replace(given.labels[0], truth=np.zeros(240))
    judged = evaluation.evaluate(replace(given, labels=[healthy]), 100).of("tuned").labels[0]
    assert set(judged.metrics) == {"specificity", "brier", "ece"}
    assert (judged.grade, judged.skipped, judged.metrics["specificity"].low) == ("none", 100, None)


def test_a_label_that_no_case_knows() -> None:
    given = cases()
    unknown = replace(given.labels[0], truth=np.full(240, np.nan))
    judged = evaluation.evaluate(replace(given, labels=[unknown, given.labels[1]]), 100).of("tuned").labels[0]
    assert (judged.cases, judged.metrics, judged.ece_if_calibrated) == (0, {}, None)


def test_a_single_positive_patient_gives_no_interval() -> None:
    given = cases(labels=("dr",))
    truth = np.zeros(240)
    truth[:2] = 1.0
    judged = evaluation.evaluate(replace(given, labels=[replace(given.labels[0], truth=truth)]), 100)
    area = judged.of("tuned").labels[0].metrics["auroc"]
    assert (area.low, area.high) == (None, None)


def test_a_perfect_model_is_not_called_certain() -> None:
    given = cases(labels=("dr",))
    truth = given.labels[0].truth
    perfect = replace(given.labels[0], answers={"tuned": Answers(0.1 + 0.8 * truth, 0.5)})
    judged = evaluation.evaluate(replace(given, labels=[perfect]), 100).of("tuned").labels[0]
    patients = judged.positive_patients
    for metric, trials in (("auroc", patients), ("sensitivity", patients), ("specificity", 120 - patients)):
        assert judged.metrics[metric].high == 1.0
        assert judged.metrics[metric].low == pytest.approx(0.025 ** (1 / trials))


def test_resamples_of_one_class_are_counted() -> None:
    truth = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    given = EvaluationInput([label("dr", truth)], ["a", "a", "b", "b", "c", "c"])
    judged = evaluation.evaluate(given, 1000).of("tuned").labels[0]
    assert judged.skipped == pytest.approx(1000 / 27, rel=0.5)  # only patient a, three times in three


def test_subgroups_are_judged_within_themselves() -> None:
    given = cases(labels=("dr",))
    sites = ["north"] * 100 + ["south"] * 130 + ["tiny"] * 8 + [""] * 2
    found = evaluation.evaluate(replace(given, columns={"site": sites}), 100)
    assert [(entry.column, entry.value, entry.cases) for entry in found.subgroups] == [
        ("site", "north", 100),
        ("site", "south", 130),
    ]
    truth, answers = given.labels[0].truth, given.labels[0].answers["tuned"]
    south = found.subgroups[1].auroc
    assert south is not None
    assert south.value == pytest.approx(roc_auc_score(truth[100:230], answers.probabilities[100:230]))
    assert south.low is not None
    called, ill = answers.probabilities[100:230] >= answers.threshold, truth[100:230] > 0.5
    for figure, share in (
        (found.subgroups[1].sensitivity, called[ill].mean()),
        (found.subgroups[1].specificity, (~called[~ill]).mean()),
    ):
        assert figure is not None
        assert figure.value == pytest.approx(share)
        assert figure.low is not None


def test_a_column_of_one_value_is_no_subgroup() -> None:
    given = cases(labels=("dr",))
    assert evaluation.evaluate(replace(given, columns={"site": ["north"] * 240}), 100).subgroups == []


@pytest.mark.parametrize(
    ("patients", "expected"), [(0, "none"), (19, "none"), (20, "exploratory"), (99, "exploratory"), (100, "estimate")]
)
def test_the_grade_follows_the_positive_patients(patients: int, expected: str) -> None:
    assert evaluation.grade(patients) == expected


@pytest.mark.parametrize("wrong", [np.full(240, np.nan), np.full(240, 1.5), np.full(239, 0.5)])
def test_answers_that_are_no_probabilities_are_refused(wrong: FloatArray) -> None:
    given = cases(labels=("dr",))
    broken = replace(given.labels[0], answers={"tuned": Answers(wrong, 0.5)})
    with pytest.raises(PluginError) as caught:
        evaluation.evaluate(replace(given, labels=[broken]), 100)
    assert caught.value.code == "evaluation.answers"


def test_three_labels_and_two_thousand_resamples_take_seconds() -> None:
    given = cases(500, ("dr", "dme", "amd"))
    start = time.process_time()
    evaluation.evaluate(given, 2000)
    assert time.process_time() - start < 5.0
