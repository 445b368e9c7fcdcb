"""Opening piece by piece: nothing is lost, slices stay together, what is missing is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medtransfer.errors import DataError
from medtransfer.store.home import Home
from medtransfer.work import opening
from medtransfer.work.opening import portions

PictureMaker = Callable[..., Path]


def never() -> bool:
    return False


def test_each_picture_and_each_folder_is_a_portion_of_its_own(
    home: Home, make_picture: PictureMaker, tmp_path: Path
) -> None:
    named = make_picture(tmp_path / "named.png")
    for number in range(2):
        make_picture(tmp_path / "folder" / "below" / f"{number}.png", seed=number)
    found = list(portions(home, [named, tmp_path / "folder"], never))
    assert [portion.paths[0].name for portion in found] == ["named.png", "0.png", "1.png"]
    assert all(len(portion.found.studies) == 1 for portion in found)


def test_slices_named_one_by_one_form_one_series(home: Home, data_folder: Path) -> None:
    slices = sorted((data_folder / "dicom" / "head-ct-tilted").glob("*.dcm"))
    found = list(portions(home, slices, never))
    assert len(found) == 1
    assert [len(series.source.names) for study in found[0].found.studies for series in study.series] == [len(slices)]


def test_what_is_missing_or_no_image_is_a_problem_and_stops_nothing(
    home: Home, make_picture: PictureMaker, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "absent.png", tmp_path / "notes.txt", tmp_path / "empty", make_picture(tmp_path / "a.png")]
    found = list(portions(home, paths, never))
    problems = [problem.code for portion in found for problem in portion.found.problems]
    assert problems == ["study.absent", "study.unknown-format", "study.nothing-found"]
    assert sum(len(portion.found.studies) for portion in found) == 1


def test_reading_can_be_stopped(home: Home, make_picture: PictureMaker, tmp_path: Path) -> None:
    for number in range(3):
        make_picture(tmp_path / "folder" / f"{number}.png", seed=number)
    walking = portions(home, [tmp_path / "folder"], lambda: True)
    assert list(walking) == []


def test_the_source_of_a_result_needs_its_files(home: Home, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "r", ignore_errors=True)
    (tmp_path / "r").mkdir()
    with pytest.raises(DataError, match="holds no result"):
        opening.source_of(home, tmp_path / "r")
