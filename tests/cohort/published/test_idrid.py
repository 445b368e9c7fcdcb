from __future__ import annotations

import csv
from pathlib import Path

from medtransfer import cohort
from tests.cohort.published.miniatures import codes, picture, write

HEADINGS = "Image name,Retinopathy grade,Risk of macular edema ,,,,,,,,,"
TRAIN = "2. Groundtruths/a. IDRiD_Disease Grading_Training Labels.csv"
TEST = "2. Groundtruths/b. IDRiD_Disease Grading_Testing Labels.csv"


def test_grades_become_labels_and_both_parts_are_kept(tmp_path: Path) -> None:
    root = tmp_path / "B. Disease Grading"
    write(root / TRAIN, [HEADINGS, "IDRiD_001,3,2,,,,,,,,,", "IDRiD_002,1,1,,,,,,,,, "])
    write(root / TEST, [HEADINGS, "IDRiD_001,0,0,,,,,,,,,"])
    for seed, name in enumerate(["a. Training Set/IDRiD_001", "a. Training Set/IDRiD_002", "b. Testing Set/IDRiD_001"]):
        picture(root / "1. Original Images" / f"{name}.jpg", seed)
    read = cohort.read(tmp_path)
    assert read.source == "IDRiD"
    assert [(case.patient, case.split, *case.labels.values()) for case in read.cases] == [
        ("train/IDRiD_001", "train", 1, 1, 1),
        ("train/IDRiD_002", "train", 1, 0, 0),
        ("test/IDRiD_001", "test", 0, 0, 0),
    ]
    assert read.labels == ("dr", "dr_referable", "dme")
    assert "published.patients-unknown" in codes(read)


def test_the_real_photographs_get_the_labels_of_the_plain_table(tmp_path: Path, data_folder: Path) -> None:
    plain = data_folder / "fundus" / "idrid"
    with (plain / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    grades = [f"{row['patient']},{row['dr_grade']},{row['dme_risk']},,,,,,,,," for row in rows]
    write(tmp_path / TRAIN, [HEADINGS, *grades])
    (tmp_path / "1. Original Images").mkdir()
    (tmp_path / "1. Original Images" / "a. Training Set").symlink_to(plain / "images", target_is_directory=True)
    published, table = cohort.read(tmp_path), cohort.read(plain, ["dr", "dr_referable", "dme"])
    assert len(published.cases) == len(table.cases) > 400
    assert {case.key: dict(case.labels) for case in published.cases} == {
        case.key: dict(case.labels) for case in table.cases
    }
