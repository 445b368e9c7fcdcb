"""Boxes around findings: read from a table beside the cases, and kept with them on their way to a worker."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from medtransfer import cohort
from medtransfer.cohort import boxes, exchange
from medtransfer.cohort.boxes import Box
from medtransfer.errors import DataError

_SIDES = st.floats(0.01, 1e5, allow_nan=False)


def _table(folder: Path, name: str, rows: Sequence[Sequence[object]]) -> Path:
    with (folder / name).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return folder / name


def _boxes(folder: Path, *rows: Sequence[object]) -> Path:
    return _table(folder, boxes.FILE, [["image", "label", "left", "top", "width", "height"], *rows])


def _cases(folder: Path) -> Path:
    rows: list[Sequence[object]] = [["image", "patient", "Mass"]]
    for number in range(3):
        Pillow.fromarray(np.full((20, 30), min(number, 1), dtype=np.uint8)).save(folder / f"{number}.png")
        rows.append([f"{number}.png", number, number % 2])
    return _table(folder, "labels.csv", rows)


def test_boxes_beside_a_table_belong_to_its_cases(tmp_path: Path) -> None:
    table = _cases(tmp_path)  # 2.png holds the same picture as 1.png
    _boxes(
        tmp_path,
        ["1.png", "Mass", 1, 2, 3.5, 4],
        ["1.png", "nodule", 5, 6, 7, 8],
        ["2.png", "mass", 0, 0, 9, 9],
        ["elsewhere.png", "mass", 0, 0, 1, 1],
    )
    read = cohort.read(table)
    key = next(case.key for case in read.cases if case.patient == "1")
    assert set(read.boxes) == {key}
    assert boxes.of(read, key, "mass") == (Box("mass", 1, 2, 3.5, 4), Box("mass", 0, 0, 9, 9))
    assert boxes.of(read, key, "nodule") == (Box("nodule", 5, 6, 7, 8),)
    assert boxes.of(read, "0" * 16, "mass") == ()


def test_boxes_reach_the_worker(tmp_path: Path) -> None:
    table = _cases(tmp_path)
    _boxes(tmp_path, ["1.png", "Mass", 1, 2, 3, 4])
    read = cohort.read(table)
    exchange.save(read, tmp_path / "cohort.json")
    assert exchange.load(tmp_path / "cohort.json").boxes == read.boxes != {}


@pytest.mark.parametrize(
    "row",
    [
        ["", "mass", 1, 1, 1, 1],
        ["1.png", "", 1, 1, 1, 1],
        ["1.png", "mass", 1, 1, 0, 1],
        ["1.png", "mass", 1, 1, 1, -2],
        ["1.png", "mass", "left", 1, 1, 1],
        ["1.png", "mass", "nan", 1, 1, 1],
        ["1.png", "mass", 1, 1, 1],
    ],
)
def test_a_row_that_is_no_box_is_named(tmp_path: Path, row: Sequence[object]) -> None:
    table = _boxes(tmp_path, ["1.png", "mass", 1, 1, 1, 1], row)
    with pytest.raises(DataError) as refused:
        boxes.read(table)
    assert refused.value.code == "boxes.row"
    assert "line 3" in (refused.value.hint or "")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    table = _table(tmp_path, "boxes.csv", [["image", "label", "left", "top", "width"], ["1.png", "mass", 1, 1, 1]])
    with pytest.raises(DataError, match="'height'") as refused:
        boxes.read(table)
    assert refused.value.code == "boxes.column-missing"


@given(rectangle=st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), _SIDES, _SIDES))
def test_numbers_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rectangle: tuple[float, float, float, float]
) -> None:
    folder = tmp_path_factory.mktemp("boxes")
    read = boxes.read(_boxes(folder, ["a b.png", "Pleural effusion", *map(repr, rectangle)]))
    assert read == {(folder / "a b.png").absolute(): (Box("pleural_effusion", *rectangle),)}
