"""What the window lives through: dead and deaf workers, a full disk, and its own sudden end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QWidget

from medtransfer.errors import EnvironmentFailure
from medtransfer.gui.read import pdf
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.work import models, verdicts
from tests.conftest import ROOT, BundleMaker, PictureMaker, TableMaker
from tests.journeys.conftest import DeskMaker
from tests.journeys.desk import Desk

# The program itself, in a process of its own: it opens a picture, analyses it, judges, and teaches until it is killed.
VICTIM = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from medtransfer.gui import app, restoring
from medtransfer.store.home import Home
picture, table = map(Path, sys.argv[1:])
begin = restoring.begin
steps = []
def step():
    if steps and steps[0]():
        steps.pop(0)
def begin_and_work(window, wanted):
    begin(window, wanted)
    window.open_paths([picture])
    read = window.spaces[0]._space
    def analyse():
        if read.reading.image is None or read.analyse_panel.chosen is None:
            return False
        panel = read.analyse_panel
        panel.plugin.setCurrentIndex(panel.plugin.findData("test.echo"))
        panel.analyse.click()
        return True
    def judge():
        if read.reading.shown is None:
            return False
        read.result_panel.verdict.press("unsure")
        window.show_space("learn")
        return True
    def choose():
        data = window.spaces[1]._space.data
        if data.plugins.findData("test.trouble") < 0:
            return False
        data.plugins.setCurrentIndex(data.plugins.findData("test.trouble"))
        data.choose(table)
        return True
    def teach():
        learn = window.spaces[1]._space
        if not learn.data.go_on.isEnabled():
            return False
        learn.data.go_on.click()
        learn.recipe.start.click()
        return True
    steps.extend([analyse, judge, choose, teach])
    window.steps = QTimer(window, interval=30)
    window.steps.timeout.connect(step)
    window.steps.start()
restoring.begin = begin_and_work
app.run(Home.locate())
"""


def workers() -> list[psutil.Process]:
    """Return the worker processes of this test."""
    return [child for child in psutil.Process().children(recursive=True) if child.is_running()]


def words(widget: QWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def begin_training(desk: Desk, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teach ``test.trouble`` slowly, until its third epoch."""
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.3")
    desk.click(desk.window.top_bar.tabs["learn"])
    space = desk.learn
    desk.until(lambda: space.data.plugins.findData("test.trouble") >= 0)
    space.data.plugins.setCurrentIndex(space.data.plugins.findData("test.trouble"))
    space.data.choose(table)
    desk.until(space.data.go_on.isEnabled)
    desk.click(space.data.go_on)
    desk.click(space.recipe.start)
    desk.until(lambda: space.training.stage.text().startswith("Epoch 3"))
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.01")


def finish_training(desk: Desk) -> None:
    """Press what offers to go on, and see that the model is that of one training in two processes."""
    desk.click(desk.learn.training.resume)
    desk.until(lambda: desk.learn.stack.currentWidget() is desk.learn.report)
    desk.rest()
    trained = desk.learn.report.trained
    assert trained is not None
    epochs = trained.bundle.card.extra["epochs"]
    assert (len(epochs), len(set(epochs))) == (8, 2)


def open_for(desk: Desk, plugin: str, picture: Path) -> None:
    desk.drop(picture)
    desk.until(lambda: desk.window.spaces[0].loaded and desk.read.reading.image is not None)
    desk.rest()
    panel = desk.read.analyse_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData(plugin))


def test_a_worker_killed_while_it_learns_is_said_and_the_training_goes_on(
    sit_down: DeskMaker, make_table: TableMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sit_down()
    begin_training(desk, make_table(tmp_path / "clinic"), monkeypatch)
    for worker in workers():
        worker.kill()
    desk.until(desk.learn.training.resume.isVisible)
    assert "ended unexpectedly" in words(desk.learn.training)
    assert "is kept" in words(desk.learn.training)
    finish_training(desk)


def test_a_worker_killed_while_it_analyses_is_said_and_the_next_one_answers(
    sit_down: DeskMaker,
    home: Home,
    make_bundle: BundleMaker,
    make_picture: PictureMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models.import_bundle(home.prepare(), make_bundle("test.trouble"), "slow")
    monkeypatch.setenv("TROUBLE_ANALYSE_S", "60")
    desk = sit_down()
    open_for(desk, "test.trouble", make_picture(tmp_path / "a.png"))
    before = workers()  # one of the test before may still be on its way out
    desk.click(desk.read.analyse_panel.analyse)
    desk.until(lambda: any(worker not in before for worker in workers()))
    monkeypatch.setenv("TROUBLE_ANALYSE_S", "0")
    desk.qtbot.wait(300)
    for worker in workers():
        worker.kill()
    panel = desk.read.analyse_panel
    desk.until(panel.trouble.isVisible)
    assert "ended unexpectedly" in panel.trouble.accessibleName()
    desk.rest()
    desk.click(desk.button(panel.trouble, "Try again"))
    desk.until(lambda: desk.read.reading.shown is not None)


def test_a_full_disk_keeps_no_half_report_and_says_so(
    sit_down: DeskMaker,
    home: Home,
    make_bundle: BundleMaker,
    make_picture: PictureMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    models.import_bundle(home.prepare(), make_bundle("test.echo"), "clinic")
    desk = sit_down()
    open_for(desk, "test.echo", make_picture(tmp_path / "a.png"))
    desk.click(desk.read.analyse_panel.analyse)
    desk.until(lambda: desk.read.reading.shown is not None)
    desk.rest()
    monkeypatch.setattr(pdf, "write", full)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "report.pdf"), ""))
    desk.click(desk.button(desk.read.result_panel, "PDF report"))
    trouble = desk.read.result_panel.saving.trouble
    desk.until(trouble.isVisible)
    assert "report could not be written" in trouble.accessibleName()
    assert "free some space" in trouble.accessibleName()
    assert not (tmp_path / "report.pdf").exists()


def test_a_full_disk_during_an_analysis_is_said_and_nothing_is_left_of_it(
    sit_down: DeskMaker,
    home: Home,
    make_bundle: BundleMaker,
    make_picture: PictureMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise EnvironmentFailure("the disk is full", code="disk.full", hint="Free some space and try again.")

    models.import_bundle(home.prepare(), make_bundle("test.echo"), "clinic")
    desk = sit_down()
    open_for(desk, "test.echo", make_picture(tmp_path / "a.png"))
    with monkeypatch.context() as disk:
        disk.setattr("medtransfer.work.delivery.write_text", full)
        desk.click(desk.read.analyse_panel.analyse)
        desk.until(desk.read.analyse_panel.trouble.isVisible)
        assert "disk is full" in desk.read.analyse_panel.trouble.accessibleName()
        desk.rest()
    assert desk.read.reading.shown is None
    desk.click(desk.button(desk.read.analyse_panel.trouble, "Try again"))
    desk.until(lambda: desk.read.reading.shown is not None)


def test_a_window_closed_while_training_asks_and_goes_on_at_the_next_start(
    sit_down: DeskMaker, make_table: TableMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sit_down()
    begin_training(desk, make_table(tmp_path / "clinic"), monkeypatch)
    asked: list[str] = []

    def agree() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.informativeText())
        next(button for button in box.buttons() if button.text() == "Stop and close").click()

    QTimer.singleShot(0, agree)
    desk.leave()
    assert "A training is running." in asked[0]

    again = sit_down()
    again.until(lambda: any("can go on" in text for text in again.window.banners.texts()))
    again.click(again.button(again.window.banners, "Go to Learn"))
    again.until(again.learn.training.resume.isVisible)
    finish_training(again)


@pytest.mark.skipif(sys.platform == "win32", reason="a killed window's worker is ended differently on Windows")
def test_after_kill_9_the_picture_the_answer_the_verdict_and_the_training_are_back(
    sit_down: DeskMaker,
    home: Home,
    make_bundle: BundleMaker,
    make_picture: PictureMaker,
    make_table: TableMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models.import_bundle(home.prepare(), make_bundle("test.echo"), "clinic")
    picture, table = make_picture(tmp_path / "eye.png"), make_table(tmp_path / "clinic")
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.5")
    order = [sys.executable, "-c", VICTIM, str(picture), str(table)]
    with subprocess.Popen(order, cwd=ROOT, env=dict(os.environ)) as victim:
        try:
            _wait_until(lambda: _epochs(home) >= 3 and _journal_names_the_training(home))
        finally:
            children = psutil.Process(victim.pid).children(recursive=True)
            victim.kill()
    _wait_until(lambda: not any(child.is_running() for child in children))
    before = _epochs(home)
    assert 3 <= before < 8

    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.01")
    desk = sit_down()
    assert desk.window.current == "learn"
    desk.until(lambda: len(desk.window.banners.texts()) == 2)
    desk.click(desk.window.top_bar.tabs["read"])
    desk.until(lambda: desk.read.reading.shown is not None)
    desk.rest()
    shown, entry = desk.read.reading.shown, desk.read.reading.entry
    assert shown is not None
    assert entry is not None
    assert entry.series.source.names == ("eye.png",)
    assert verdicts.of_result(home, shown.folder) == {"bright": "unsure"} == shown.verdicts
    desk.click(desk.window.top_bar.tabs["learn"])
    desk.until(desk.learn.training.resume.isVisible)
    finish_training(desk)
    assert registry.list_models(home)[0].reference == "clinic@1"


def _epochs(home: Home) -> int:
    records = list(home.jobs.glob("*/checkpoints/epochs.txt"))
    return len(records[0].read_text().split()) if records else 0


def _journal_names_the_training(home: Home) -> bool:
    journal = home.root / "session.json"
    return journal.exists() and '"training": ' in journal.read_text(encoding="utf-8")


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
