from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from medtransfer.errors import EnvironmentFailure
from medtransfer.gui import session
from medtransfer.gui.context import Context
from medtransfer.gui.restoring import Wanted, begin
from medtransfer.gui.session import FILE, Journal
from medtransfer.gui.welcome import Welcome
from medtransfer.gui.window import MainWindow
from medtransfer.store.database import connection
from tests.gui.conftest import WindowMaker
from tests.gui.spaces import fakes

ROOT = Path(__file__).resolve().parents[2]
# A window in a process of its own, with a study "open" and a training on record, until it is killed.
VICTIM = """
from medtransfer.gui import app, window
from medtransfer.store import jobs
from medtransfer.store.home import Home
from PySide6.QtCore import QTimer
from tests.gui.spaces import fakes
spaces = fakes()
window.declared = lambda context: spaces
from medtransfer.gui import restoring
begin = restoring.begin
def begin_and_open(shown, wanted):
    begin(shown, wanted)
    shown.show_space("read")
    spaces[0].line.setText("left eye of a patient")
    shown.show_space("learn")
restoring.begin = begin_and_open
home = Home.locate().prepare()
with jobs.running(home, "learn-1", "learn", "test.echo"):
    app.run(home)
"""


def until_written(path: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    raise AssertionError("the journal was not written")


def end(window: MainWindow) -> None:
    if window.journal is not None:
        window.journal.save(closed=True)
        window.journal = None


def test_everything_is_back_after_kill_9(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    journal = context.home.root / FILE
    with subprocess.Popen([sys.executable, "-c", VICTIM], cwd=ROOT, env=dict(os.environ)) as victim:
        try:
            until_written(journal, "left eye")
        finally:
            victim.kill()
    spaces = fakes()
    window = make_window(spaces)
    begin(window, Wanted())
    assert spaces[0].line.text() == "left eye of a patient"
    assert window.current == "learn"
    qtbot.waitUntil(lambda: len(window.banners.texts()) == 2)
    assert window.banners.texts() == [
        "The window ended without being closed. What was open is back.",
        "A training is unfinished and can go on where it stopped.",
    ]
    window.show_space("models")
    button = next(it for it in window.banners.findChildren(QPushButton) if it.text() == "Go to Learn")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.current == "learn"
    assert len(window.banners.texts()) == 1
    end(window)


def test_a_closed_window_comes_back_without_a_word(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    first = fakes()
    window = make_window(first)
    begin(window, Wanted())
    first[0].line.setText("a study")
    window.show_space("models")
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert json.loads((context.home.root / FILE).read_text(encoding="utf-8"))["closed"] is True
    journal = Journal(context.home.root, dict)
    assert journal.read()["spaces"]["read"] == {"text": "a study"}
    assert journal.read()["space"] == "models"


def test_the_first_start_shows_the_welcome_page(make_window: WindowMaker) -> None:
    window = make_window(fakes())
    begin(window, Wanted())
    assert isinstance(window.stack.currentWidget(), Welcome)
    assert window.banners.texts() == []
    end(window)


def test_paths_and_a_result_are_handed_to_the_reading_space(
    make_window: WindowMaker, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    window = make_window(fakes())
    with qtbot.waitSignals([context.events.open_paths, context.events.show_result]):
        begin(window, Wanted([tmp_path / "a.png"], tmp_path / "result"))
    assert window.current == "read"
    end(window)


def test_after_several_crashes_in_a_row_nothing_is_opened_by_itself(
    make_window: WindowMaker, context: Context, qtbot: QtBot
) -> None:
    state = {
        "format": 1,
        "closed": False,
        "attempts": 2,
        "space": "read",
        "spaces": {"read": {"text": "the study that crashes"}},
    }
    (context.home.root / FILE).write_text(json.dumps(state), encoding="utf-8")
    spaces = fakes()
    window = make_window(spaces)
    begin(window, Wanted())
    assert spaces[0].line.text() == ""
    assert "left closed" in window.banners.texts()[0]
    button = next(it for it in window.banners.findChildren(QPushButton) if "all the same" in it.text())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert spaces[0].line.text() == "the study that crashes"
    end(window)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 99}', "\x00\xff", '{"format": 1, "spaces": 3, "geometry": 4, "space": []}'],
)
def test_a_damaged_journal_does_not_keep_the_window_from_starting(
    make_window: WindowMaker, context: Context, text: str
) -> None:
    (context.home.root / FILE).write_text(text, encoding="utf-8")
    window = make_window(fakes())
    begin(window, Wanted())
    assert window.isVisible()
    end(window)


def test_the_journal_is_written_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    written = []
    monkeypatch.setattr(session, "write_text", lambda _path, text: written.append(text))
    state = {"space": "read"}
    journal = Journal(tmp_path, lambda: state)
    journal.start(0)
    journal.look()
    state["space"] = "learn"
    journal.look()
    journal.save(closed=True)
    assert [json.loads(text)["space"] for text in written] == ["read", "learn", "learn"]


def test_a_full_disk_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    def full(_path: Path, _text: str) -> None:
        raise EnvironmentFailure("the disk is full", code="disk.full", hint="")

    monkeypatch.setattr(session, "write_text", full)
    said: list[str] = []
    numbers = iter(range(10))
    journal = Journal(tmp_path, lambda: {"space": next(numbers)})
    journal.failed.connect(said.append)
    journal.start(0)
    journal.look()
    journal.save(closed=True)
    qtbot.waitUntil(lambda: bool(said))
    assert len(said) == 1
    assert "disk full" in said[0]


def test_a_finished_training_is_not_offered(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    with connection(context.home) as database:
        database.execute(
            "INSERT INTO jobs (id, verb, plugin, state, pid, pid_started, created, updated)"
            " VALUES ('learn-2', 'learn', 'test.echo', 'done', 1, 0, '2026', '2026')"
        )
    window = make_window(fakes())
    begin(window, Wanted())
    qtbot.waitUntil(lambda: not context.background.running())
    assert window.banners.texts() == []
    end(window)
