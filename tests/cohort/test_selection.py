from __future__ import annotations

from dataclasses import replace

import pytest

from medtransfer.cohort.model import Cohort
from medtransfer.cohort.selection import learnable, with_labels
from tests.cohort.tables import case


def _cohort(present: int) -> Cohort:
    cases = tuple(case(number, f"p{number}", {"dr": int(number < present), "mh": number % 2}) for number in range(20))
    return Cohort(cases, ("dr", "mh"), "", names={"dr": "Retinopathy", "mh": "Haze"})


@pytest.mark.parametrize(("present", "labels"), [(5, ("mh",)), (6, ("dr", "mh")), (14, ("dr", "mh")), (15, ("mh",))])
def test_a_label_needs_six_patients_with_and_without(present: int, labels: tuple[str, ...]) -> None:
    assert learnable(_cohort(present)) == labels


def test_a_patient_with_many_pictures_counts_once() -> None:
    one = _cohort(8)
    assert "dr" in learnable(one)
    shared = tuple(replace(case, patient=case.patient if case.labels["dr"] == 0 else "the same") for case in one.cases)
    assert "dr" not in learnable(replace(one, cases=shared))


def test_other_labels_are_as_if_they_were_not_there() -> None:
    both = _cohort(8)
    only = with_labels(both, ["mh"])
    assert (only.labels, only.names) == (("mh",), {"mh": "Haze"})
    assert all(set(one.labels) == {"mh"} for one in only.cases)
    assert only.fingerprint == with_labels(_cohort(3), ["mh"]).fingerprint
    assert only.fingerprint != with_labels(both, ["dr"]).fingerprint
