from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image as Pillow

from medtransfer import cohort
from medtransfer.cohort.published import rfmid
from medtransfer.cohort.published.registry import recognised
from medtransfer.errors import DataError
from tests.cohort.published import miniatures
from tests.cohort.published.miniatures import RFMID, codes, message, picture, table

TWELVE = ("dr", "mh", "odc", "tsln", "dn", "mya", "armd", "brvo", "odp", "ode", "ls", "rs")


def test_the_official_parts_whose_numbers_start_anew(tmp_path: Path) -> None:
    read = cohort.read(miniatures.rfmid(tmp_path))
    assert read.source == "RFMiD"
    assert Counter(case.split for case in read.cases) == {"train": 24, "validation": 9, "test": 9}
    assert len({case.patient for case in read.cases}) == 42
    assert Counter((case.split, case.labels["mh"]) for case in read.cases if case.labels["mh"]) == {
        ("train", 1): 8,
        ("validation", 1): 3,
        ("test", 1): 3,
    }
    (membrane,) = [case for case in read.cases if case.labels["erm"]]
    assert (membrane.split, membrane.image.name) == ("validation", "1.png")
    assert "published.patients-unknown" in codes(read)
    assert "the authors' test and validation pictures are kept apart" in message(read, "published.read")


def test_every_column_is_a_label_with_a_name() -> None:
    assert list(rfmid.NAMES) == RFMID[1:]
    assert len(rfmid.NAMES) == 46


@pytest.mark.parametrize(
    ("labels", "pictures"),
    [
        ("A. RFMiD_All_Classes_Dataset/2. Groundtruths", "A. RFMiD_All_Classes_Dataset/1. Original Images"),
        ("labels", "pictures"),
    ],
)
def test_tables_and_photographs_apart(tmp_path: Path, labels: str, pictures: str) -> None:
    names = ("a. RFMiD_Training_Labels.csv", "b. RFMiD_Validation_Labels.csv", "c. RFMiD_Testing_Labels.csv")
    folders = ("a. Training Set", "b. Validation Set", "c. Testing Set")
    for seed, (name, folder) in enumerate(zip(names, folders, strict=True)):
        picture(tmp_path / pictures / folder / "7.png", seed)
        table(tmp_path / labels / name, RFMID, [[7, 1, int(seed == 2), *(0 for _ in RFMID[3:])]])
    read = cohort.read(tmp_path)
    assert {case.split: case.labels["dr"] for case in read.cases} == {"train": 0, "validation": 0, "test": 1}


def test_cameras_are_told_by_size(tmp_path: Path) -> None:
    folder = tmp_path / "Training"
    folder.mkdir()
    for number, size in enumerate([(2144, 1424), (4288, 2848), (2048, 1536), (384, 256)], start=1):
        Pillow.new("L", size, number).save(folder / f"{number}.png")
    rows = [[number, *(0 for _ in RFMID[1:])] for number in range(1, 5)]
    table(tmp_path / "RFMiD_Training_Labels.csv", RFMID, rows)
    found = recognised(tmp_path)
    assert found is not None
    cameras = [entry.attributes.get("camera") for entry in found.listing().entries]
    assert cameras == ["TOPCON 3D OCT-2000", "Kowa VX-10a", "TOPCON TRC-NW300", None]


def test_the_published_table_of_training_labels(data_folder: Path) -> None:
    found = recognised(data_folder / "fundus" / "rfmid")
    assert found is not None
    entries = found.listing().entries
    assert len(entries) == 1920
    positives = {label: sum(entry.labels[label] == 1 for entry in entries) for label in ("disease_risk", *TWELVE)}
    assert positives == {
        "disease_risk": 1519, "dr": 376, "mh": 317, "odc": 282, "tsln": 186, "dn": 138, "mya": 101, "armd": 100,
        "brvo": 73, "odp": 65, "ode": 58, "ls": 47, "rs": 43,
    }  # fmt: skip
    read = cohort.read(data_folder / "fundus" / "rfmid", ["dr", "MH"])
    assert len(read.cases) == 10
    assert "1,910 of the 1,920 pictures" in message(read, "published.images-missing")
    by_number = {case.image.stem.rpartition("_")[2]: case.labels for case in read.cases}
    assert (by_number["1"], by_number["4"], by_number["10"]) == (
        {"dr": 1, "mh": 0},
        {"dr": 0, "mh": 1},
        {"dr": 0, "mh": 0},
    )


def test_an_unknown_label_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its labels are disease_risk, dr, armd") as refused:
        cohort.read(miniatures.rfmid(tmp_path), ["glaucoma"])
    assert refused.value.code == "published.label-missing"
