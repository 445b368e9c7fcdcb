from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer import cohort
from medtransfer.cohort.model import Box
from tests.cohort.published.miniatures import codes, message, picture, table

KAGGLE = ["image_id", "class_name", "class_id", "rad_id", "x_min", "y_min", "x_max", "y_max"]
LABELS = ["Aortic enlargement", "Cardiomegaly", "Pleural effusion", "Nodule/Mass", "Pulmonary fibrosis", "No finding"]


def _kaggle(root: Path, rows: Sequence[tuple[str, str, str, Sequence[object]]], pictures: Sequence[str]) -> Path:
    table(root / "train.csv", KAGGLE, [(image, name, 0, rad, *corners) for image, name, rad, corners in rows])
    for seed, image in enumerate(pictures):
        picture(root / "train" / f"{image}.png", seed, size=(40, 50))
    return root


NOTHING = ("", "", "", "")
READ_BY_THREE = [
    ("a0", "No finding", "R1", NOTHING),
    ("a0", "No finding", "R2", NOTHING),
    ("a0", "Cardiomegaly", "R3", (1, 1, 9, 9)),
    ("b1", "Cardiomegaly", "R8", (691, 1375, 1653, 1831)),
    ("b1", "Cardiomegaly", "R9", (700, 1380, 1600, 1800)),
    ("b1", "Pleural effusion", "R9", (10, 10, 20, 20)),
    ("b1", "Aortic enlargement", "R10", (1000, 100, 1100, 200)),
]


def test_what_more_than_half_of_the_radiologists_report_is_present(tmp_path: Path) -> None:
    read = cohort.read(_kaggle(tmp_path, READ_BY_THREE, ["a0", "b1"]))
    assert read.source == "VinDr-CXR"
    assert read.labels == ("aortic_enlargement", "cardiomegaly", "effusion")
    assert [dict(case.labels) for case in read.cases] == [
        {"aortic_enlargement": 0, "cardiomegaly": 0, "effusion": 0},
        {"aortic_enlargement": 0, "cardiomegaly": 1, "effusion": 0},
    ]
    assert [case.patient for case in read.cases] == ["a0", "b1"]
    assert set(codes(read)) >= {"published.majority", "published.patients-unknown"}


def test_boxes_of_smaller_copies_need_the_size_of_the_original(tmp_path: Path) -> None:
    root = _kaggle(tmp_path, READ_BY_THREE, ["a0", "b1"])
    read = cohort.read(root)
    assert read.boxes == {}
    assert message(read, "published.boxes-left-out").startswith("2 boxes")
    table(root / "train_meta.csv", ["image_id", "dim0", "dim1"], [("a0", 500, 400), ("b1", 2500, 2000)])
    placed = cohort.read(root)
    assert list(placed.boxes) == [placed.cases[1].key]
    one, other = placed.boxes[placed.cases[1].key]
    assert (one.label, other.label) == ("cardiomegaly", "cardiomegaly")
    assert (one.left, one.top, one.width, one.height) == pytest.approx((13.82, 27.5, 19.24, 9.12))
    assert (other.left, other.top, other.width, other.height) == pytest.approx((14.0, 27.6, 18.0, 8.4))


def test_physionets_tables_with_their_consensus_on_the_test_set(tmp_path: Path, data_folder: Path) -> None:
    rows = [
        ("a0", "R1", 0, 1, 0, 0, 0, 0),
        ("a0", "R2", 0, 1, 0, 0, 1, 0),
        ("a0", "R3", 0, 0, 0, 0, 0, 1),
        ("b1", "R1", 0, 0, 0, 0, 0, 1),
    ]
    table(tmp_path / "annotations" / "image_labels_train.csv", ["image_id", "rad_id", *LABELS], rows)
    table(tmp_path / "annotations" / "image_labels_test.csv", ["image_id", *LABELS], [("c2", 0, 0, 1, 0, 0, 0)])
    corners = ["image_id", "rad_id", "class_name", "x_min", "y_min", "x_max", "y_max"]
    drawn = [("a0", "R1", "Cardiomegaly", 10, 20, 40, 60), ("a0", "R2", "Pulmonary fibrosis", 1, 1, 2, 2)]
    table(tmp_path / "annotations" / "annotations_train.csv", corners, drawn)
    table(
        tmp_path / "annotations" / "annotations_test.csv",
        corners[:1] + corners[2:],
        [("c2", "Pleural effusion", 1, 2, 4, 8)],
    )
    picture(tmp_path / "train" / "b1.png", 1)
    chests = data_folder / "dicom" / "chest-cr"
    for folder, name, source in (("train", "a0", "cr_monochrome1.dcm"), ("test", "c2", "cr_monochrome2.dcm")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.dicom").write_bytes((chests / source).read_bytes())
    read = cohort.read(tmp_path)
    by_patient = {case.patient: case for case in read.cases}
    assert {patient: case.split for patient, case in by_patient.items()} == {"a0": "train", "b1": "train", "c2": "test"}
    assert [label for label, value in by_patient["a0"].labels.items() if value] == ["cardiomegaly"]
    assert [label for label, value in by_patient["c2"].labels.items() if value] == ["effusion"]
    assert "fibrosis" in read.labels
    assert read.boxes == {
        by_patient["a0"].key: (Box("cardiomegaly", 10, 20, 30, 40),),
        by_patient["c2"].key: (Box("effusion", 1, 2, 3, 6),),
    }


@given(reported=st.lists(st.booleans(), min_size=1, max_size=5))
def test_half_is_not_enough(tmp_path_factory: pytest.TempPathFactory, reported: list[bool]) -> None:
    root = tmp_path_factory.mktemp("vindr")
    rows = [
        ("a0", "Cardiomegaly" if yes else "No finding", f"R{number}", (1, 1, 2, 2) if yes else NOTHING)
        for number, yes in enumerate(reported)
    ]
    read = cohort.read(_kaggle(root, [*rows, ("b1", "Cardiomegaly", "R1", (1, 1, 2, 2))], ["a0", "b1"]))
    assert read.cases[0].labels["cardiomegaly"] == int(sum(reported) > len(reported) / 2)
