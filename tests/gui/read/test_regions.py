"""The reading space in small windows, with its edges dragged, its panels put away, and after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QScrollArea, QSlider, QWidget

from medtransfer.gui.app import make_context
from medtransfer.gui.restoring import snapshot
from medtransfer.gui.window import MainWindow
from tests.gui.read.conftest import Reader, built

PictureMaker = Callable[..., Path]
LEFT = Qt.MouseButton.LeftButton
SIZES = {"1024 x 640": (1024, 640), "1389 x 868 at 200 %": (694, 434), "the smallest": (680, 400)}
SHOWN = (QAbstractButton, QLabel, QComboBox, QSlider)


def cut(reader: Reader) -> list[str]:
    """Return what can be seen only in part, even by scrolling: it is narrower than it must be, or leaves its region."""
    found = []
    regions = reader.space.regions
    for region in (regions.studies, regions.centre, regions.right):
        for widget in region.findChildren(QWidget):
            if not isinstance(widget, SHOWN) or not widget.isVisible():
                continue
            around = next((up for up in region.findChildren(QScrollArea) if up.isAncestorOf(widget)), None)
            inside = (around and around.widget()) or region
            place = QRect(widget.mapTo(inside, QPoint(0, 0)), widget.size())
            room = inside.rect() if around is None else QRect(0, 0, around.viewport().width(), inside.height())
            if not room.contains(place) or widget.width() < widget.minimumSizeHint().width():
                found.append(f"{type(widget).__name__} {widget.accessibleName()} {place} in {room}")
    return found


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_nothing_is_cut_in_a_small_window(
    reader: Reader, make_picture: PictureMaker, ct_file: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    reader.window.resize(*size)
    reader.qtbot.wait(20)
    assert (reader.window.width(), reader.window.height()) == size
    assert reader.space.regions.width() == size[0]
    assert cut(reader) == []  # the start
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()
    assert cut(reader) == []
    reader.open(ct_file)
    reader.context.commands.run("read.next")
    reader.rest()
    reader.context.commands.run("read.state.CT")
    reader.rest()
    reader.space.viewer.choose_layout("2x2")
    reader.analyse()
    reader.qtbot.wait(20)
    assert cut(reader) == []
    toolbar = reader.space.viewer.toolbar
    assert toolbar.outline_button.isVisible()
    bottom = toolbar.outline_button.mapTo(toolbar, QPoint(0, toolbar.outline_button.height())).y()
    assert bottom <= toolbar.height()


def drag_edge(reader: Reader, number: int, by: int) -> None:
    handle = reader.space.regions.splitter.handle(number)
    middle = handle.rect().center()
    reader.qtbot.mousePress(handle, LEFT, pos=middle)
    reader.qtbot.mouseMove(handle, middle + QPoint(by, 0))
    reader.qtbot.mouseRelease(handle, LEFT, pos=middle + QPoint(by, 0))


def test_edges_are_dragged_and_stay_where_they_were_put(reader: Reader) -> None:
    regions = reader.space.regions
    drag_edge(reader, 1, 60)
    drag_edge(reader, 2, -90)
    widths = regions.studies.width(), regions.right.width()
    assert np.allclose(widths, (264 + 60, 328 + 90), atol=3)
    reader.window.resize(1200, 700)
    assert (regions.studies.width(), regions.right.width()) == widths
    drag_edge(reader, 1, -3000)
    assert 100 < regions.studies.width() < 264


def test_panels_are_put_away_and_brought_back_by_keys(reader: Reader) -> None:
    regions, window = reader.space.regions, reader.window
    before = regions.centre.width()
    reader.qtbot.keyClick(window, Qt.Key.Key_F7)
    reader.qtbot.keyClick(window, Qt.Key.Key_F8)
    assert not regions.studies.isVisible()
    assert not regions.right.isVisible()
    assert regions.centre.width() > before + 500
    reader.qtbot.keyClick(window, Qt.Key.Key_F7)
    reader.qtbot.keyClick(window, Qt.Key.Key_F8)
    assert regions.studies.isVisible()
    assert regions.right.isVisible()
    assert regions.centre.width() == before


def test_layout_panels_and_widths_are_back_after_a_restart(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    reader.open(make_picture(tmp_path / "a.png"))
    reader.space.viewer.choose_layout("1x2")
    drag_edge(reader, 1, 50)
    reader.context.commands.run("read.panel.right")
    reader.window.drawer.show_page("log")
    kept = json.loads(json.dumps(snapshot(reader.window)))
    assert kept["drawer"] == "log"

    context = make_context(reader.context.home)
    again = built(context)
    window = MainWindow(context, [again])
    reader.qtbot.addWidget(window)
    window.resize(1389, 868)
    window.show()
    window.show_space("read")
    again.restore(kept["spaces"]["read"])
    reader.until(lambda: again.reading.image is not None)
    assert again.viewer.layout_name == "1x2"
    assert again.viewer.toolbar.layouts["1x2"].isChecked()
    assert sum(view.isVisible() for view in again.viewer.grid.views) == 2
    assert again.regions.right.isHidden()
    assert again.regions.studies.width() == reader.space.regions.studies.width() != 264
    reader.until(lambda: not context.background.running())
    again.close()


@pytest.mark.parametrize(
    "damaged",
    [None, 3, {"hidden": "left"}, {"dragged": [1]}, {"dragged": ["a", 2]}, {"hidden": [7], "dragged": {}}],
)
def test_a_damaged_journal_leaves_the_panels_as_they_are(reader: Reader, damaged: object) -> None:
    reader.space.restore({"regions": damaged, "layout": "9x9", "modalities": 5})
    assert reader.space.regions.studies.isVisible()
    assert reader.space.regions.studies.width() == 264
    assert reader.space.viewer.layout_name == "1"
