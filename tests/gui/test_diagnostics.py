from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from medtransfer import logs
from medtransfer.errors import DataError
from medtransfer.gui.background import Job, State
from medtransfer.gui.context import Context
from medtransfer.gui.diagnostics import DiagnosticsDialog, trace_of
from medtransfer.gui.log_view import LogModel, LogView

NAME = "Doe^Jane"


def read_a_patient(_job: Job) -> None:
    raise DataError(f"cannot read {NAME}", code="study.truncated", hint="", subject=f"/data/{NAME}/1.dcm") from OSError(
        f"/data/{NAME}/1.dcm"
    )


def test_what_is_copied_holds_no_patient_and_no_path(context: Context, qtbot: QtBot) -> None:
    logs.configure(context.home.logs)
    logs.event("study.opened", kind=f"/data/{NAME}")
    (context.home.root / "session.json").write_text(f'{{"studies": "/data/{NAME}"}}', encoding="utf-8")
    job = context.background.run(f"Opening {NAME}", read_a_patient)
    qtbot.waitUntil(lambda: job.state is State.FAILED)
    dialog = DiagnosticsDialog(context)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog.copy.isEnabled)
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    for wanted in ("medtransfer 0", "Qt 6", "setting theme = dark", "plug-in test.echo", "study.truncated", "withheld"):
        assert wanted in text
    for secret in (NAME, "Jane", "/data", str(context.home.root), str(Path.home()) + "/"):
        assert secret not in text


def test_a_trace_says_where_and_not_what() -> None:
    try:
        read_a_patient(Job("x"))
    except DataError as error:
        text = trace_of(error)
    assert "DataError study.truncated" in text
    assert "OSError" in text
    assert "read_a_patient" in text
    assert NAME not in text
    assert "/" not in text


def test_the_log_view_follows_the_log(context: Context, qtbot: QtBot) -> None:
    logs.configure(context.home.logs)
    logs.event("analysis.done", plugin="test.echo", duration_s=1.5)
    view = LogView(context.home.logs)
    qtbot.addWidget(view)
    view.show()
    assert [view.model.index(0, column).data() for column in (1, 2)] == [
        "analysis.done",
        "plugin test.echo  duration_s 1.5",
    ]
    logs.event("learn.done", plugin="test.echo")
    qtbot.waitUntil(lambda: view.model.rowCount() == 2, timeout=3000)


def test_the_log_is_shown_rounded_and_without_whole_hashes(tmp_path: Path, context: Context) -> None:
    logs.configure(tmp_path)
    logs.event("analysis.done", model="0123456789ab" + "0" * 52, duration_s=4.77484153000114)
    model = LogModel(tmp_path)
    assert model.refresh()
    assert model.index(0, 2).data() == "model 0123456789ab\u2026  duration_s 4.77"


def test_what_is_no_event_is_left_out(tmp_path: Path, context: Context) -> None:
    logs.configure(tmp_path)
    logs.event("a.b")
    [file] = tmp_path.glob("*.jsonl")
    with file.open("ab") as stream:
        stream.write(b"\xff\n{}\n[1]\n3\nhalf a li")
    model = LogModel(tmp_path)
    assert model.refresh()
    assert model.rowCount() == 1
    assert not model.refresh()
