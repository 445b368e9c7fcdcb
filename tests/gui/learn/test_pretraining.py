"""Pretraining in the window: choose images, watch, stop, go on, and train from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medtransfer.gui.context import Context
from medtransfer.gui.learn.beginnings import OWN
from medtransfer.gui.learn.space import LearnSpace
from medtransfer.work import pretrainings, trainings
from tests.conftest import PictureMaker, TableMaker

LONG_MS = 30_000


@pytest.fixture
def space(context: Context, qtbot: QtBot) -> Iterator[LearnSpace]:
    made = LearnSpace(context)
    widget = made.widget()
    qtbot.addWidget(widget)
    widget.resize(1389, 800)
    widget.show()
    qtbot.waitUntil(lambda: made.data.plugins.count() > 0 and made.before.images.plugins.count() > 0)
    yield made
    qtbot.waitUntil(lambda: not context.background.running(), timeout=LONG_MS)


@pytest.fixture
def images(tmp_path: Path, make_picture: PictureMaker) -> Path:
    for number in range(6):
        make_picture(tmp_path / "ward" / f"{number}.png", seed=number)
    return tmp_path / "ward"


def _button(page: QWidget, words: str) -> QPushButton:
    return next(button for button in page.findChildren(QPushButton) if button.text().startswith(words))


def _said(page: QWidget) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def _choose(space: LearnSpace, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Click as far as the images are counted."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(images))
    qtbot.mouseClick(_button(space.data, "Learn images without answers"), Qt.MouseButton.LeftButton)
    page = space.before.images
    assert space.stack.currentWidget() is page
    assert not page.start.isEnabled()
    qtbot.mouseClick(_button(page, "Choose a folder"), Qt.MouseButton.LeftButton)
    page.plugins.setCurrentIndex(page.plugins.findData("test.trouble"))
    qtbot.waitUntil(page.start.isEnabled)


Begin = Callable[[], None]


@pytest.fixture
def begin(space: LearnSpace, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Begin:
    def clicked() -> None:
        _choose(space, images, qtbot, monkeypatch)
        qtbot.mouseClick(space.before.images.start, Qt.MouseButton.LeftButton)

    return clicked


def _ended(space: LearnSpace, qtbot: QtBot) -> None:
    qtbot.waitUntil(space.before.page.use.isVisible, timeout=LONG_MS)


def test_images_are_counted_and_only_plug_ins_that_pretrain_are_offered(
    space: LearnSpace, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    _choose(space, images, qtbot, monkeypatch)
    page = space.before.images
    assert "ward: 6 images." in _said(page)
    assert page.name.text() == "ward"
    assert page.plugins.findData("test.echo") < 0
    page.name.clear()
    assert not page.start.isEnabled()
    assert space.steps.isHidden()
    qtbot.mouseClick(_button(page, "Back"), Qt.MouseButton.LeftButton)
    assert space.stack.currentWidget() is space.data
    assert space.steps.isVisible()


def test_a_folder_without_images_is_refused(space: LearnSpace, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "empty").mkdir()
    space.before.new()
    space.before.images.choose(tmp_path / "empty")
    qtbot.waitUntil(lambda: "There are no images in this place." in _said(space.before.images))
    assert not space.before.images.start.isEnabled()


def test_pictures_and_error_are_shown_to_the_end(
    space: LearnSpace, context: Context, begin: Begin, qtbot: QtBot
) -> None:
    begin()
    page = space.before.page
    _ended(space, qtbot)
    assert page.sheet.file is not None
    assert page.sheet.file.name == "epoch-0008.png"
    assert page.sheet.file.is_relative_to(pretrainings.root(context.home))
    assert page.sheet.pixmap().toImage().pixelColor(5, 5).red() == 160
    (plot,) = page.curves.plots.values()
    own, guess = plot.curves
    assert own.points[-1] == pytest.approx((8.0, 1 / 8))
    assert {height for _, height in guess.points} == {0.5}
    assert "an error of 0.12; the mean of the patches that it sees has 0.50" in page.stage.text()
    qtbot.waitUntil(lambda: [entry.mark for entry in space.list.entries] == ["pretrained, to train from"])


def test_it_stops_shows_what_it_has_and_goes_on(
    space: LearnSpace, context: Context, begin: Begin, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.3")
    begin()
    page = space.before.page
    qtbot.waitUntil(lambda: page.sheet.file is not None and page.stage.text().startswith("Epoch 3"), timeout=LONG_MS)
    assert page.sheet.isVisible()
    assert not page.use.isVisible()
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.resume.isVisible, timeout=LONG_MS)
    qtbot.waitUntil(lambda: [entry.mark for entry in space.list.entries] == ["pretraining paused"])
    assert "Pretraining is paused" in _said(page)
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.01")
    qtbot.mouseClick(page.resume, Qt.MouseButton.LeftButton)
    _ended(space, qtbot)
    (done,) = pretrainings.list_pretrainings(context.home)
    made = pretrainings.pretrained_in(done.folder)
    assert made is not None
    assert len(set(made.bundle.card.extra["epochs"])) == 2  # two processes, one pretraining


def test_a_training_starts_from_it(
    space: LearnSpace, context: Context, begin: Begin, qtbot: QtBot, tmp_path: Path, make_table: TableMaker
) -> None:
    begin()
    _ended(space, qtbot)
    qtbot.mouseClick(space.before.page.use, Qt.MouseButton.LeftButton)
    assert space.stack.currentWidget() is space.data
    box = space.data.beginnings.box
    qtbot.waitUntil(lambda: box.currentText() == "ward")
    assert space.data.plugins.currentData() == "test.trouble"
    space.data.choose(make_table(tmp_path / "clinic"))
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    qtbot.mouseClick(space.data.go_on, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(space.recipe.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)
    (training,) = trainings.list_trainings(context.home)
    (done,) = pretrainings.list_pretrainings(context.home)
    assert training.wish.parent == str(done.folder)
    space.new()
    space.data.plugins.setCurrentIndex(space.data.plugins.findData("test.echo"))
    qtbot.waitUntil(space.data.beginnings.isHidden)
    assert box.currentText() == OWN


def test_an_earlier_one_is_opened_again_and_removed(
    space: LearnSpace, context: Context, begin: Begin, qtbot: QtBot
) -> None:
    begin()
    _ended(space, qtbot)
    state = space.state()
    space.new()
    assert space.state() == {}
    space.restore(state)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.before.page)
    _ended(space, qtbot)
    assert space.before.page.sheet.isVisible()
    qtbot.mouseClick(space.before.page.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not space.list.entries)
    assert pretrainings.list_pretrainings(context.home) == []
    assert space.stack.currentWidget() is space.data
