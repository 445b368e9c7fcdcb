from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from medtransfer.errors import EnvironmentFailure, UserError
from medtransfer.gui import theme
from medtransfer.gui.context import Context
from medtransfer.gui.settings import DECLARED, FILE, Settings
from medtransfer.gui.settings_dialog import SettingsDialog
from tests.gui.conftest import WindowMaker


def test_a_setting_is_kept(tmp_path: Path, qtbot: QtBot) -> None:
    first = Settings(tmp_path)
    with qtbot.waitSignal(first.changed) as sent:
        first.set("theme", "light")
    first.set("scale", 150)
    assert sent.args == ["theme"]
    second = Settings(tmp_path)
    assert (second.text("theme"), second.number("scale"), second.text("device")) == ("light", 150, "auto")


@pytest.mark.parametrize(
    ("name", "value"), [("theme", "pink"), ("scale", 99), ("scale", 201), ("scale", True), ("threads", "2")]
)
def test_a_wrong_value_is_refused(tmp_path: Path, name: str, value: str | int) -> None:
    made = Settings(tmp_path)
    before = made.get(name)
    with pytest.raises(UserError) as caught:
        made.set(name, value)
    assert caught.value.code == "settings.value"
    assert made.get(name) == before


@pytest.mark.parametrize("text", ["theme = ", "theme = 3\nscale = 150", "\x00"])
def test_a_damaged_file_leaves_the_defaults_and_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    made = Settings(tmp_path)
    assert made.text("theme") == "dark"
    assert made.problem
    assert made.number("scale") == (150 if "150" in text else 100)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_file_keeps_the_window_from_starting(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    made = Settings(tmp_path)
    assert all(setting.accepts(made.get(setting.name)) for setting in DECLARED)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    made = Settings(tmp_path / "file" / "below")
    with pytest.raises(EnvironmentFailure) as caught:
        made.set("theme", "light")
    assert caught.value.code == "settings.write"
    assert made.text("theme") == "light"


def test_settings_reach_the_worker(tmp_path: Path) -> None:
    made = Settings(tmp_path)
    made.set("device", "cpu")
    made.set("threads", 1)
    assert (made.worker_options().device, made.worker_options().threads) == ("cpu", 1)


def test_the_dialog_changes_the_theme_at_once(make_window: WindowMaker, context: Context, qtbot: QtBot) -> None:
    window = make_window()
    dialog = SettingsDialog(context, window)
    qtbot.addWidget(dialog)
    dialog.show()
    combo = dialog.controls["theme"]
    assert isinstance(combo, QComboBox)
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert theme.current() == "light"
    assert Settings(context.home.root).text("theme") == "light"


def test_the_dialog_has_a_control_with_a_name_for_every_setting(context: Context, qtbot: QtBot) -> None:
    dialog = SettingsDialog(context)
    qtbot.addWidget(dialog)
    assert list(dialog.controls) == [setting.name for setting in DECLARED]
    assert all(control.accessibleName() for control in dialog.controls.values())
    scale = dialog.controls["scale"]
    assert isinstance(scale, QSpinBox)
    qtbot.keyClick(scale, Qt.Key.Key_Up)
    assert context.settings.number("scale") == 125
