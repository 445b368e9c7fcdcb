from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from medtransfer.work.walk import walk
from tests.conftest import PictureMaker


def _names(folder: Path, leave_out: Path | None = None) -> list[str]:
    return [unit.name for unit in walk(folder, leave_out or folder / "out")]


def test_pictures_stand_alone_and_the_dicom_files_of_a_folder_belong_together(
    tmp_path: Path, make_picture: PictureMaker
) -> None:
    make_picture(tmp_path / "b.png")
    for number in range(3):
        shutil.copy(str(get_testdata_file("CT_small.dcm")), tmp_path / f"slice{number}")
    make_picture(tmp_path / "deeper" / "a.png")
    units = list(walk(tmp_path, tmp_path / "out"))
    assert [(unit.name, len(unit.paths)) for unit in units] == [("b.png", 1), (".", 3), ("deeper/a.png", 1)]


def test_hidden_files_companions_and_the_output_are_passed_over(tmp_path: Path, make_picture: PictureMaker) -> None:
    for name in (".hidden.png", ".git/a.png", "out/cases/x.png", "kept.png"):
        make_picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text("image,patient\n")
    (tmp_path / "LICENSE").write_text("text")
    assert _names(tmp_path) == ["kept.png"]


def test_a_file_that_promises_an_image_is_a_case_even_when_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "text.png").write_text("text")
    assert _names(tmp_path) == ["empty.dcm", "text.png"]


def test_the_key_changes_with_name_size_or_time_and_with_nothing_else(
    tmp_path: Path, make_picture: PictureMaker
) -> None:
    picture = make_picture(tmp_path / "a.png")

    def key() -> str:
        return next(iter(walk(tmp_path, tmp_path / "out"))).key

    first = key()
    assert key() == first
    os.utime(picture, ns=(1, 1))
    second = key()
    assert second != first
    picture.rename(tmp_path / "b.png")
    assert key() not in {first, second}


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_to_nowhere_is_a_case_that_will_be_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert _names(tmp_path) == ["gone.png"]
