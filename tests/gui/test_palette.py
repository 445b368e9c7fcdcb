from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medtransfer.gui.context import Context
from medtransfer.gui.restoring import snapshot
from medtransfer.gui.search import Hit, Search
from medtransfer.gui.window import MainWindow
from medtransfer.store import models
from tests.conftest import BundleMaker
from tests.gui.conftest import WindowMaker
from tests.gui.spaces import fakes


def shown(window: MainWindow) -> list[str]:
    model = window.search.hits.model
    return [model.index(row).data() for row in range(model.rowCount())]


def test_ctrl_k_finds_and_runs_a_command(make_window: WindowMaker, qtbot: QtBot) -> None:
    spaces = fakes()
    window = make_window(spaces)
    spaces[0].line.setFocus()
    qtbot.keyClick(spaces[0].line, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.search.hasFocus()
    assert window.search.hits.isVisible()
    qtbot.keyClicks(window.search, "go to mod")
    assert shown(window) == ["Go to Models"]
    qtbot.keyClick(window.search, Qt.Key.Key_Return)
    assert window.current == "models"
    assert not window.search.hits.isVisible()


def test_escape_leads_back_to_where_one_was(make_window: WindowMaker, qtbot: QtBot) -> None:
    spaces = fakes()
    window = make_window(spaces)
    spaces[0].line.setFocus()
    window.search.begin()
    qtbot.keyClicks(window.search, "zzzz")
    assert shown(window) == []
    qtbot.keyClick(window.search, Qt.Key.Key_Escape)
    assert spaces[0].line.hasFocus()
    assert window.search.text() == ""


def test_the_arrows_go_round(make_window: WindowMaker, qtbot: QtBot) -> None:
    window = make_window(fakes())
    window.search.begin()
    qtbot.keyClicks(window.search, "go to")
    titles = shown(window)
    assert len(titles) == 4
    qtbot.keyClick(window.search, Qt.Key.Key_Up)
    hit = window.search.hits.current()
    assert hit is not None
    assert hit.title == titles[-1]


def test_a_click_chooses(make_window: WindowMaker, qtbot: QtBot) -> None:
    window = make_window(fakes())
    qtbot.mouseClick(window.search, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(window.search, "go to learn")
    view = window.search.hits._view
    middle = view.visualRect(window.search.hits.model.index(0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert window.current == "learn"


def test_models_are_found_and_shown(
    make_window: WindowMaker, context: Context, make_bundle: BundleMaker, qtbot: QtBot
) -> None:
    window = make_window(fakes())
    models.publish(context.home, make_bundle(), "clinic")
    with qtbot.waitSignal(context.background.started):
        context.events.models_changed.emit()
    qtbot.waitUntil(lambda: not context.background.running())
    window.search.begin()
    qtbot.keyClicks(window.search, "clinic")
    with qtbot.waitSignal(context.events.show_model) as asked:
        qtbot.keyClick(window.search, Qt.Key.Key_Return)
    assert asked.args == ["clinic@1"]
    assert window.current == "models"


def test_a_source_of_a_space_is_searched(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    window = make_window(fakes())
    opened = []
    context.search.add(lambda: [Hit("Study", "Left eye", "IDRiD-003", lambda: opened.append("left"))])
    window.search.begin()
    qtbot.keyClicks(window.search, "idrid")
    text = window.search.hits.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert text == "Left eye, Study, IDRiD-003"
    qtbot.keyClick(window.search, Qt.Key.Key_Return)
    assert opened == ["left"]


def test_what_was_opened_lately_is_found_and_forgotten(
    make_window: WindowMaker, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    window = make_window(fakes())
    for name in ("left eye.png", "right eye.png", "left eye.png"):
        window.open_paths([tmp_path / name])
    assert window.recent.paths == [tmp_path / "left eye.png", tmp_path / "right eye.png"]
    assert snapshot(window)["recent"] == [str(path) for path in window.recent.paths]
    window.search.begin()
    qtbot.keyClicks(window.search, "right eye")
    with qtbot.waitSignal(context.events.open_paths) as asked:
        qtbot.keyClick(window.search, Qt.Key.Key_Return)
    assert asked.args == [[tmp_path / "right eye.png"]]
    assert context.commands.run("window.forget_recent")
    assert snapshot(window)["recent"] == []
    window.recent.restore(["a", 3])
    assert window.recent.paths == [Path("a")]


def test_the_best_hit_comes_first() -> None:
    search = Search()
    titles = ("Close the window", "Show windows", "Window width", "Undo")
    search.add(lambda: [Hit("Command", title, "", lambda: None) for title in titles])
    assert [hit.title for hit in search.find("window")] == ["Window width", "Close the window", "Show windows"]
    assert [hit.title for hit in search.find("win wid")] == ["Window width"]
    assert len(search.find("", most=2)) == 2
