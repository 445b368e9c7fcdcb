from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.cohort import read, sheet
from medtransfer.cohort.identity import LABEL_ID, file_key, label_id
from medtransfer.cohort.uncertainty import Uncertainty
from medtransfer.errors import DataError
from tests.cohort.tables import picture, table

FOUR = ["img1.png,a,1", "img2.png,b,0", "img3.png,b,", "img4.png,c,0"]


def refused(path: Path, labels: list[str] | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        read(path, labels)
    assert caught.value.hint
    assert str(path.parent) not in caught.value.message + caught.value.hint
    return caught.value


def test_cases_carry_what_the_table_says(tmp_path: Path) -> None:
    cohort = read(table(tmp_path, FOUR))
    assert cohort.labels == ("dr",)
    assert [case.labels["dr"] for case in cohort.cases] == [1, 0, None, 0]
    assert [case.patient for case in cohort.cases] == ["a", "b", "b", "c"]
    assert [case.row for case in cohort.cases] == [2, 3, 4, 5]
    assert cohort.cases[0].image == tmp_path / "img1.png"
    assert cohort.cases[0].key == file_key(tmp_path / "img1.png")
    assert cohort.problems == ()
    assert not cohort.synthetic


def test_folder_with_a_table_in_it_is_read_as_that_table(tmp_path: Path) -> None:
    table(tmp_path, FOUR)
    assert read(tmp_path).fingerprint == read(tmp_path / "labels.csv").fingerprint


def test_optional_columns_and_headings_in_any_case(tmp_path: Path) -> None:
    picture(tmp_path / "mask.png", 9)
    rows = ["img1.png,mask.png,a,Train,north,1", "img2.png,,b,val,south,0", "img3.png,,c,,south,0"]
    cohort = read(table(tmp_path, rows, "Image,MASK,Patient,split,site,Diabetic retinopathy"))
    assert [case.split for case in cohort.cases] == ["train", "validation", None]
    assert [case.site for case in cohort.cases] == ["north", "south", "south"]
    assert cohort.cases[0].mask == tmp_path / "mask.png"
    assert cohort.labels == ("diabetic_retinopathy",)
    assert cohort.names == {"diabetic_retinopathy": "Diabetic retinopathy"}


def test_columns_with_other_values_are_no_labels(tmp_path: Path) -> None:
    cohort = read(table(tmp_path, ["img1.png,a,70,M,1,2", "img2.png,b,1,F,0,0"], "image,patient,age,sex,dr,dr_grade"))
    assert cohort.labels == ("dr",)


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ";"), ("utf-8-sig", ","), ("utf-16", "\t"), ("cp1252", ";"), ("utf-8", "|")]
)
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = table(tmp_path, ["img1.png,Müller,1", "img2.png,Åse,0"], "image,patient,Ödem")
    path.write_text(path.read_text(encoding="utf-8").replace(",", delimiter), encoding=encoding)
    cohort = read(path)
    assert [case.patient for case in cohort.cases] == ["Müller", "Åse"]
    assert list(cohort.names.values()) == ["Ödem"]


def test_quoted_cells_may_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    path = table(tmp_path, ['img1.png,"a, ""b""\nc",1', "img2.png,d,0"])
    cohort = read(path)
    assert cohort.cases[0].patient == 'a, "b"\nc'
    assert cohort.cases[1].row == 4, "rows are lines of the file"


def test_excel_gives_the_same_cohort_as_csv(tmp_path: Path) -> None:
    rows = ["img1.png,1,1", "img2.png,2,0", "img3.png,2,"]
    expected = read(table(tmp_path, rows))
    book = openpyxl.Workbook()
    sheet_of_cases = book.active
    assert sheet_of_cases is not None
    lines: list[list[str | float | None]] = [
        ["image", "patient", "dr"],
        ["img1.png", 1, 1],
        ["img2.png", 2.0, 0.0],
        ["img3.png", 2, None],
    ]
    for line in lines:
        sheet_of_cases.append(line)
    book.save(tmp_path / "cases.xlsx")
    cohort = read(tmp_path / "cases.xlsx")
    assert cohort.fingerprint == expected.fingerprint
    assert [case.patient for case in cohort.cases] == ["1", "2", "2"]


def test_synthetic_mark_beside_the_table(tmp_path: Path) -> None:
    path = table(tmp_path, FOUR)
    (tmp_path / "SYNTHETIC.txt").write_text("made by a generator")
    assert read(path).synthetic


def test_missing_column_is_named_with_those_found(tmp_path: Path) -> None:
    error = refused(table(tmp_path, FOUR, "image,patiant,dr"))
    assert error.code == "table.column-missing"
    assert "'patient'" in error.message
    assert "image, patiant, dr" in error.message
    assert "Did you mean 'patiant'?" in error.message


def test_missing_label_is_named_with_a_suggestion(tmp_path: Path) -> None:
    error = refused(table(tmp_path, FOUR), ["dr", "glaucoma"])
    assert "'glaucoma'" in error.message
    rows = ["img1.png,a,1", "img2.png,b,0"]
    error = refused(table(tmp_path / "b", rows, "image,patient,pneumothorax"), ["pneumotorax"])
    assert error.hint == "Did you mean 'pneumothorax'?"


def test_wrong_value_in_a_wanted_label_names_the_rows(tmp_path: Path) -> None:
    error = refused(table(tmp_path, ["img1.png,a,1", "img2.png,b,yes", "img3.png,c,2"]), ["dr"])
    assert error.code == "table.label-value"
    assert "lines 3, 4" in error.hint


def test_uncertain_answers_count_as_the_recipe_says_and_are_told(tmp_path: Path) -> None:
    rows = ["img1.png,a,-1,1", "img2.png,b,0,-1.0", "img3.png,c,,0"]
    path = table(tmp_path, rows, "image,patient,Edema,Mass")
    answers: dict[Uncertainty, tuple[int | None, int | None]] = {
        "unknown": (None, None), "positive": (1, 1), "negative": (0, 0), "mixed": (1, 0),
    }  # fmt: skip
    for policy, (edema, mass) in answers.items():
        cohort = read(path, uncertain=policy)
        labels = [(case.labels["edema"], case.labels["mass"]) for case in cohort.cases]
        assert labels == [(edema, 1), (0, mass), (None, 0)]
        (note,) = cohort.problems
        assert note.message.startswith("2 answers are uncertain")


def test_a_few_wrong_values_are_taken_for_typos(tmp_path: Path) -> None:
    rows = [f"img{i}.png,p{i},{i % 2},{'O' if i == 7 else i % 2}" for i in range(1, 31)]
    cohort = read(table(tmp_path, rows, "image,patient,dr,dme"))
    assert cohort.labels == ("dr",)
    (problem,) = cohort.problems
    assert (problem.code, problem.rows) == ("table.label-typo", (8,))
    assert "'dme'" in problem.message


def test_missing_images_list_their_rows(tmp_path: Path) -> None:
    cohort = read(table(tmp_path, [*FOUR, "gone.png,d,1", "also-gone.png,e,0"]))
    (problem,) = cohort.problems
    assert (problem.code, problem.level, problem.rows) == ("table.image-missing", "error", (6, 7))
    assert len(cohort.cases) == 4


def test_no_image_at_all(tmp_path: Path) -> None:
    assert refused(table(tmp_path, ["gone.png,a,1"])).code == "table.no-images"


@pytest.mark.parametrize(
    ("rows", "headings", "code"),
    [
        (["img1.png,,1"], "image,patient,dr", "table.cell-missing"),
        ([",a,1"], "image,patient,dr", "table.cell-missing"),
        (["img1.png,a,x"], "image,patient,sex", "table.no-labels"),
        (["img1.png,a,1,1"], "image,patient,dr,DR", "table.repeated-heading"),
        (["img1.png,a,1,1"], "image,patient,A B,a_b", "table.label-clash"),
        (["img1.png,a,1,9"], "image,patient,dr", "table.ragged"),
        (["img1.png,a,1,holdout"], "image,patient,dr,split", "table.split-value"),
        ([], "image,patient,dr", "table.empty"),
        ([], "", "table.empty"),
    ],
)
def test_broken_tables(tmp_path: Path, rows: list[str], headings: str, code: str) -> None:
    assert refused(table(tmp_path, rows, headings)).code == code


def test_files_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "zeros.csv").write_bytes(b"image\0\0\0")
    assert refused(tmp_path / "zeros.csv").code == "table.not-text"
    (tmp_path / "book.xlsx").write_bytes(b"PK no workbook")
    assert refused(tmp_path / "book.xlsx").code == "table.workbook"
    assert refused(tmp_path / "nowhere.csv").code == "cohort.missing"


def test_same_image_under_two_patients_makes_them_one(tmp_path: Path) -> None:
    path = table(tmp_path, ["img1.png,a,1", "img2.png,b,0", "copy.png,b,1", "img4.png,c,0"])
    (tmp_path / "copy.png").write_bytes((tmp_path / "img1.png").read_bytes())
    cohort = read(path)
    assert [(case.row, case.patient) for case in cohort.cases] == [(2, "a"), (3, "a"), (5, "c")]
    assert {(problem.code, problem.rows) for problem in cohort.problems} == {
        ("cohort.shared-image", (2, 4)),
        ("cohort.repeated", (2, 4)),
    }


def test_same_image_with_contradicting_labels_is_unknown(tmp_path: Path) -> None:
    rows = ["img1.png,a,1,1,", "img2.png,b,0,0,0", "img1.png,a,0,1,1"]
    cohort = read(table(tmp_path, rows, "image,patient,dr,dme,amd"))
    assert dict(cohort.cases[0].labels) == {"dr": None, "dme": 1, "amd": 1}
    assert ("cohort.contradiction", (2, 4)) in {(problem.code, problem.rows) for problem in cohort.problems}


def test_real_photographs_listed_twice_are_found(data_folder: Path) -> None:
    cohort = read(data_folder / "fundus" / "idrid")
    assert cohort.labels == ("dr", "dr_referable", "dme")
    assert len(cohort.cases) == 408
    by_code = {problem.code: problem for problem in cohort.problems}
    assert by_code["cohort.shared-image"].rows == (22, 29, 46, 74, 80, 280, 328, 334, 376, 392)
    assert by_code["cohort.contradiction"].rows == (22, 392)


def test_real_chest_table_knows_labels_from_descriptions(data_folder: Path) -> None:
    cohort = read(data_folder / "chest" / "nih")
    assert len(cohort.labels) == 14
    assert not {"view", "age", "sex"} & set(cohort.labels)
    assert len({case.patient for case in cohort.cases}) == 451


def test_fingerprint_sees_labels_and_grouping_but_neither_names_nor_order(tmp_path: Path) -> None:
    first = read(table(tmp_path, FOUR)).fingerprint
    renamed = [row.replace(",b,", ",zz,") for row in reversed(FOUR)]
    assert read(table(tmp_path, renamed)).fingerprint == first
    assert read(table(tmp_path, [*FOUR[:3], "img4.png,c,1"])).fingerprint != first
    assert read(table(tmp_path, [*FOUR[:3], "img4.png,b,0"])).fingerprint != first


@given(st.text(min_size=1, max_size=100))
def test_any_heading_becomes_a_label_id(heading: str) -> None:
    assert LABEL_ID.fullmatch(label_id(heading))
    assert label_id(label_id(heading)) == label_id(heading)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    with suppress(DataError):
        found = sheet.read(path)
        assert all(len(row.cells) == len(found.headings) for row in found.rows)
