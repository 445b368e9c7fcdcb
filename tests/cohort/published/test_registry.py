from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer import cohort
from medtransfer.cohort.published import registry
from medtransfer.errors import DataError
from tests.cohort.published import miniatures
from tests.cohort.published.miniatures import picture, table, write


def test_a_set_is_found_deep_in_what_was_unpacked(tmp_path: Path) -> None:
    miniatures.rfmid(tmp_path / "archive")
    found = registry.recognised(tmp_path)
    assert found is not None
    assert found.name == "RFMiD"
    assert len(found.tables) == 3
    assert len(cohort.read(tmp_path).cases) == 42


def test_a_name_alone_does_not_make_a_data_set(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", ["Path,label", "a.png,1"])
    write(tmp_path / "train.txt", ["a list of pictures", "00000001_000.png 1 2 3"])
    write(tmp_path / "Data_Entry_2017.csv", ["something,else", "1,2"])
    assert registry.recognised(tmp_path) is None


def test_a_table_of_the_persons_own_comes_first(tmp_path: Path) -> None:
    root = miniatures.rfmid(tmp_path)
    own = [(f"Training_Set/Training_Set/Training/{number}.png", f"p{number}", number % 2) for number in (1, 2, 3)]
    table(root / "labels.csv", ["image", "patient", "dr"], own)
    read = cohort.read(root)
    assert (len(read.cases), read.source) == (3, "")


def test_class_folders_are_still_class_folders(tmp_path: Path) -> None:
    for number, name in enumerate(["mass", "normal"]):
        picture(tmp_path / name / "1.png", number)
    read = cohort.read(tmp_path)
    assert (read.labels, read.source) == (("mass", "normal"), "")


def test_several_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    miniatures.rfmid(tmp_path / "one")
    miniatures.chestxray14(tmp_path / "other", patients=2)
    with pytest.raises(DataError, match="NIH ChestX-ray14, RFMiD") as refused:
        cohort.read(tmp_path)
    assert refused.value.code == "published.several"


def test_a_table_alone_is_pointed_to_its_folder(tmp_path: Path) -> None:
    root = miniatures.chestxray14(tmp_path, patients=2)
    with pytest.raises(DataError, match="NIH ChestX-ray14") as refused:
        cohort.read(root / "Data_Entry_2017.csv")
    assert refused.value.code == "published.give-folder"


def test_a_published_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    table(tmp_path / "Data_Entry_2017.csv", ["Image Index", "Finding Labels", "Age"], [("00000001_000.png", "Mass", 3)])
    with pytest.raises(DataError, match="'Patient ID'") as refused:
        cohort.read(tmp_path)
    assert refused.value.code == "published.column-missing"
