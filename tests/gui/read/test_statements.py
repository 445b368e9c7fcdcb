"""A volume whose file does not say what it is: a person says so, and it stays said."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QPushButton

from medtransfer.gui.app import make_context
from medtransfer.gui.read.statements import Statements
from medtransfer.study.model import Image, Series, Source
from tests.gui.read.conftest import PLUGINS, Reader, built

LEFT = Qt.MouseButton.LeftButton


def presets_shown(reader: Reader) -> bool:
    return all(button.isVisible() for button in reader.space.viewer.toolbar.presets.values())


def offer(reader: Reader) -> QPushButton:
    return next(button for button in reader.space.notices.findChildren(QPushButton) if "This is a CT" in button.text())


def click_and_wait(reader: Reader, button: QPushButton) -> None:
    reader.qtbot.mouseClick(button, LEFT)
    reader.until(lambda: reader.space.reading.image is not None)
    reader.rest()


def test_what_looks_like_a_ct_is_offered_as_one_and_then_read_as_one(reader: Reader, ct_file: Path) -> None:
    reader.open(ct_file)
    assert reader.space.reading.image is not None
    assert reader.space.reading.image.units == "stored"
    assert not presets_shown(reader)

    click_and_wait(reader, offer(reader))
    image = reader.space.reading.image
    assert (image.modality, image.units) == ("CT", "HU")
    assert presets_shown(reader)
    view = reader.space.viewer.grid.views[0]
    assert view.words_at((4.0, 12.0, 16.0)).endswith("700 HU")
    assert view.window_words() == "W 400 L 40"
    entry = reader.space.studies_panel.selected()
    assert entry is not None
    assert "modality.stated" in [check.code for check in entry.checks]
    assert not [b for b in reader.space.notices.findChildren(QPushButton) if b.isVisible()]


def test_plug_ins_that_want_a_ct_fit_what_was_stated_to_be_one(
    reader: Reader, ct_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = shutil.copytree(PLUGINS / "labelmap", tmp_path / "plugins" / "labelmap")
    manifest = strict / "medtransfer-plugin.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('["CT", "OT"]', '["CT"]'), encoding="utf-8")
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", os.pathsep.join(map(str, (PLUGINS / "echo", strict))))
    reader.open(ct_file)
    panel = reader.space.analyse_panel
    assert panel.chosen is None
    click_and_wait(reader, offer(reader))
    reader.until(lambda: panel.chosen is not None)
    assert panel.plugin.findText("Thresholds") >= 0
    panel.plugin.setCurrentText("Thresholds")
    reader.analyse()
    shown = reader.space.reading.shown
    assert shown is not None
    assert shown.result.source.modality == "CT"


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_rows_menu_says_it_and_takes_it_back(reader: Reader, ct_file: Path) -> None:
    reader.open(ct_file)
    view = reader.space.studies_panel.view
    view.customContextMenuRequested.emit(QPoint(5, view.visualRect(view.currentIndex()).center().y()))
    menu = view.findChildren(QMenu)[-1]
    titles = [action.text() for action in menu.actions()]
    assert titles == ["This is a CT", "This is an MR", "Remove from the list"]
    menu.actions()[1].trigger()
    menu.close()
    reader.until(lambda: reader.space.reading.image is not None and reader.space.reading.image.modality == "MR")
    reader.rest()
    assert reader.context.commands.get("read.state.MR").checked()  # type: ignore[misc]

    assert reader.context.commands.run("read.state.nothing")
    reader.until(lambda: reader.space.reading.image is not None and reader.space.reading.image.modality == "OT")
    reader.rest()
    assert not reader.context.commands.run("read.state.nothing")


def test_it_is_back_after_a_restart(reader: Reader, ct_file: Path) -> None:
    reader.open(ct_file)
    click_and_wait(reader, offer(reader))
    state = reader.space.state()

    again = built(make_context(reader.context.home))
    again.restore(json.loads(json.dumps(state)))
    reader.until(lambda: again.reading.image is not None)
    assert again.reading.image is not None
    assert again.reading.image.units == "HU"
    again.close()


@pytest.mark.parametrize("still_open", [True, False])
def test_a_result_brings_back_what_its_volume_was_stated_to_be(
    reader: Reader, ct_file: Path, *, still_open: bool
) -> None:
    reader.open(ct_file)
    click_and_wait(reader, offer(reader))
    reader.analyse()
    shown = reader.space.reading.shown
    assert shown is not None
    if still_open:
        assert reader.context.commands.run("read.state.nothing")
        reader.until(lambda: reader.space.reading.image is not None and reader.space.reading.image.units == "stored")
    else:
        reader.space.remove_all()
        reader.space.studies.statements.restore({})
    reader.rest()
    reader.context.events.show_result.emit(shown.folder)
    reader.until(lambda: reader.space.reading.shown is not None)
    assert reader.space.reading.image is not None
    assert (reader.space.reading.image.modality, reader.space.reading.image.units) == ("CT", "HU")
    assert reader.space.reading.shown is not None
    assert reader.space.reading.shown.folder == shown.folder
    reader.rest()


def test_a_result_of_an_unstated_volume_is_shown_on_it_as_its_file_says(reader: Reader, ct_file: Path) -> None:
    reader.open(ct_file)
    reader.analyse()
    shown = reader.space.reading.shown
    assert shown is not None
    click_and_wait(reader, offer(reader))
    reader.context.events.show_result.emit(shown.folder)
    reader.until(lambda: reader.space.reading.shown is not None)
    assert reader.space.reading.image is not None
    assert reader.space.reading.image.units == "stored"
    reader.rest()


def test_nothing_can_be_said_of_what_says_it_itself(reader: Reader, data_folder: Path) -> None:
    reader.open(data_folder / "dicom" / "head-ct-tilted")
    assert not reader.context.commands.run("read.state.MR")


@pytest.mark.parametrize("damaged", [None, [], "CT", {"a": "US"}, {"a": 3}])
def test_a_damaged_journal_states_nothing(damaged: object) -> None:
    def load() -> Image:
        raise AssertionError

    series = Series("a", "OT", "", (4, 4, 4), "zyx", Source("nifti", ("a.nii",)), load)
    statements = Statements()
    statements.restore(damaged)
    assert statements.applied_to(series) is series
