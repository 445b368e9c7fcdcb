"""A clinician opens a photograph, has it analysed, asks why, judges the answer, reports it, and comes back to it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from medtransfer.gui.welcome import Welcome
from medtransfer.store.home import Home
from medtransfer.work import models, verdicts
from tests.conftest import BundleMaker, PictureMaker
from tests.journeys.conftest import DeskMaker
from tests.journeys.desk import CTRL, SHIFT, Desk


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Answer the dialog of where to save a report, and note what is opened afterwards."""
    opened: list[Path] = []
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda _parent, _title, name, _kinds: (str(tmp_path / name), "")
    )
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    return opened


def test_from_the_first_start_to_the_report_and_back_again(
    sit_down: DeskMaker,
    home: Home,
    make_bundle: BundleMaker,
    make_picture: PictureMaker,
    tmp_path: Path,
    saved: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models.import_bundle(home.prepare(), make_bundle("test.echo"), "clinic")
    first, second = make_picture(tmp_path / "left.png"), make_picture(tmp_path / "right.png", seed=1)
    desk = sit_down()
    assert isinstance(desk.window.stack.currentWidget(), Welcome)
    _open_two(desk, first, second, monkeypatch)
    _analyse(desk)
    _explain(desk)
    _judge(desk, home)
    _report(desk, saved)
    assert desk.read.reading.shown is not None
    folder = desk.read.reading.shown.folder
    desk.leave()

    again = sit_down()
    again.until(lambda: again.read.reading.shown is not None)
    again.rest()
    assert again.window.banners.texts() == []
    shown, entry = again.read.reading.shown, again.read.reading.entry
    assert shown is not None
    assert entry is not None
    assert (entry.series.source.names, shown.folder) == (("right.png",), folder)
    assert again.read.studies.rowCount() == 3
    again.click(again.read.result_panel.findings.view.viewport())
    assert shown.verdicts == {"dark": "wrong"}


def _open_two(desk: Desk, first: Path, second: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drop one file, and choose the other in the dialog."""
    desk.drop(first)
    desk.until(lambda: desk.window.spaces[0].loaded and desk.read.reading.image is not None)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(second)], ""))
    desk.press(Qt.Key.Key_O, CTRL)
    desk.until(lambda: desk.read.studies.rowCount() == 3)
    desk.rest()
    desk.read.studies_panel.view.setFocus()
    desk.press(Qt.Key.Key_Down)
    desk.rest()
    entry = desk.read.reading.entry
    assert entry is not None
    assert entry.series.source.names == ("right.png",)


def _analyse(desk: Desk) -> None:
    panel = desk.read.analyse_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData("test.echo"))
    desk.click(panel.analyse)
    desk.until(lambda: desk.read.reading.shown is not None)
    desk.rest()
    assert desk.read.result_panel.label == "bright"
    assert desk.read.viewer.grid.views[0].heatmap is not None


def _explain(desk: Desk) -> None:
    """Go to the finding that was not called, and ask why it was not."""
    panel = desk.read.result_panel
    panel.findings.view.setFocus()
    desk.press(Qt.Key.Key_Down)
    assert panel.label == "dark"
    desk.click(panel.heatmaps.ask)
    desk.until(lambda: panel.heatmap is not None)
    desk.rest()


def _judge(desk: Desk, home: Home) -> None:
    desk.press(Qt.Key.Key_2, CTRL | SHIFT)
    desk.rest()
    shown = desk.read.reading.shown
    assert shown is not None
    assert verdicts.of_result(home, shown.folder) == {"dark": "wrong"}


def _has(saved: list[Path], suffix: str) -> bool:
    return any(path.suffix == suffix for path in saved)


def _report(desk: Desk, saved: list[Path]) -> None:
    for key, kind in ((Qt.Key.Key_S, "html"), (Qt.Key.Key_P, "pdf")):
        desk.press(key, CTRL)
        desk.until(partial(_has, saved, f".{kind}"))
        desk.rest()
    page, paper = saved
    assert "The reader&#x27;s verdict: wrong." in page.read_text(encoding="utf-8")
    assert paper.read_bytes().startswith(b"%PDF-")
