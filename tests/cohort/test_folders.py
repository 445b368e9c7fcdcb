from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer.cohort import read
from medtransfer.errors import DataError
from tests.cohort.tables import picture


def test_class_folders_become_one_label_each(tmp_path: Path) -> None:
    for seed, name in enumerate(["Drusen/a.png", "Drusen/deeper/b.JPG", "normal/c.png"]):
        picture(tmp_path / name, seed)
    (tmp_path / "normal" / "notes.txt").write_text("not an image")
    cohort = read(tmp_path)
    assert cohort.labels == ("drusen", "normal")
    assert cohort.names == {"drusen": "Drusen", "normal": "normal"}
    assert [(case.image.name, dict(case.labels)) for case in cohort.cases] == [
        ("a.png", {"drusen": 1, "normal": 0}),
        ("b.JPG", {"drusen": 1, "normal": 0}),
        ("c.png", {"drusen": 0, "normal": 1}),
    ]
    assert [problem.code for problem in cohort.problems] == ["folders.patients-unknown"]


def test_images_of_one_name_are_kept_together(tmp_path: Path) -> None:
    picture(tmp_path / "drusen" / "1.png", 1)
    picture(tmp_path / "normal" / "1.png", 2)
    assert {case.patient for case in read(tmp_path).cases} == {"1"}


def test_one_label_of_several(tmp_path: Path) -> None:
    for seed, name in enumerate(["a/1.png", "b/2.png", "c/3.png"]):
        picture(tmp_path / name, seed)
    cohort = read(tmp_path, ["b"])
    assert cohort.labels == ("b",)
    assert [case.labels["b"] for case in cohort.cases] == [0, 1, 0]
    with pytest.raises(DataError, match="no folder for the label 'd'"):
        read(tmp_path, ["d"])


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    picture(tmp_path / "drusen" / "1.png", 1)
    with pytest.raises(DataError) as error:
        read(tmp_path)
    assert error.value.code == "folders.classes"


def test_real_chest_folders(data_folder: Path) -> None:
    cohort = read(data_folder / "chest" / "kermany" / "images")
    assert cohort.labels == ("normal", "pneumonia")
    assert len(cohort.cases) == 2497
