from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from medtransfer.contract.manifest import MANIFEST_FILE
from medtransfer.errors import PluginError
from medtransfer.gui.context import Context
from medtransfer.gui.plugins.space import PluginsSpace
from medtransfer.hosting import catalogue
from medtransfer.hosting.catalogue import PATH_VARIABLE, PluginEntry
from medtransfer.work import plugins
from medtransfer.work.session import Session
from tests.conftest import PLUGINS

Shown = Callable[[], PluginsSpace]
ECHO = PLUGINS / "echo"


@pytest.fixture
def shown(context: Context, qtbot: QtBot) -> Shown:
    """Show the space once its list has been read."""

    def show() -> PluginsSpace:
        space = PluginsSpace(context)
        widget = space.widget()
        qtbot.addWidget(widget)
        widget.resize(1389, 800)
        widget.show()
        qtbot.waitUntil(lambda: bool(space.list.entries))
        return space

    return show


def _texts(space: PluginsSpace) -> str:
    return "\n".join(label.text() for label in space.widget().findChildren(QLabel))


def _key(space: PluginsSpace, plugin: str) -> str:
    return next(entry.key for entry in space.list.entries if entry.detail.endswith(plugin))


def _mark(space: PluginsSpace, plugin: str) -> str:
    return next(entry.mark for entry in space.list.entries if entry.detail.endswith(plugin))


def test_a_plugin_says_what_it_is_for_and_what_it_asks_for(shown: Shown) -> None:
    space = shown()
    space.show_plugin(_key(space, "test.echo"))
    said = _texts(space)
    for words in ("Gives the same answer", "Tests of medtransfer.", "Anything else.", "Network", "Bright, Dark"):
        assert words in said
    assert not space.remove.isEnabled()


def test_a_broken_plugin_is_listed_with_the_reason(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / MANIFEST_FILE).write_text("manifest = [", encoding="utf-8")
    monkeypatch.setenv(PATH_VARIABLE, os.fspath(broken))
    space = shown()
    space.show_plugin(_key(space, "broken"))
    assert _mark(space, "broken").startswith("cannot be used")
    assert "not valid TOML" in _texts(space)
    assert not space.switch.isEnabled()


def test_a_plugin_is_switched_off_and_on(shown: Shown, context: Context, qtbot: QtBot) -> None:
    space = shown()
    space.show_plugin(_key(space, "test.echo"))
    qtbot.mouseClick(space.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: _mark(space, "test.echo") == "switched off")
    assert not next(e for e in catalogue.find(context.home.root) if e.id == "test.echo").enabled
    assert space.switch.text() == "Switch on"
    qtbot.keyClick(space.switch, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: _mark(space, "test.echo") == "")


def test_nothing_is_installed_without_consent(
    shown: Shown, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(ECHO))
    space = shown()
    context.commands.run("plugins.folder")
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.consent)
    assert space.consent.inspection is not None
    said = _texts(space)
    for words in (space.consent.inspection.sha256, "Network", "A plug-in is a program", "Apache-2.0"):
        assert words in said
    assert not space.consent.install.isEnabled()
    qtbot.keyClick(space.consent.trust, Qt.Key.Key_Space)
    assert space.consent.install.isEnabled()
    qtbot.mouseClick(space.consent.cancel, Qt.MouseButton.LeftButton)
    assert space.stack.currentWidget() is space.page
    assert not any(context.home.plugins.iterdir())


def test_with_consent_it_is_installed_and_then_uninstalled(
    shown: Shown, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PATH_VARIABLE)
    installed: list[PluginEntry] = []
    found = catalogue.find

    def install(session: Session, source: Path) -> PluginEntry:
        session.on_progress("unpacking", 0.5, {})
        entry = catalogue.read_entry(ECHO / "medtransfer_echo", "own environment", "test.echo", (source,))
        installed.append(entry)
        return entry

    monkeypatch.setattr(plugins, "install", install)
    monkeypatch.setattr(plugins, "uninstall", lambda _home, _id: installed.clear())
    monkeypatch.setattr(catalogue, "find", lambda home: [*found(home), *installed])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    space = shown()
    space.inspect(ECHO)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.consent)
    space.consent.trust.setChecked(True)
    with qtbot.waitSignal(context.events.plugins_changed):
        qtbot.mouseClick(space.consent.install, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: space.list.key() == str(installed[0].folder))
    assert space.remove.isEnabled()
    qtbot.mouseClick(space.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: all(not entry.detail.endswith("test.echo") for entry in space.list.entries))


def test_a_failed_installation_says_why(shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(_session: Session, _source: Path) -> PluginEntry:
        raise PluginError("the plug-in failed its own golden case", code="plugin.golden", hint="Report it.")

    monkeypatch.setattr(plugins, "install", install)
    space = shown()
    space.inspect(ECHO)
    qtbot.waitUntil(lambda: space.stack.currentWidget() is space.consent)
    space.consent.trust.setChecked(True)
    qtbot.mouseClick(space.consent.install, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "golden case" in space.consent.trouble.text())
    assert space.consent.install.isEnabled()


def test_a_source_that_is_no_plugin_is_refused(shown: Shown, tmp_path: Path, qtbot: QtBot) -> None:
    space = shown()
    wrong = tmp_path / "notes.txt"
    wrong.write_text("nothing")
    space.inspect(wrong)
    qtbot.waitUntil(lambda: "neither a wheel nor a folder" in _texts(space))
    assert space.stack.currentWidget() is space.page
