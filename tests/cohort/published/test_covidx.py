from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer import cohort
from medtransfer.cohort.published import covidx
from tests.cohort.published.miniatures import picture, write

TRAIN = [
    "3 SARS-10.1148rg.242035193-g04mr34g0-Fig8a-day0.jpeg pneumonia cohen",
    "3 SARS-10.1148rg.242035193-g04mr34g0-Fig8b-day5.jpeg pneumonia cohen",
    "2 auntminnie-a-2020_01_28_23_51_6665_2020_01_28_Vietnam_coronavirus.jpeg COVID-19 cohen",
    "0b2d5e8f 0b2d5e8f.png normal rsna",
]
TEST = ["419639-003251 MIDRC-RICORD-1C-419639-003251-46647-0.png COVID-19 ricord"]


def _set(root: Path, names: tuple[str, str], train: list[str], test: list[str]) -> Path:
    for seed, (part, line) in enumerate([*(("train", line) for line in train), *(("test", line) for line in test)]):
        picture(root / part / line.split()[1], seed)
    write(root / names[0], train)
    write(root / names[1], test)
    return root


@pytest.mark.parametrize("names", [("train.txt", "test.txt"), ("train_COVIDx9A.txt", "test_COVIDx9A.txt")])
def test_three_classes_with_patients_sources_and_the_test_list(tmp_path: Path, names: tuple[str, str]) -> None:
    read = cohort.read(_set(tmp_path, names, TRAIN, TEST))
    assert read.source == "COVIDx"
    assert Counter(case.split for case in read.cases) == {"train": 4, "test": 1}
    answers = Counter(
        (case.patient, case.site, case.labels["covid_19"], case.labels["pneumonia"]) for case in read.cases
    )
    assert answers == {
        ("3", "cohen", 0, 1): 2,
        ("2", "cohen", 1, None): 1,
        ("0b2d5e8f", "rsna", 0, 0): 1,
        ("419639-003251", "ricord", 1, None): 1,
    }


def test_two_classes_leave_pneumonia_unknown(tmp_path: Path) -> None:
    train = ["5 ARDSSevere.png negative cohen", "6 x.png positive sirm"]
    read = cohort.read(_set(tmp_path, ("train_COVIDx9B.txt", "test_COVIDx9B.txt"), train, ["7 y.png negative rsna"]))
    assert {case.patient: case.labels["covid_19"] for case in read.cases} == {"5": 0, "6": 1, "7": 0}
    assert {case.labels["pneumonia"] for case in read.cases} == {None}


_WORD = st.text(st.characters(categories=["Ll", "Lu", "Nd"], include_characters="-_."), min_size=1, max_size=12)


@given(patient=_WORD, name=_WORD, words=st.integers(0, 2), finding=st.sampled_from(["normal", "pneumonia", "COVID-19"]))
def test_every_line_is_read_back_also_with_blanks_in_its_file_name(
    patient: str, name: str, words: int, finding: str
) -> None:
    file = f"{name}{' (1)' * words}.png"
    (line,) = covidx.listed(f"{patient} {file} {finding} cohen\n")
    assert line == (patient, file, finding, "cohen")


@given(text=st.text(max_size=80))
def test_any_text_is_read_without_failing(text: str) -> None:
    assert all(
        line.finding in {"normal", "pneumonia", "COVID-19", "negative", "positive"} for line in covidx.listed(text)
    )
