from __future__ import annotations

from dataclasses import replace

import pytest

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.cohort.selection import learnable, with_labels
from tests.cohort.tables import case


def _cohort(present: int, splits: list[Partition | None]) -> Cohort:
    cases = tuple(
        case(number, f"p{number}", {"dr": int(number < present), "mh": number % 2}, split)
        for number, split in enumerate(splits)
    )
    return Cohort(cases, ("dr", "mh"), "", names={"dr": "Retinopathy", "mh": "Haze"})


@pytest.mark.parametrize(("present", "labels"), [(5, ("mh",)), (6, ("dr", "mh")), (14, ("dr", "mh")), (15, ("mh",))])
def test_a_label_needs_six_patients_with_and_without(present: int, labels: tuple[str, ...]) -> None:
    assert learnable(_cohort(present, [None] * 20)) == labels


@pytest.mark.parametrize(("present", "labels"), [(9, ("mh",)), (10, ("dr", "mh")), (11, ("dr", "mh")), (12, ("mh",))])
def test_a_label_needs_two_patients_with_and_without_in_a_given_test_set(present: int, labels: tuple[str, ...]) -> None:
    train: list[Partition | None] = ["train"]
    test: list[Partition | None] = ["test"]
    assert learnable(_cohort(present, train * 8 + test * 5 + train * 7)) == labels


def test_a_patient_with_many_pictures_counts_once() -> None:
    one = _cohort(8, [None] * 20)
    assert "dr" in learnable(one)
    shared = tuple(replace(case, patient=case.patient if case.labels["dr"] == 0 else "the same") for case in one.cases)
    assert "dr" not in learnable(replace(one, cases=shared))


def test_other_labels_are_as_if_they_were_not_there() -> None:
    both = _cohort(8, [None] * 20)
    only = with_labels(both, ["mh"])
    assert (only.labels, only.names) == (("mh",), {"mh": "Haze"})
    assert all(set(one.labels) == {"mh"} for one in only.cases)
    assert only.fingerprint == with_labels(_cohort(3, [None] * 20), ["mh"]).fingerprint
    assert only.fingerprint != with_labels(both, ["dr"]).fingerprint
