"""Segmentations and structure sets beside the images, shown over them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.gui.read.conftest import Reader
from tests.result.drawn import circle, roi, rtstruct
from tests.study.builders import ct_slice, save


@pytest.fixture
def ct_folder(tmp_path: Path) -> Path:
    """A CT of 8 slices of 40 x 40 pixels, with a structure set of a disc and of a smaller one in it."""
    folder = tmp_path / "ct"
    folder.mkdir()
    for n in range(8):
        pixels = np.full((40, 40), 1064, np.uint16)
        placed = {"PixelSpacing": [1.0, 1.0], "InstanceNumber": n, "SeriesInstanceUID": "1.2.3.4"}
        save(ct_slice(pixels, (-20.0, -20.0, 2.0 * n), **placed), folder / f"{n}.dcm")
    directions = np.eye(3)[:, ::-1]
    discs = [
        roi(number, [circle(np.array([0.0, 0.0, 2.0 * n]), radius, directions) for n in range(2, 6)])
        for number, radius in ((1, 12.0), (2, 5.0))
    ]
    rtstruct(folder / "set.dcm", {1: "Organ", 2: "Tumour"}, discs)
    return folder


def test_a_structure_set_is_offered_shown_listed_and_put_away(reader: Reader, ct_folder: Path) -> None:
    reader.open(ct_folder)
    drawn, view = reader.space.drawn, reader.space.viewer.grid.views[0]
    assert [drawn.choice.itemText(n) for n in range(drawn.choice.count())] == [
        "None shown",
        "Drawn \u00b7 structure set",
    ]
    assert view.segmentation is None
    drawn.choice.setCurrentIndex(1)
    drawn.choice.activated.emit(1)
    reader.rest()
    assert view.segmentation is not None
    assert view.segmentation.visible == {1, 2}
    model = drawn.structures.view.model()
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == ["Organ", "Tumour"]
    drawn.structures.view.activated.emit(model.index(1, 0))
    reader.rest()
    assert view.index in range(2, 6)
    drawn.choice.setCurrentIndex(0)
    drawn.choice.activated.emit(0)
    assert view.segmentation is None


def test_a_segmentation_in_another_folder_is_offered_when_it_arrives(
    reader: Reader, ct_folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "rt"
    elsewhere.mkdir()
    shutil.move(ct_folder / "set.dcm", elsewhere / "set.dcm")
    reader.open(ct_folder)
    assert reader.space.drawn.choice.count() == 1
    assert reader.space.drawn.isHidden()
    reader.open(elsewhere)
    assert reader.space.drawn.choice.count() == 2


def test_a_structure_set_that_cannot_be_read_says_why(reader: Reader, ct_folder: Path) -> None:
    reader.open(ct_folder)
    (ct_folder / "set.dcm").write_bytes(b"gone")
    drawn = reader.space.drawn
    drawn.choice.setCurrentIndex(1)
    drawn.choice.activated.emit(1)
    reader.rest()
    assert drawn.choice.currentIndex() == 0
    assert drawn.segmentation is None
    assert reader.space.analyse_panel.trouble.isVisible()
