from __future__ import annotations

import pytest

from medtransfer.transfer.segmentation_metrics import StructureScore
from medtransfer.transfer.volume_judging import JudgedCase, evaluate

NAMES = {"liver": "Liver", "spleen": "Spleen"}


def score(dice: float | None, distance: float | None = 4.0, reference: float = 10.0) -> StructureScore:
    return StructureScore(
        dice=dice, nsd=dice, hd95_mm=distance, volume_ml=10.0, reference_ml=reference, volume_error=None
    )


def case(patient: str, tuned: float, untuned: float) -> JudgedCase:
    absent = score(None, None, 0.0)
    return JudgedCase(
        patient, {"liver": score(tuned), "spleen": absent}, {"liver": score(untuned, None), "spleen": absent}
    )


CASES = [case("a", 0.9, 0.5), case("a", 0.7, 0.5), *[case(f"p{n}", 0.8 + n / 100, 0.4) for n in range(12)]]


def test_figures_are_means_over_the_cases_where_they_are_defined() -> None:
    found = evaluate(NAMES, CASES, "as it came", count=400, seed=1)
    liver, spleen = found.of("tuned").structures
    mean = (0.9 + 0.7 + sum(0.8 + n / 100 for n in range(12))) / 14
    assert liver.metrics["dice"].value == pytest.approx(mean)
    assert (liver.cases, liver.patients, found.patients) == (14, 13, 13)
    assert (spleen.cases, spleen.metrics) == (0, {})
    assert "hd95_mm" not in found.of("untuned").structures[0].metrics
    assert found.of("untuned").description == "as it came"


def test_intervals_and_gains_come_from_the_same_resamples_of_patients() -> None:
    found = evaluate(NAMES, CASES, "as it came", count=400, seed=1)
    dice = found.of("tuned").structures[0].metrics["dice"]
    assert dice.low is not None
    assert dice.high is not None
    assert 0.7 < dice.low < dice.value < dice.high < 0.95
    (gain,) = found.differences
    assert (gain.label, gain.metric) == ("liver", "dice")
    assert gain.difference.low is not None
    assert 0.2 < gain.difference.low < gain.difference.value
    assert found.verdict == [
        "Mean Dice over 1 structure: 0.847 after training, 0.414 before. Better on 1 and worse on 0 of them, beyond "
        "what chance among the test patients explains."
    ]


def test_one_patient_has_no_interval_and_a_warning() -> None:
    found = evaluate(NAMES, CASES[:2], "as it came", count=400, seed=1)
    assert found.of("tuned").structures[0].metrics["dice"].low is None
    assert found.verdict[1].startswith("With 1 test patient")


def test_structures_that_no_test_case_shows_are_not_judged() -> None:
    found = evaluate({"spleen": "Spleen"}, CASES, "as it came", count=400, seed=1)
    assert found.differences == []
    assert found.verdict == ["No test case shows any of the structures: how well they are found is not known."]
