from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medtransfer.errors import MedTransferError, PluginError, UserError
from medtransfer.gui import jobs_panel
from medtransfer.gui.background import ENDED_KEPT, Job, State
from medtransfer.gui.context import Context
from medtransfer.gui.jobs_panel import JobsPanel, duration, seconds_left, state_in_words
from tests.gui.conftest import WindowMaker
from tests.gui.spaces import fakes


@pytest.fixture
def panel(context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> JobsPanel:
    monkeypatch.setattr(jobs_panel, "BRIEF_S", 0.0)
    made = JobsPanel(context.background)
    qtbot.addWidget(made)
    made.resize(600, 220)
    made.show()
    return made


def stoppable(job: Job) -> None:
    job.on_progress("epoch 3 of 12", 0.25, {})
    job.cancelled.wait(30)
    raise UserError("stopped as you asked", code="job.cancelled", hint="")


def test_a_job_is_shown_and_stopped_by_the_keyboard(panel: JobsPanel, context: Context, qtbot: QtBot) -> None:
    job = context.background.run("Training", stoppable)
    qtbot.waitUntil(lambda: panel.stop.isEnabled() and job.fraction is not None)
    assert "epoch 3 of 12 · 25%" in str(panel.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole))
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_Delete)
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: job.state is State.STOPPED)
    panel.refresh()
    assert not panel.stop.isEnabled()
    assert state_in_words(job).startswith("stopped after")


def test_a_failure_is_said_with_what_to_do(panel: JobsPanel, context: Context, qtbot: QtBot) -> None:
    def fail(_job: Job) -> None:
        raise PluginError("the worker died", code="worker.died", hint="Try again.")

    job = context.background.run("Analysing", fail)
    qtbot.waitUntil(lambda: job.state is State.FAILED)
    panel.refresh()
    assert state_in_words(job) == "failed: the worker died"
    assert "Try again." in panel.details.text()


def test_a_bug_in_a_job_becomes_an_error_of_its_own(context: Context, qtbot: QtBot) -> None:
    heard: list[MedTransferError] = []
    job = context.background.run("Reading", lambda _job: 1 / 0, failed=heard.append)
    qtbot.waitUntil(lambda: job.state is State.FAILED)
    assert [error.code for error in heard] == ["bug.background"]
    assert isinstance(heard[0].__cause__, ZeroDivisionError)


def test_brief_work_is_not_shown(context: Context, qtbot: QtBot) -> None:
    made = JobsPanel(context.background)
    qtbot.addWidget(made)
    job = context.background.run("Reading a header", lambda _job: None)
    qtbot.waitUntil(lambda: job.state is State.DONE)
    made.refresh()
    assert made.model.rowCount() == 0
    assert not made.empty.isHidden()


def test_ended_jobs_are_forgotten_in_time(context: Context, qtbot: QtBot) -> None:
    held = threading.Event()
    first = context.background.run("Long", lambda _job: held.wait(30))
    for _ in range(ENDED_KEPT + 20):
        job = context.background.run("Short", lambda _job: None)
        qtbot.waitUntil(lambda job=job: job.state is State.DONE)  # type: ignore[misc]
    assert first in context.background.jobs
    assert len(context.background.jobs) <= ENDED_KEPT + 2
    held.set()
    qtbot.waitUntil(lambda: first.state is State.DONE)


def test_the_time_left_follows_the_pace() -> None:
    job = Job("Training")
    job.started = time.monotonic() - 30
    assert seconds_left(job) is None
    job.fraction = 0.25
    left = seconds_left(job)
    assert left is not None
    assert left == pytest.approx(90, abs=1)
    assert state_in_words(job).endswith("about 2 min left")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (42, "42 s"), (150, "2 min"), (600, "10 min"), (7800, "2 h 10 min")]
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_ctrl_j_shows_and_hides_the_panel(make_window: WindowMaker, qtbot: QtBot) -> None:
    window = make_window(fakes())
    qtbot.wait(1)
    qtbot.keyClick(window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert window.drawer.page() == "jobs"
    qtbot.mouseClick(window.status.jobs, Qt.MouseButton.LeftButton)
    assert window.drawer.page() is None


def test_the_status_bar_counts_the_jobs(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    window = make_window(fakes())
    jobs = [context.background.run("Training", stoppable) for _ in range(2)]
    assert window.status.jobs.text() == "2 jobs running"
    jobs[0].cancel()
    qtbot.waitUntil(lambda: window.status.jobs.text() == "1 job running")
    jobs[1].cancel()
    qtbot.waitUntil(lambda: window.status.jobs.text() == "Jobs")
