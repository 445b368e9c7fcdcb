from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer import cohort
from medtransfer.cohort.published import chexpert
from medtransfer.cohort.uncertainty import Uncertainty
from tests.cohort.published.miniatures import OBSERVATIONS, codes, message, picture, table

HEADINGS = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *OBSERVATIONS]
_CELLS = st.sampled_from(["1.0", "0.0", "-1.0", ""])


def _row(path: str, *, view: str = "AP", said: Mapping[str, str] = {}) -> list[object]:
    side = "Lateral" if "lateral" in path else "Frontal"
    cells = [said.get(heading, "") for heading in OBSERVATIONS]
    return [f"CheXpert-v1.0-small/{path}", "Female", 68, side, view if side == "Frontal" else "", *cells]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two training patients, one of them with a lateral view, and one patient whom radiologists read."""
    rows = {
        "train/patient00001/study1/view1_frontal.jpg": {"Edema": "-1.0", "Pleural Effusion": "1.0"},
        "train/patient00001/study1/view2_lateral.jpg": {"Edema": "-1.0", "Pleural Effusion": "1.0"},
        "train/patient00002/study1/view1_frontal.jpg": {"Consolidation": "-1.0", "No Finding": "1.0", "Edema": "0.0"},
    }
    read = {"valid/patient64541/study1/view1_frontal.jpg": dict.fromkeys(OBSERVATIONS, "0.0") | {"Edema": "1.0"}}
    for seed, path in enumerate([*rows, *read]):
        picture(tmp_path / path, seed)
    table(tmp_path / "train.csv", HEADINGS, [_row(path, said=said) for path, said in rows.items()])
    table(tmp_path / "valid.csv", HEADINGS, [_row(path, view="PA", said=said) for path, said in read.items()])
    return tmp_path


def _labels(read: cohort.Cohort, patient: str) -> Mapping[str, int | None]:
    (case,) = [case for case in read.cases if case.patient == patient]
    return case.labels


def test_patients_views_and_the_radiologists_test_set(root: Path) -> None:
    read = cohort.read(root)
    assert read.source == "CheXpert"
    assert [(case.patient, case.split, case.attributes["view"]) for case in read.cases] == [
        ("patient00001", "train", "AP"),
        ("patient00002", "train", "AP"),
        ("patient64541", "test", "PA"),
    ]
    assert read.cases[0].attributes == {"view": "AP", "sex": "female", "age": "60 to 79"}
    assert "1 radiographs are left out" in message(read, "published.lateral")
    assert set(codes(read)) >= {"published.blanks", "published.valid-tests"}


def test_blank_is_absent_and_no_finding_is_no_label(root: Path) -> None:
    read = cohort.read(root)
    assert len(read.labels) == 13
    assert "no_finding" not in read.labels
    assert "effusion" in read.labels
    assert _labels(read, "patient00001")["effusion"] == 1
    assert _labels(read, "patient00002")["effusion"] == 0


@pytest.mark.parametrize(
    ("policy", "edema", "consolidation"),
    [("unknown", None, None), ("positive", 1, 1), ("negative", 0, 0), ("mixed", 1, 0)],
)
def test_policies_for_uncertain_answers(
    root: Path, policy: Uncertainty, edema: int | None, consolidation: int | None
) -> None:
    read = cohort.read(root, uncertain=policy)
    assert _labels(read, "patient00001")["edema"] == edema
    assert _labels(read, "patient00002")["consolidation"] == consolidation
    assert _labels(read, "patient00002")["edema"] == 0
    assert message(read, "published.uncertain").startswith("2 answers are uncertain")


def test_policies_make_different_cohorts(root: Path) -> None:
    policies: tuple[Uncertainty, ...] = ("unknown", "positive", "negative", "mixed")
    assert len({cohort.read(root, uncertain=policy).fingerprint for policy in policies}) == 4


def test_with_the_later_test_set_valid_chooses_and_does_not_test(root: Path) -> None:
    path = "test/patient64741/study1/view1_frontal.jpg"
    picture(root / path, 99)
    cells = [f"CheXpert-v1.0/{path}", *("0.0" for _ in OBSERVATIONS)]
    table(root / "test_labels.csv", ["Path", *OBSERVATIONS], [cells])
    read = cohort.read(root)
    assert {(case.patient, case.split) for case in read.cases} == {
        ("patient00001", "train"),
        ("patient00002", "train"),
        ("patient64541", "validation"),
        ("patient64741", "test"),
    }
    assert "published.valid-tests" not in codes(read)


def test_patients_are_found_in_the_folders_of_the_archives(root: Path) -> None:
    batch = root / "CheXpert-v1.0 batch 2 (train 1)"
    (root / "train").rename(batch)
    first = root / "CheXpert-v1.0 batch 1 (validate & csv)"
    first.mkdir()
    for name in ("train.csv", "valid.csv", "valid"):
        (root / name).rename(first / name)
    assert len(cohort.read(root).cases) == 3


def test_a_path_that_leaves_the_folder_is_no_picture(root: Path) -> None:
    picture(root.parent / "outside.jpg", 77)
    rows = [_row("train/patient00001/../../../outside.jpg"), _row("train/patient00002/study1/view1_frontal.jpg")]
    table(root / "train.csv", HEADINGS, rows)
    assert {case.image.name for case in cohort.read(root).cases} == {"view1_frontal.jpg"}


@given(cells=st.lists(_CELLS, min_size=13, max_size=13))
def test_every_row_of_answers_is_read_back(cells: list[str]) -> None:
    labels = [f"label_{number}" for number in range(13)]
    known, uncertain = chexpert.answers(labels, cells)
    assert uncertain == {label for label, cell in zip(labels, cells, strict=True) if cell == "-1.0"}
    assert all((known[label] is None) == (label in uncertain) for label in labels)
    assert [label for label in labels if known[label]] == [
        label for label, cell in zip(labels, cells, strict=True) if cell == "1.0"
    ]
