from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medtransfer.cli import main as cli
from medtransfer.errors import EnvironmentFailure
from medtransfer.gui import app
from medtransfer.gui.settings import FILE
from medtransfer.resources import resource
from medtransfer.store.home import Home

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "timm", "monai", "openvino", "sklearn", "lightning_fabric", "medtransfer.transfer")

# Runs the window as `medtransfer ARGUMENTS` does, lets `act(window)` happen, and says how it ended on the last line.
DRIVEN = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from medtransfer.gui import restoring
begin = restoring.begin
told = {{}}
{act}
def begin_then_act(window, wanted):
    begin(window, wanted)
    act(window)
restoring.begin = begin_then_act
from medtransfer.cli.start import main
try:
    main()
except SystemExit as leaving:
    told["code"] = leaving.code
told["heavy"] = [name for name in {heavy} if name in sys.modules]
print()
print(json.dumps(told))
"""
LOOK_ROUND = """
def act(window):
    for space in window.spaces:
        window.show_space(space.id)
    told["ratio"] = window.devicePixelRatio()
    told["loaded"] = [space.id for space in window.spaces if space.loaded]
    QTimer.singleShot(1500, window.close)
"""
CRASH = """
def act(window):
    def fail():
        QTimer.singleShot(200, lambda: QApplication.activeModalWidget().end.click())
        raise RuntimeError("a secret path")
    QTimer.singleShot(0, fail)
"""


def drive(home: Path, act: str, *arguments: str) -> tuple[dict[str, object], str]:
    """Return what the window's process told, and its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVEN.format(act=act, heavy=HEAVY), *arguments],
        cwd=ROOT,
        env={**os.environ, "MEDTRANSFER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    told: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return told, done.stderr


def test_the_window_opens_and_closes_without_any_network_library(home: Home) -> None:
    told, errors = drive(home.root, LOOK_ROUND, str(resource("demo/retina.jpg")))
    assert told["code"] == 0, errors
    assert told["heavy"] == []
    assert told["loaded"] == ["read", "learn", "models", "plugins"]
    assert "Traceback" not in errors


def test_the_scale_of_the_settings_counts(home: Home) -> None:
    home.prepare()
    (home.root / FILE).write_text("scale = 200\n", encoding="utf-8")
    told, _ = drive(home.root, LOOK_ROUND)
    assert told["ratio"] == 2.0
    assert told["code"] == 0


def test_a_bug_keeps_the_session_and_ends_with_a_failure(home: Home) -> None:
    told, _ = drive(home.root, CRASH)
    assert told["code"] == 1
    session = json.loads((home.root / "session.json").read_text(encoding="utf-8"))
    assert session["closed"] is False
    log = "".join(path.read_text(encoding="utf-8") for path in home.logs.glob("*.jsonl"))
    assert "window.crash" in log
    assert "secret" not in log


def test_without_a_screen_it_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(EnvironmentFailure) as caught:
        app.run(home)
    assert caught.value.code == "window.no-screen"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["scan.dcm"], ["window", "scan.dcm"]),
        (["/a/b", "c"], ["window", "/a/b", "c"]),
        (["--home", "here", "scan.nii.gz"], ["--home", "here", "window", "scan.nii.gz"]),
        (["--home=here", "a/b"], ["--home=here", "window", "a/b"]),
        (["doctor"], ["doctor"]),
        (["model", "show", "a.b"], ["model", "show", "a.b"]),
        (["lern"], ["lern"]),
        (["--help"], ["--help"]),
        ([], []),
    ],
)
def test_paths_stand_where_a_command_may_stand(arguments: list[str], expected: list[str]) -> None:
    assert cli._window_named(arguments) == expected


def test_the_command_hands_over_home_and_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    asked: list[object] = []

    def run(home: Home, paths: list[Path], result: Path | None) -> int:
        asked.extend([home.root, *paths, result])
        return 0

    monkeypatch.setattr(app, "run", run)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["--home", str(tmp_path), "window", "a.dcm"])
    assert done.exit_code == 0
    assert asked == [tmp_path, tmp_path / "a.dcm", None]
