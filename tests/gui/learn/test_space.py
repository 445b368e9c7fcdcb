from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medtransfer.gui.context import Context
from medtransfer.gui.learn.cases import CasesView
from medtransfer.gui.learn.space import LearnSpace
from medtransfer.gui.learn.training import Curves
from medtransfer.store import models as registry
from medtransfer.work import learners, trainings
from medtransfer.work.planning import Wish
from tests.conftest import TableMaker

LONG_MS = 30_000
Shown = Callable[[], LearnSpace]


@pytest.fixture
def shown(context: Context, qtbot: QtBot) -> Iterator[Shown]:
    """Show a learning space that learns with the plug-in ``test.echo``, whatever else is installed."""

    def show() -> LearnSpace:
        space = LearnSpace(context)
        widget = space.widget()
        qtbot.addWidget(widget)
        widget.resize(1389, 800)
        widget.show()
        qtbot.waitUntil(lambda: space.data.plugins.count() > 0)
        _plugin(space, "test.echo")
        return space

    yield show
    qtbot.waitUntil(lambda: not context.background.running(), timeout=LONG_MS)


@pytest.fixture
def table(tmp_path: Path, make_table: TableMaker) -> Path:
    return make_table(tmp_path / "clinic")


class Clicks:
    """Counts what a person has to click."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.count = 0

    def __call__(self, button: QAbstractButton) -> None:
        assert button.isVisible()
        assert button.isEnabled()
        self._qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        self.count += 1


def _look(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    space.data.choose(table)
    qtbot.waitUntil(lambda: space.data.examination is not None, timeout=LONG_MS)


def _cases(space: LearnSpace) -> CasesView:
    assert space.data.cases is not None
    return space.data.cases


def _plugin(space: LearnSpace, plugin: str) -> None:
    space.data.plugins.setCurrentIndex(space.data.plugins.findData(plugin))


def _titles(space: LearnSpace) -> list[str]:
    return [entry.mark for entry in space.list.entries]


def test_from_a_table_to_a_published_model_in_at_most_five_clicks(
    shown: Shown, context: Context, table: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, click = shown(), Clicks(qtbot)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    ask = next(b for b in space.data.findChildren(QPushButton) if b.text().startswith("Choose a table"))
    click(ask)
    click.count += 1  # the file itself, in the system's dialog
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    click(space.data.go_on)
    click(space.recipe.start)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)
    assert registry.list_models(context.home) == []
    with qtbot.waitSignal(context.events.models_changed, timeout=LONG_MS):
        click(space.report.publish)
    assert click.count <= 5
    (model,) = registry.list_models(context.home)
    assert model.reference == "clinic@1"
    assert model.reference in space.report.state.text()
    assert not space.report.publish.isVisible()
    qtbot.waitUntil(lambda: _titles(space) == ["published as clinic@1"])


def test_cases_are_shown_with_their_split(shown: Shown, table: Path, qtbot: QtBot) -> None:
    space = shown()
    _look(space, table, qtbot)
    split = _cases(space).split
    assert split.table is not None
    assert [row[0] for row in split.table.cells()] == ["Bright", "Dark"]
    described = split.bar.accessibleName()
    examination = space.data.examination
    assert examination is not None
    assert examination.split is not None
    for part in ("train", "validation", "test"):
        cases = sum(value == part for value in examination.split.partitions.values())
        assert f"{part}: {cases} cases of {cases // 2} patients" in described  # two pictures of each


def test_problem_cases_are_shown_with_pictures_and_stop_the_person(shown: Shown, table: Path, qtbot: QtBot) -> None:
    (table.parent / "3.png").write_bytes(b"no picture")
    with table.open("a", encoding="utf-8") as stream:
        stream.write("7.png,patient 3,1,0\n")
    space = shown()
    _look(space, table, qtbot)
    assert not space.data.go_on.isEnabled()
    broken, repeated = (_cases(space).checks.pictures[table.parent / name][0] for name in ("3.png", "7.png"))
    qtbot.waitUntil(lambda: not repeated.pixmap().isNull())
    assert "cannot" in broken.text()
    said = [label.text() for label in _cases(space).checks.findChildren(type(broken))]
    assert any("Row 5." in text for text in said)
    assert "Must be mended" in said


def test_a_table_that_cannot_be_read_is_said_and_another_can_be_chosen(
    shown: Shown, tmp_path: Path, table: Path, qtbot: QtBot
) -> None:
    space = shown()
    space.data.choose(tmp_path / "nowhere.csv")
    qtbot.waitUntil(lambda: any("no such table" in label.text() for label in _labels(space)))
    _look(space, table, qtbot)
    assert space.data.go_on.isEnabled()


def _labels(space: LearnSpace) -> list[QLabel]:
    return list(space.data.findChildren(QLabel))


def test_each_preset_has_an_estimate_that_is_called_one(shown: Shown, table: Path, qtbot: QtBot) -> None:
    space = shown()
    _look(space, table, qtbot)
    space.data.go_on.click()
    qtbot.waitUntil(lambda: "machine" in space.recipe.cards["quick"].time.text() and bool(space.recipe.basis.text()))
    assert all(card.time.text().startswith("About") for card in space.recipe.cards.values())
    assert "stimate" in space.recipe.basis.text()
    assert space.recipe.recipe() == "standard"
    space.recipe.cards["standard"].radio.setFocus()
    qtbot.waitUntil(space.recipe.cards["standard"].radio.hasFocus)
    qtbot.keyClick(space.recipe.cards["standard"].radio, Qt.Key.Key_Up)
    assert space.recipe.recipe() == "quick"


def test_a_name_that_cannot_be_used_is_said_before_training(shown: Shown, table: Path, qtbot: QtBot) -> None:
    space = shown()
    _look(space, table, qtbot)
    space.data.go_on.click()
    space.recipe.name.clear()
    qtbot.keyClicks(space.recipe.name, "../x")
    assert not space.recipe.start.isEnabled()
    space.recipe.name.clear()
    qtbot.keyClicks(space.recipe.name, "eyes 2026")
    assert space.recipe.start.isEnabled()


def test_a_training_stops_and_goes_on(
    shown: Shown, context: Context, table: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.3")
    space, click = shown(), Clicks(qtbot)
    _plugin(space, "test.trouble")
    _look(space, table, qtbot)
    click(space.data.go_on)
    click(space.recipe.start)
    qtbot.waitUntil(lambda: space.training.stage.text().startswith("Epoch 3"), timeout=LONG_MS)
    click(space.training.stop)
    qtbot.waitUntil(space.training.resume.isVisible, timeout=LONG_MS)
    qtbot.waitUntil(lambda: _titles(space) == ["paused"])
    assert registry.list_models(context.home) == []
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.01")
    click(space.training.resume)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)
    trained = space.report.trained
    assert trained is not None
    assert len(set(trained.bundle.card.extra["epochs"])) == 2  # two processes, one training


def test_live_curves_follow_the_training(shown: Shown, table: Path, qtbot: QtBot) -> None:
    space = shown()
    _look(space, table, qtbot)
    space.data.go_on.click()
    space.recipe.start.click()
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)
    (curve,) = space.training.curves.plots["loss"].curves
    assert curve.points[-1] == pytest.approx((3.0, 1 / 3))
    assert all(loss == pytest.approx(1 / epoch) for epoch, loss in curve.points)


def test_only_what_is_worth_a_plot_is_drawn(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    for epoch in (1, 2):
        values = {"epoch": float(epoch), "score": 0.5, "validation_auroc": 0.5, "loss": 1.0 / epoch}
        curves.add(f"dr: epoch {epoch} of 3", values)
    assert {plot.accessibleName() for plot in curves.plots.values()} == {"AUROC on validation", "Training loss"}
    assert curves.plots["loss"].curves[0].points == ((1.0, 1.0), (2.0, 0.5))


def test_a_failed_training_says_what_happened_and_can_be_tried_again(
    shown: Shown, table: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_FULL_DISK", "1")
    space = shown()
    _plugin(space, "test.trouble")
    _look(space, table, qtbot)
    space.data.go_on.click()
    space.recipe.start.click()
    qtbot.waitUntil(space.training.resume.isVisible, timeout=LONG_MS)
    assert space.training.resume.text() == "Try again"
    qtbot.waitUntil(lambda: _titles(space) == ["could not go on"])
    assert any("disk is full" in label.text() for label in space.training.findChildren(type(space.training.stage)))
    monkeypatch.delenv("TROUBLE_FULL_DISK")
    space.training.resume.click()
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)


def test_an_interrupted_training_waits_in_another_window_to_be_resumed(
    shown: Shown, context: Context, table: Path, qtbot: QtBot
) -> None:
    training = trainings.begin(context.home, Wish("test.echo", table, name="left over"))
    space = shown()
    qtbot.waitUntil(lambda: _titles(space) == ["paused"])
    space.restore({"training": training.id})
    qtbot.waitUntil(space.training.resume.isVisible)
    assert space.state() == {"training": training.id}
    qtbot.mouseClick(space.training.resume, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)


def test_a_removed_training_leaves_the_list_and_its_folder(
    shown: Shown, context: Context, table: Path, qtbot: QtBot
) -> None:
    training = trainings.begin(context.home, Wish("test.echo", table, name="unwanted"))
    space = shown()
    qtbot.waitUntil(lambda: len(space.list.entries) == 1)
    space.show_training(training.id)
    qtbot.waitUntil(space.training.remove.isVisible)
    space.training.remove.click()
    qtbot.waitUntil(lambda: not space.list.entries)
    assert not training.folder.exists()


def test_without_a_plugin_that_learns_the_person_is_told(
    context: Context, qtbot: QtBot, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learners, "learners", lambda _home: [])
    space = LearnSpace(context)
    qtbot.addWidget(space.widget())
    space.data.choose(table)
    qtbot.waitUntil(lambda: any("no plug-in that can learn" in label.text() for label in _labels(space)))
