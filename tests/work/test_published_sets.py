"""What `medtransfer learn` and the window make of a published data set, with the plug-ins that come along."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from medtransfer.store.home import Home
from medtransfer.work import labels, planning
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.cohort.published import miniatures
from tests.cohort.published.miniatures import OBSERVATIONS, picture, table

FUNDUS, CHEST = "medtransfer.fundus-trio", "medtransfer.thorax-mae"


@pytest.fixture
def session(home: Home) -> Session:
    return Session(home.prepare())


def test_rfmid_is_planned_with_the_findings_that_the_plugin_names_and_the_authors_parts(
    session: Session, tmp_path: Path
) -> None:
    wish = Wish(FUNDUS, miniatures.rfmid(tmp_path / "RFMiD"))
    with session:
        plan = planning.settle(session, wish, planning.examine(session, wish))
    planning.refuse_errors(plan.problems)
    assert plan.cohort.labels == ("dr", "mh")  # there is disease risk too, which the plug-in does not name
    assert Counter(plan.split.partitions.values()) == {"train": 24, "validation": 9, "test": 9}
    assert all(plan.split.partitions[case.key] == case.split for case in plan.cohort.cases)
    (note,) = [problem for problem in plan.problems if problem.code == "published.labels"]
    assert "also has disease_risk" in note.message


def test_other_labels_of_a_set_are_learnt_when_they_are_named(session: Session, tmp_path: Path) -> None:
    wish = Wish(FUNDUS, miniatures.rfmid(tmp_path / "RFMiD"), labels=("mh", "disease_risk"))
    with session:
        examination = planning.examine(session, wish)
    assert examination.cohort.labels == ("mh", "disease_risk")
    assert {problem.label for problem in examination.errors} == {"disease_risk"}  # every photograph has it


def test_the_window_counts_every_label_and_ticks_the_usual_ones(session: Session, tmp_path: Path) -> None:
    with session:
        survey = labels.survey(session, Wish(FUNDUS, miniatures.rfmid(tmp_path / "RFMiD")))
    assert len(survey.labels) == 46
    assert survey.wish.labels == ("dr", "mh")
    assert [count.id for count in survey.labels[:3]] == ["dr", "mh", "disease_risk"]
    counts = {count.id: count for count in survey.labels}
    assert (counts["dr"].present, counts["dr"].absent) == (20, 22)
    assert counts["erm"].reason == "1 patient with it; 6 are needed."
    assert survey.examination.split is not None
    assert not survey.examination.errors


def test_chestxray14_is_tested_on_the_authors_patients(session: Session, tmp_path: Path) -> None:
    wish = Wish(CHEST, miniatures.chestxray14(tmp_path / "CXR14", patients=40))
    with session:
        plan = planning.settle(session, wish, planning.examine(session, wish))
    planning.refuse_errors(plan.problems)
    assert plan.cohort.labels == ("cardiomegaly", "mass")
    tested = {case.patient for case in plan.cohort.cases if plan.split.partitions[case.key] == "test"}
    assert tested == {str(number) for number in range(1, 9)}
    parts = Counter(plan.split.partitions.values())
    assert parts["test"] == 16
    assert parts["validation"] >= 4


def test_a_usual_label_that_a_part_has_too_few_patients_of_is_left_out_and_said(
    session: Session, tmp_path: Path
) -> None:
    hearts = range(3, 24, 3)  # all enlarged hearts but one are in the authors' test list
    wish = Wish(CHEST, miniatures.chestxray14(tmp_path / "CXR14", patients=24, tested=(1, 2, *hearts)))
    with session:
        examination = planning.examine(session, wish)
    assert not examination.errors
    assert examination.cohort.labels == ("mass",)
    (note,) = [problem for problem in examination.problems if problem.code == "published.labels"]
    assert "cardiomegaly" in note.message


def test_the_recipe_decides_what_uncertain_answers_count_as(session: Session, tmp_path: Path) -> None:
    rows = []
    for patient in range(24):
        path = f"train/patient{patient:05d}/study1/view1_frontal.jpg"
        picture(tmp_path / path, patient)
        edema = "-1.0" if patient < 6 else "1.0" if patient < 12 else "0.0"
        said = ["", "", "", "", "", edema, *[""] * 8]
        rows.append([f"CheXpert-v1.0-small/{path}", "Male", 50, "Frontal", "AP", *said])
    table(tmp_path / "train.csv", ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *OBSERVATIONS], rows)
    counts = {}
    with session:
        for policy in ("unknown", "positive", "negative", "mixed"):
            wish = Wish(CHEST, tmp_path, settings={"uncertain": policy})
            found = planning.examine(session, wish)
            assert found.cohort.labels == ("edema",)
            assert not found.errors
            counts[policy] = Counter(case.labels["edema"] for case in found.cohort.cases)
    assert counts == {
        "unknown": {None: 6, 1: 6, 0: 12},
        "positive": {1: 12, 0: 12},
        "negative": {1: 6, 0: 18},
        "mixed": {1: 12, 0: 12},
    }
