from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer import cohort
from medtransfer.cohort.published import odir
from tests.cohort.published.miniatures import ODIR, codes, message, picture, table

WORKBOOK = "ODIR-5K_Training_Annotations(Updated)_V2.xlsx"


def _patient(number: int, left: str, right: str, classes: str) -> list[str | int]:
    answers = [int(letter in classes) for letter in "NDGCAHMO"]
    return [number, 69, "Female", f"{number}_left.jpg", f"{number}_right.jpg", left, right, *answers]


NPDR = "moderate non proliferative retinopathy"
PATIENTS: list[list[str | int]] = [
    _patient(0, "cataract", "normal fundus", "C"),
    _patient(1, "normal fundus", "lens dust\uff0cnormal fundus", "N"),
    _patient(2, f"laser spot\uff0c{NPDR}", NPDR, "DO"),
    _patient(3, "pathological myopia", "anterior segment image", "M"),
    _patient(4, "drusen", "normal fundus", "GO"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(ODIR)
    for row in PATIENTS:
        sheet.append(row)
    book.save(tmp_path / WORKBOOK)
    for number in range(5):
        for side, eye in enumerate(odir.EYES):
            picture(tmp_path / "ODIR-5K_Training_Dataset" / f"{number}_{eye}.jpg", 2 * number + side)
    return tmp_path


def _eye(read: cohort.Cohort, name: str) -> cohort.Case:
    return next(case for case in read.cases if case.image.stem == name)


def test_two_eyes_of_a_patient_with_findings_of_their_own(root: Path) -> None:
    read = cohort.read(root)
    assert read.source == "ODIR-5K"
    assert len(read.cases) == 9
    assert {case.patient for case in read.cases} == {"0", "1", "2", "3", "4"}
    assert (_eye(read, "0_left").labels["cataract"], _eye(read, "0_right").labels["cataract"]) == (1, 0)
    assert (_eye(read, "2_left").labels["dr"], _eye(read, "2_right").labels["dr"]) == (1, 1)
    assert (_eye(read, "2_left").labels["other"], _eye(read, "2_right").labels["other"]) == (1, 0)
    assert not any(_eye(read, "1_right").labels.values())
    assert _eye(read, "3_left").labels["mya"] == 1
    assert _eye(read, "0_left").attributes == {"eye": "left", "sex": "female", "age": "60 to 79"}
    assert {case.split for case in read.cases} == {None}


def test_a_disease_that_no_keyword_names_is_unknown_in_both_eyes(root: Path) -> None:
    read = cohort.read(root)
    assert (_eye(read, "4_left").labels["glaucoma"], _eye(read, "4_right").labels["glaucoma"]) == (None, None)
    assert (_eye(read, "4_left").labels["other"], _eye(read, "4_right").labels["other"]) == (1, 0)


def test_pictures_of_something_else_are_left_out_and_told(root: Path) -> None:
    read = cohort.read(root)
    assert not any(case.image.stem == "3_right" for case in read.cases)
    assert message(read, "published.not-fundus").startswith("1 pictures are left out")
    assert "published.no-official-test" in codes(read)


def test_the_table_with_a_row_for_each_eye_says_the_same(root: Path) -> None:
    of_workbook = cohort.read(root)
    (root / WORKBOOK).unlink()
    rows = [[*row, f"../input/{eye}.jpg", "['N']", "[1, 0]", f"{eye}.jpg"] for row in PATIENTS for eye in odir.EYES]
    table(root / "full_df.csv", [*ODIR, "filepath", "labels", "target", "filename"], rows)
    assert cohort.read(root).fingerprint == of_workbook.fingerprint


@pytest.mark.parametrize(
    ("keywords", "named"),
    [
        ("mild nonproliferative retinopathy", {"dr"}),
        ("severe proliferative diabetic retinopathy", {"dr"}),
        ("suspected glaucoma\uff0cdry age-related macular degeneration", {"glaucoma", "armd"}),
        ("hypertensive retinopathy, epiretinal membrane", {"hypertensive_retinopathy", "other"}),
        ("myopia retinopathy", {"mya"}),
        ("myopic maculopathy", {"mya"}),
        ("low image quality\uff0cmaculopathy", {"other"}),
        ("normal fundus\uff0clens dust", set()),
    ],
)
def test_keywords_of_the_real_table(keywords: str, named: set[str]) -> None:
    assert odir.named_in(keywords) == named


@given(parts=st.lists(st.sampled_from(["cataract", "glaucoma", "drusen", "normal fundus", "lens dust"]), max_size=5))
def test_keywords_add_up(parts: list[str]) -> None:
    known = {"cataract": "cataract", "glaucoma": "glaucoma", "drusen": "other"}
    assert odir.named_in("\uff0c".join(parts)) == {known[part] for part in parts if part in known}
