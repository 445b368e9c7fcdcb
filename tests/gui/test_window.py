from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from medtransfer.gui import theme
from medtransfer.gui.background import Job
from medtransfer.gui.context import Context, Space
from medtransfer.gui.crash import CrashDialog
from medtransfer.gui.diagnostics import DiagnosticsDialog
from medtransfer.gui.help import AboutDialog, ShortcutsDialog
from medtransfer.gui.not_loaded import NotLoaded
from medtransfer.gui.settings_dialog import SettingsDialog
from medtransfer.gui.spaces import Deferred
from medtransfer.gui.welcome import Welcome
from medtransfer.gui.window import MainWindow
from tests.gui.conftest import WindowMaker
from tests.gui.spaces import FakeSpace, fakes


def until_told(job: Job) -> None:
    """Work that runs until it is told to stop."""
    job.cancelled.wait(30)


def test_the_tabs_show_the_spaces(make_window: WindowMaker, qtbot: QtBot) -> None:
    spaces = fakes()
    window = make_window(spaces)
    qtbot.mouseClick(window.top_bar.tabs["learn"], Qt.MouseButton.LeftButton)
    assert spaces[1].line.isVisible()
    assert not spaces[0].line.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.AltModifier)
    assert window.current == "plugins"
    assert window.top_bar.tabs["plugins"].isChecked()


def test_a_space_is_built_when_it_is_first_shown(make_window: WindowMaker) -> None:
    made = []

    def make() -> FakeSpace:
        made.append("learn")
        return FakeSpace("learn", "Learn")

    window = make_window([Deferred.holding(FakeSpace()), Deferred("learn", "Learn", make)])
    window.spaces[1].restore({"text": "kept"})
    assert made == []
    assert window.spaces[1].state() == {"text": "kept"}
    window.show_space("learn")
    window.show_space("learn")
    assert made == ["learn"]
    assert window.spaces[1].state() == {"text": "kept"}


def test_a_space_that_cannot_be_built_says_so_and_can_be_tried_again(make_window: WindowMaker, qtbot: QtBot) -> None:
    broken = [True]

    def make() -> FakeSpace:
        if broken[0]:
            raise ImportError("no such module")
        return FakeSpace("learn", "Learn")

    window = make_window([Deferred.holding(FakeSpace()), Deferred("learn", "Learn", make)])
    window.show_space("learn")
    page = window.stack.currentWidget()
    assert isinstance(page, NotLoaded)
    assert any("ImportError" in label.text() for label in page.findChildren(QLabel))
    broken[0] = False
    qtbot.mouseClick(page.again, Qt.MouseButton.LeftButton)
    assert window.spaces[1].loaded
    assert not isinstance(window.stack.currentWidget(), NotLoaded)


def test_a_space_is_built_piece_by_piece_before_it_is_shown(make_window: WindowMaker) -> None:
    done: list[str] = []

    def make() -> Generator[None, None, Space]:
        for panel in ("left", "right"):
            done.append(panel)
            yield
        return FakeSpace("learn", "Learn")

    window = make_window([Deferred.holding(FakeSpace()), Deferred("learn", "Learn", make)])
    pieces = window.prepare("learn")
    next(pieces)
    assert done == ["left"]
    assert not window.spaces[1].loaded
    window.show_space("learn")  # the person does not wait: the rest is built at once, and nothing twice
    assert done == ["left", "right"]
    assert isinstance(window.stack.currentWidget(), QLineEdit)
    list(pieces)
    assert done == ["left", "right"]


def test_a_space_that_cannot_be_prepared_is_tried_again_when_shown(make_window: WindowMaker) -> None:
    attempts: list[int] = []

    def make() -> Generator[None, None, Space]:
        attempts.append(1)
        yield
        raise ImportError("no such module")

    window = make_window([Deferred.holding(FakeSpace()), Deferred("learn", "Learn", make)])
    list(window.prepare("learn"))
    assert not isinstance(window.stack.currentWidget(), NotLoaded)
    window.show_space("learn")
    assert isinstance(window.stack.currentWidget(), NotLoaded)
    assert len(attempts) == 2


@pytest.mark.parametrize("kind", ["settings", "shortcuts", "about", "diagnostics", "crash"])
def test_a_dialog_wears_the_theme(make_window: WindowMaker, context: Context, qtbot: QtBot, kind: str) -> None:
    window = make_window(fakes())
    made: dict[str, Callable[[], QDialog]] = {
        "settings": lambda: SettingsDialog(context, window),
        "shortcuts": lambda: ShortcutsDialog(context.commands, window),
        "about": lambda: AboutDialog(window),
        "diagnostics": lambda: DiagnosticsDialog(context, window),
        "crash": lambda: CrashDialog(ValueError()),
    }
    dialog = made[kind]()
    qtbot.addWidget(dialog)
    main = next(button for button in dialog.findChildren(QPushButton) if button.property("kind") == "primary")
    main.setEnabled(True)
    main.ensurePolished()
    seen = main.grab().toImage().pixelColor(12, 5).name()
    assert seen == theme.COLOURS["dark"]["accent"]


def test_files_can_be_dropped_anywhere(
    make_window: WindowMaker, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    window = make_window(fakes())
    window.show_space("models")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a b.dcm"))])
    event = QDropEvent(
        QPoint(200, 200), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    with qtbot.waitSignal(context.events.open_paths) as asked:
        window.dropEvent(event)
    assert asked.args == [[tmp_path / "a b.dcm"]]
    assert window.current == "read"


def test_the_status_bar_says_what_it_is_told(make_window: WindowMaker, context: Context) -> None:
    window = make_window(fakes())
    context.events.device.emit("CPU · OpenVINO")
    context.events.cursor.emit("x 3 y 4 · 12 HU")
    context.events.message.emit("worker ready\nnow")
    assert window.status.purpose.text() == "Research use only"
    assert window.status.device.text() == "CPU · OpenVINO"
    assert window.status.cursor_value.text() == "x 3 y 4 · 12 HU"
    assert window.status.message.text() == "worker ready now"


def test_no_two_commands_share_a_shortcut(make_window: WindowMaker, context: Context) -> None:
    window = make_window()
    for space in window.spaces:
        window.show_space(space.id)
    shortcuts = Counter(command.shortcut for command in context.commands if command.shortcut)
    assert [keys for keys, count in shortcuts.items() if count > 1] == []


def test_every_command_is_in_the_menu_and_on_the_page_of_shortcuts(
    make_window: WindowMaker, context: Context, qtbot: QtBot
) -> None:
    window = make_window(fakes())
    menu = window.actions_made.menu(window)
    in_menu = {entry.text() for place in menu.actions() for entry in place.menu().actions()}  # type: ignore[attr-defined]
    dialog = ShortcutsDialog(context.commands, window)
    qtbot.addWidget(dialog)
    on_page = {label.text() for label in dialog.findChildren(QLabel)}
    titles = {command.title for command in context.commands}
    assert titles == in_menu
    assert titles <= on_page
    assert "Ctrl+K" in on_page


def test_the_theme_command_tells_the_spaces(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    make_window(fakes())
    with qtbot.waitSignal(context.events.theme_changed):
        context.commands.run("window.theme")
    assert context.settings.text("theme") == "light"


def test_everything_in_the_frame_that_can_be_pressed_has_a_name(make_window: WindowMaker) -> None:
    window = make_window(fakes())
    window.drawer.show_page("jobs")
    window.banners.add("Something happened.", "Look", lambda: None)
    from PySide6.QtWidgets import QAbstractButton

    nameless = [
        button for button in window.findChildren(QAbstractButton) if not (button.accessibleName() or button.text())
    ]
    assert [button for button in nameless if button.isVisible()] == []


def test_the_window_stays_usable_when_small(make_window: WindowMaker) -> None:
    window = make_window(fakes())
    window.resize(694, 434)  # the sketches' size at 200 %
    window.show_welcome()
    QApplication.processEvents()
    assert (window.width(), window.height()) == (694, 434)
    assert window.top_bar.menu_button.geometry().right() < 694


def test_the_welcome_page_gives_way_to_what_is_opened(make_window: WindowMaker, tmp_path: Path, qtbot: QtBot) -> None:
    spaces = fakes()
    window = make_window(spaces)
    window.show_welcome()
    assert isinstance(window.stack.currentWidget(), Welcome)
    window.open_paths([tmp_path])
    assert window.stack.currentWidget() is spaces[0].line
    assert window.stack.count() == 1


def press(text: str) -> None:
    """Press a button of the question that is about to be asked."""
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    next(button for button in box.findChildren(QPushButton) if button.text() == text).click()


def start_training(window: MainWindow) -> Job:
    return window.context.background.run("Training", until_told, closing="A training is running.")


def test_closing_while_training_asks_and_can_be_called_off(make_window: WindowMaker) -> None:
    window = make_window(fakes())
    job = start_training(window)
    QTimer.singleShot(0, lambda: press("Stay"))
    assert not window.close()
    assert window.isVisible()
    assert not job.cancelled.is_set()
    job.cancel()


def test_closing_while_training_stops_it_first(make_window: WindowMaker, qtbot: QtBot) -> None:
    window = make_window(fakes())
    ended = threading.Event()
    job = start_training(window)
    job.ended.connect(lambda _job: ended.set())
    QTimer.singleShot(0, lambda: press("Stop and close"))
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert job.cancelled.is_set()
    assert ended.is_set()


def test_a_space_can_keep_the_window_open(make_window: WindowMaker) -> None:
    spaces = fakes()
    window = make_window(spaces)
    window.show_space("models")
    spaces[2].closable = False
    assert not window.close()
    assert window.isVisible()
    spaces[2].closable = True
    assert window.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_demo_is_followed_on_the_welcome_page(
    make_window: WindowMaker, monkeypatch: pytest.MonkeyPatch, theme: str, qtbot: QtBot
) -> None:
    window = make_window(fakes())
    window.context.settings.set("theme", theme)
    demo = window.context.background

    def start(_context: Context) -> Job:
        return demo.run("Demo", until_told)

    monkeypatch.setattr("medtransfer.gui.demonstration.start", start)
    window.show_welcome()
    page = window.stack.currentWidget()
    assert isinstance(page, Welcome)
    qtbot.mouseClick(page.demo, Qt.MouseButton.LeftButton)
    assert not window.may_start_demo()
    assert page.stop.isVisible()
    demo.jobs[-1].on_progress("training", 0.5, {})
    qtbot.waitUntil(lambda: page.progress.value() == 50)
    assert "Training" in page.about.text()
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(window.may_start_demo)
    assert page.demo.isEnabled()
