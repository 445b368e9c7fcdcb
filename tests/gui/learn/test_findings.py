"""Choosing what to learn, with the mouse and with the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medtransfer.gui.context import Context
from medtransfer.gui.learn.cases import CHOOSE, NONE, CasesView
from medtransfer.gui.learn.findings import FindingsTable
from medtransfer.gui.learn.space import LearnSpace
from medtransfer.work import trainings
from tests.conftest import TableMaker

LONG_MS = 30_000


@pytest.fixture
def space(context: Context, qtbot: QtBot) -> Iterator[LearnSpace]:
    made = LearnSpace(context)
    widget = made.widget()
    qtbot.addWidget(widget)
    widget.resize(1389, 800)
    widget.show()
    qtbot.waitUntil(lambda: made.data.plugins.findData("test.echo") >= 0)
    made.data.plugins.setCurrentIndex(made.data.plugins.findData("test.echo"))
    yield made
    qtbot.waitUntil(lambda: not context.background.running(), timeout=LONG_MS)


@pytest.fixture
def table(tmp_path: Path, make_table: TableMaker) -> Path:
    return make_table(tmp_path / "clinic")


def make_rare(table: Path) -> None:
    """Leave two patients with the label ``dark``."""
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    rare = [f"{row.rpartition(',')[0]},{int(number < 4)}" for number, row in enumerate(rows)]
    table.write_text("\n".join([head, *rare]) + "\n", encoding="utf-8")


def look(space: LearnSpace, table: Path, qtbot: QtBot) -> CasesView:
    space.data.choose(table)
    qtbot.waitUntil(lambda: space.data.cases is not None, timeout=LONG_MS)
    assert space.data.cases is not None
    return space.data.cases


def box_of(table: FindingsTable, row: int) -> QPoint:
    """Return where the box of a row is."""
    area = table.visualRect(table.model().index(row, 0))
    return QPoint(area.left() + 14, area.center().y())


def click(table: FindingsTable, place: QPoint, qtbot: QtBot) -> None:
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def shown_texts(view: CasesView) -> list[str]:
    return [label.text() for label in view.findChildren(QLabel) if label.isVisible()]


def test_every_finding_is_listed_with_its_counts_and_ticked(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    model = look(space, table, qtbot).findings.findings
    shown = [[model.index(row, column).data() for column in range(5)] for row in range(model.rowCount())]
    assert shown == [
        ["Bright", "24", "24", "0", "12 with, 12 without"],
        ["Dark", "24", "24", "0", "12 with, 12 without"],
    ]
    assert model.chosen() == ("bright", "dark")
    assert space.data.go_on.isEnabled()


def test_what_cannot_be_learnt_is_unticked_with_its_reason_and_cannot_be_ticked(
    space: LearnSpace, table: Path, qtbot: QtBot
) -> None:
    make_rare(table)
    view = look(space, table, qtbot)
    model = view.findings.findings
    assert model.chosen() == ("bright",)
    assert model.index(1, 5).data() == "2 patients with it; 6 are needed."
    assert model.index(1, 0).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked
    click(view.findings, box_of(view.findings, 1), qtbot)
    view.findings.setFocus()
    view.findings.selectRow(1)
    qtbot.keyClick(view.findings, Qt.Key.Key_Space)
    assert model.chosen() == ("bright",)
    assert space.data.go_on.isEnabled()
    assert not any("must be mended" in text.casefold() for text in shown_texts(view))
    spoken = model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "cannot be learnt" in spoken
    assert "6 are needed" in spoken


def test_a_click_leaves_a_finding_out_and_another_takes_it_back(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    view = look(space, table, qtbot)
    click(view.findings, box_of(view.findings, 0), qtbot)
    assert not space.data.go_on.isEnabled()
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    assert space.data.wish is not None
    assert list(space.data.wish.labels) == ["dark"]
    assert view.split.table is not None
    assert [row[0] for row in view.split.table.cells()] == ["Dark"]
    assert view.left_out == ("Bright",)
    name = view.findings.visualRect(view.findings.model().index(0, 3)).center()  # anywhere on the row
    click(view.findings, name, qtbot)
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    assert list(space.data.wish.labels) == ["bright", "dark"]
    assert [row[0] for row in view.split.table.cells()] == ["Bright", "Dark"]


def test_the_space_bar_ticks_the_row_that_the_arrows_went_to(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    view = look(space, table, qtbot)
    view.findings.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(view.findings.hasFocus)
    qtbot.keyClick(view.findings, Qt.Key.Key_Down)
    assert view.findings.currentIndex().row() == 1
    qtbot.keyClick(view.findings, Qt.Key.Key_Space)
    assert view.chosen == ("bright",)
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    assert view.findings.hasFocus()


def test_nothing_ticked_is_said_and_nothing_can_be_learnt(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    view = look(space, table, qtbot)
    for row in (0, 1):
        click(view.findings, box_of(view.findings, row), qtbot)
    qtbot.waitUntil(lambda: CHOOSE in shown_texts(view))
    assert not space.data.go_on.isEnabled()
    click(view.findings, box_of(view.findings, 1), qtbot)
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    assert CHOOSE not in shown_texts(view)


def test_where_nothing_can_be_learnt_every_reason_is_said(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([head, *(f"{row[:-3]}1,0" for row in rows)]), encoding="utf-8")
    view = look(space, table, qtbot)
    assert view.chosen == ()
    qtbot.waitUntil(lambda: NONE in shown_texts(view))
    assert not space.data.go_on.isEnabled()


def test_the_choice_is_what_is_learnt_and_five_clicks_still_do(
    space: LearnSpace, context: Context, table: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rare(table)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    ask = next(b for b in space.data.findChildren(QPushButton) if b.text().startswith("Choose a table"))
    qtbot.mouseClick(ask, Qt.MouseButton.LeftButton)  # first; the file in the system's dialog is the second
    qtbot.waitUntil(space.data.go_on.isEnabled, timeout=LONG_MS)
    qtbot.mouseClick(space.data.go_on, Qt.MouseButton.LeftButton)
    assert any("Left out: Dark." in label.text() for label in space.recipe.findChildren(QLabel))
    qtbot.mouseClick(space.recipe.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.report, timeout=LONG_MS)
    trained = space.report.trained
    assert trained is not None
    assert [label.id for label in trained.bundle.card.labels] == ["bright"]
    with qtbot.waitSignal(context.events.models_changed, timeout=LONG_MS):
        qtbot.mouseClick(space.report.publish, Qt.MouseButton.LeftButton)  # the fifth
    (training,) = trainings.list_trainings(context.home)
    assert training.wish.labels == ("bright",)


def test_a_screen_reader_hears_the_state_of_every_box(space: LearnSpace, table: Path, qtbot: QtBot) -> None:
    view = look(space, table, qtbot)
    model = view.findings.findings
    click(view.findings, box_of(view.findings, 0), qtbot)
    spoken = [model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in (0, 1)]
    assert ["left out" in spoken[0], "to be learnt" in spoken[1]] == [True, True]
    interface = QAccessible.queryAccessibleInterface(view.findings)
    assert "Space" in interface.text(QAccessible.Text.Name)
