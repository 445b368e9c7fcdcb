"""The list of structures: find, show and hide, undo, go to."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QListView, QMenu
from pytestqt.qtbot import QtBot

from medtransfer.gui.read.structures import Structures
from medtransfer.result.model import Structure
from tests.gui.read.conftest import Reader

NAMES = ("Liver", "Spleen", "Left kidney", "Right kidney", "Left deep muscle of back", "Aorta")


def structure(value: int, name: str) -> Structure:
    label = name.lower().replace(" ", "_")
    size = 2000.0 / value
    return Structure(label=label, name=name, value=value, volume_ml=size, mean_hu=-30.4, sd_hu=12.0, code="10200004")


FOUND = [structure(value, name) for value, name in enumerate(NAMES, start=1)]


@pytest.fixture
def undo(qtbot: QtBot) -> QUndoStack:
    return QUndoStack()


@pytest.fixture
def listed(qtbot: QtBot, undo: QUndoStack) -> Structures:
    """The list, the largest structure first."""
    made = Structures(undo)
    qtbot.addWidget(made)
    made.show_structures([*FOUND, Structure(label="brain", name="Brain", value=9, volume_ml=0.0)])
    made.show()
    return made


def rows(listed: Structures) -> list[str]:
    model = listed.view.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def shown(listed: Structures) -> set[str]:
    visible = listed.model.visible_values()
    return {name for value, name in enumerate(NAMES, start=1) if value in visible}


def test_rows_say_everything_by_eye_and_ear(listed: Structures) -> None:
    assert rows(listed) == list(NAMES)
    first = listed.view.model().index(0, 0)
    assert first.data(Qt.ItemDataRole.AccessibleTextRole) == "Liver, 2,000 ml \u00b7 \u221230 HU, shown"
    tip = first.data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "Liver\n2,000 ml \u00b7 \u221230 HU \u00b1 12 (SD over its voxels)\nSNOMED CT 10200004"
    for button, name in ((listed.all, "Show all structures"), (listed.none, "Hide all structures")):
        assert button.accessibleName() == name
    assert listed.only.accessibleName() == "Show only the selected structure"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("kid", ["Left kidney", "Right kidney"]),
        ("kidney left", ["Left kidney"]),
        ("L K", ["Left kidney"]),
        ("  ", list(NAMES)),
        ("idney", []),
    ],
)
def test_words_find_structures_in_any_order(listed: Structures, typed: str, kept: list[str]) -> None:
    listed.search.setText(typed)
    assert rows(listed) == kept
    assert listed.nothing.isVisible() == (not kept)


def test_all_none_and_one_are_shown_by_the_buttons_and_undone(
    qtbot: QtBot, listed: Structures, undo: QUndoStack
) -> None:
    assert [button.isEnabled() for button in (listed.all, listed.none, listed.only)] == [False, True, False]
    listed.select("spleen")
    with qtbot.waitSignal(listed.visible_changed):
        listed.only.click()
    assert shown(listed) == {"Spleen"}
    qtbot.keyClick(listed.view, Qt.Key.Key_Space)
    assert shown(listed) == set()
    assert [button.isEnabled() for button in (listed.all, listed.none)] == [True, False]
    undo.undo()
    assert shown(listed) == {"Spleen"}
    undo.undo()
    assert shown(listed) == set(NAMES)
    assert not undo.canUndo()
    undo.redo()
    assert shown(listed) == {"Spleen"}
    listed.all.click()
    assert shown(listed) == set(NAMES)


def test_a_search_narrows_what_is_hidden_and_shown(listed: Structures) -> None:
    listed.search.setText("kidney")
    listed.none.click()
    assert shown(listed) == set(NAMES) - {"Left kidney", "Right kidney"}
    assert [button.isEnabled() for button in (listed.all, listed.none)] == [True, False]
    listed.search.setText("left")
    listed.all.click()
    assert shown(listed) == set(NAMES) - {"Right kidney"}


def test_what_is_hidden_stays_so_for_this_patient_and_not_for_the_next(listed: Structures) -> None:
    listed.model.hide(FOUND[:2])
    listed.show_structures(FOUND)  # explained, or analysed once more
    assert shown(listed) == set(NAMES[2:])
    listed.model.forget()
    listed.show_structures(FOUND)
    assert shown(listed) == set(NAMES)


def test_columns_are_headed_where_they_have_figures(listed: Structures) -> None:
    heads = listed._heads
    assert [head.text() for head in heads.values()] == ["ml", "HU"]
    listed.show_structures([one.model_copy(update={"mean_hu": None}) for one in FOUND])
    assert [head.text() for head in heads.values()] == ["ml", ""]


def selected(reader: Reader, row: int) -> QListView:
    view = reader.space.result_panel.structures.view
    view.setCurrentIndex(view.model().index(row, 0))
    view.setFocus()
    return view


def test_keys_show_hide_undo_and_go_there(reader: Reader, ct_file: Path) -> None:
    assert not reader.context.commands.get("read.structures.all").enabled()
    reader.open(ct_file)
    reader.analyse()
    view, grid = selected(reader, 2), reader.space.viewer.grid
    drawn = []
    for key, modifier in (("S", None), ("H", None), ("A", None), ("Z", "ctrl"), ("Z", "ctrl")):
        held = Qt.KeyboardModifier.ControlModifier if modifier else Qt.KeyboardModifier.NoModifier
        reader.qtbot.keyClick(view, getattr(Qt.Key, f"Key_{key}"), held)
        layer = grid.views[0].segmentation
        assert layer is not None
        drawn.append(sorted(layer.visible))
    assert drawn == [[3], [], [1, 2, 3], [], [3]]

    grid.views[0].set_slice(0)
    reader.qtbot.keyClick(view, Qt.Key.Key_G)
    reader.rest()
    assert grid.views[0].index in {3, 4}  # where the bone is

    reader.space.regions.hide()  # another space is shown
    assert not reader.context.commands.run("read.structures.all")
    assert not reader.context.commands.run("read.structures.go")


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_row_has_a_menu_of_what_can_be_done(reader: Reader, ct_file: Path) -> None:
    reader.open(ct_file)
    reader.analyse()
    view = selected(reader, 1)
    view.customContextMenuRequested.emit(QPoint(5, 40))
    menu = view.findChildren(QMenu)[-1]
    assert [action.text() for action in menu.actions()] == [
        "Go to the structure",
        "Show only this structure",
        "Show all structures",
        "Hide all structures",
    ]
    menu.actions()[1].trigger()
    menu.close()
    layer = reader.space.viewer.grid.views[0].segmentation
    assert layer is not None
    assert layer.visible == {2}
