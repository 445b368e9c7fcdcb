from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer.cohort.model import Partition
from medtransfer.cohort.published import folder
from medtransfer.cohort.published.folder import Folder, part_called, picture_size
from tests.cohort.published.miniatures import picture, write


def test_tables_near_the_top_are_found_and_pictures_anywhere(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "c" / "Table.CSV", ["x"])
    write(tmp_path / "a" / "b" / "c" / "d" / "table.csv", ["too deep"])
    write(tmp_path / "table.csv.gz", ["x"])
    image = picture(tmp_path / "a" / "b" / "c" / "d" / "e" / "1.png", 1)
    found = Folder(tmp_path)
    assert [path.name for path in found.tables(r"table\.csv(\.gz)?")] == ["table.csv.gz", "Table.CSV"]
    assert found.table("nothing") is None
    assert found.pictures.find("1.PNG") == image
    assert found.pictures.find("1.jpg") == image
    assert found.pictures.find("1") == image
    assert found.pictures.find("2.png") is None


def test_looking_for_tables_ends_in_a_tree_of_many_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FOLDERS_LOOKED_AT", 20)
    for patient in range(50):
        (tmp_path / "train" / f"patient{patient:05d}").mkdir(parents=True)
    write(tmp_path / "train" / "patient00049" / "late.csv", ["x"])
    write(tmp_path / "train.csv", ["x"])
    assert [path.name for path in Folder(tmp_path).tables(".*")] == ["train.csv"]


def test_the_innermost_folder_says_the_part(tmp_path: Path) -> None:
    inner = picture(tmp_path / "test download" / "Training" / "1.png", 1)
    picture(tmp_path / "elsewhere" / "1.png", 2)
    pictures = Folder(tmp_path).pictures
    assert pictures.of("train").find("1") == inner
    assert len(pictures.of("test")) == 0
    assert len(pictures) == 2


def test_pictures_in_linked_folders_are_found_once(tmp_path: Path) -> None:
    picture(tmp_path / "elsewhere" / "1.png", 1)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "set", target_is_directory=True)
    assert len(Folder(tmp_path / "set").pictures) == 1


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("RFMiD_Training_Labels.csv", "train"),
        ("train_val_list.txt", "train"),
        ("val_official.txt", "validation"),
        ("Evaluation_Set", "validation"),
        ("b. Testing Set", "test"),
        ("intervals", None),
    ],
)
def test_parts_by_name(name: str, part: Partition | None) -> None:
    assert part_called([name]) == part


def test_sizes_come_from_the_header(tmp_path: Path) -> None:
    assert picture_size(picture(tmp_path / "1.png", 1, (30, 20))) == (30, 20)
    assert picture_size(write(tmp_path / "2.png", ["no picture"])) is None
