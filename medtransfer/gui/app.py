"""The application: one process, one window."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from medtransfer.errors import EnvironmentFailure
from medtransfer.gui import theme
from medtransfer.gui.background import Background
from medtransfer.gui.command import Commands
from medtransfer.gui.context import Context, Events
from medtransfer.gui.settings import Settings
from medtransfer.store.home import Home

if TYPE_CHECKING:
    from medtransfer.gui.window import MainWindow

SCALE_VARIABLE = "QT_SCALE_FACTOR"


class _FirstPaint(QObject):
    """Calls ``then`` once the window has been painted for the first time: what is slow must not hold that up."""

    def __init__(self, window: QObject, then: Callable[[], None]) -> None:
        super().__init__(window)
        self._then = then
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Look for the first painting."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, watched, self._then)
        return False


def make_context(home: Home) -> Context:
    """Return what the parts of a window share."""
    return Context(home, Settings(home.root), Commands(), Background(), Events())


def run(home: Home, paths: Sequence[Path] = (), result: Path | None = None) -> int:
    """Show the window on a store, and return the exit code once it is closed.

    Parameters
    ----------
    home
        The store.
    paths
        Files and folders to open, beside what the last window left open.
    result
        A result folder to show.

    Raises
    ------
    EnvironmentFailure
        Where there is no screen to show it on, or the store cannot be created.
    """
    if not has_screen():
        raise EnvironmentFailure(
            "there is no screen to show the window on",
            code="window.no-screen",
            hint="Every use case has a command too: `medtransfer --help` lists them.",
        )
    context = make_context(home.prepare())
    os.environ.setdefault(SCALE_VARIABLE, f"{context.settings.number('scale') / 100:g}")
    app = QApplication(sys.argv[:1])
    app.setApplicationName("medtransfer")
    theme.apply(app, cast("theme.Name", context.settings.text("theme")))
    window = _show(context)
    _FirstPaint(window, partial(_begin, window, paths, result))
    return app.exec()


def has_screen() -> bool:
    """Say whether Qt has something to show a window on; without X11 or Wayland it would end the process."""
    if sys.platform in {"win32", "darwin"} or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show(context: Context) -> MainWindow:
    from medtransfer.gui.window import USUAL, MainWindow

    window = MainWindow(context)
    room = window.screen().availableSize()
    window.resize(min(USUAL[0], room.width()), min(USUAL[1], room.height()))
    window.show()
    return window


def _begin(window: MainWindow, paths: Sequence[Path], result: Path | None) -> None:
    """Do what can wait until the window is on the screen."""
    from medtransfer import logs
    from medtransfer.gui import heap, restoring, spaces, turns
    from medtransfer.gui.collector import Collector
    from medtransfer.gui.crash import CrashHook

    logs.configure(window.context.home.logs)
    CrashHook(partial(_keep, window)).install()
    _heed_signals()
    wanted = restoring.Wanted(paths, result)
    background = window.context.background

    heap.share()
    collector = Collector(window)
    collector.start()

    def build(_imported: object) -> None:
        collector.settle()
        turns.take(window.prepare("read"), window, begin)

    def begin(_built: object) -> None:
        restoring.begin(window, wanted)
        background.run("Getting ready", lambda _job: spaces.prefetch("learn", "models", "plugins"))

    # What cannot be imported is said by the page that stands in for the space.
    background.run("Getting ready", lambda _job: spaces.prefetch("read"), build, build)


def _keep(window: MainWindow) -> None:
    if window.journal is not None:
        window.journal.save(closed=False)
        window.journal = None


def _heed_signals() -> None:
    """End on Ctrl+C and SIGTERM as after a crash: the journal brings everything back."""
    import signal

    def end(_number: int, _frame: FrameType | None) -> None:
        QApplication.exit(1)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
