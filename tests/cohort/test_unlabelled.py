"""Images without answers: from folders and tables, with what cannot be opened left out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer.cohort import checks, unlabelled
from medtransfer.errors import DataError
from tests.cohort.published import miniatures


def _picture(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.full((40, 40), value, dtype=np.uint8)).save(path)
    return path


def test_a_folder_gives_every_image_in_and_below_it_once(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", 10)
    _picture(tmp_path / "deep" / "er" / "b.PNG", 20)
    (tmp_path / "deep" / "same as a.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "notes.txt").write_text("no image")
    found = unlabelled.read(tmp_path)
    assert len(found.cases) == 2
    assert {case.image.suffix for case in found.cases} == {".png", ".PNG"}
    assert found.labels == ()
    assert [problem.code for problem in found.problems] == ["folders.patients-unknown"]


def test_the_fingerprint_is_that_of_the_images(tmp_path: Path) -> None:
    _picture(tmp_path / "one" / "a.png", 10)
    _picture(tmp_path / "two" / "a.png", 10)
    _picture(tmp_path / "three" / "a.png", 11)
    first, same, other = (unlabelled.read(tmp_path / name).fingerprint for name in ("one", "two", "three"))
    assert first == same != other


@pytest.mark.parametrize("whole_folder", [True, False])
def test_a_table_gives_its_patients_and_needs_no_labels(tmp_path: Path, *, whole_folder: bool) -> None:
    table = tmp_path / "labels.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "age"])
        for number in range(4):
            writer.writerow([_picture(tmp_path / f"{number}.png", number).name, f"p{number // 2}", 40 + number])
    found = unlabelled.read(tmp_path if whole_folder else table)
    assert [case.patient for case in found.cases] == ["p0", "p0", "p1", "p1"]
    assert found.labels == ()
    assert not found.problems


def test_a_published_set_gives_its_patients_and_keeps_its_test_pictures_unseen(tmp_path: Path) -> None:
    found = unlabelled.read(miniatures.chestxray14(tmp_path))
    assert (found.labels, found.source) == ((), "NIH ChestX-ray14")
    assert {case.patient for case in found.cases} == {str(number) for number in range(9, 25)}
    assert len(found.cases) == 32
    (note,) = [problem for problem in found.problems if problem.code == "unlabelled.test-left-out"]
    assert note.message.startswith("16 pictures of the data set's own test set left out")


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_a_place_without_images_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as refused:
        unlabelled.read(tmp_path / name)
    assert refused.value.code == "unlabelled.no-images"


def test_damaged_images_are_left_out_with_a_warning(tmp_path: Path) -> None:
    _picture(tmp_path / "good.png", 10)
    (tmp_path / "wrong.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    found = unlabelled.read(tmp_path)
    rest = unlabelled.readable(found, checks.look(found))
    assert [case.image.name for case in rest.cases] == ["good.png"]
    assert rest.fingerprint != found.fingerprint
    (warning,) = [problem for problem in rest.problems if problem.code == "unlabelled.left-out"]
    assert (warning.level, warning.rows, warning.subject) == ("warning", (2,), "wrong.png")


def test_nothing_but_damaged_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    found = unlabelled.read(tmp_path)
    with pytest.raises(DataError) as refused:
        unlabelled.readable(found, checks.look(found))
    assert refused.value.code == "unlabelled.unreadable"
