"""Fixtures for the window: no screen is needed, and a warning of Qt fails the test."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medtransfer.gui import theme
from medtransfer.gui.app import make_context
from medtransfer.gui.context import Context, Space
from medtransfer.gui.window import MainWindow
from medtransfer.store.home import Home


@pytest.fixture(autouse=True)
def _collect_here() -> Iterator[None]:
    """Collect garbage in the window's thread alone, as the program does (see medtransfer.gui.collector)."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


WindowMaker = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def _dark(qapp: QApplication) -> None:
    """Start every test in the dark theme, with the bundled font."""
    theme.apply(qapp, "dark")


@pytest.fixture
def context(home: Home, qapp: QApplication) -> Iterator[Context]:
    """What a window's parts share, on an empty store that sees ``test.echo``; jobs are stopped at the end."""
    made = make_context(home.prepare())
    yield made
    for job in made.background.running():
        job.cancel()


@pytest.fixture
def make_window(context: Context, qtbot: QtBot) -> WindowMaker:
    """Show a window of the sketches' size at its first space, with the usual four spaces or with those given."""

    def make(spaces: Sequence[Space] | None = None) -> MainWindow:
        window = MainWindow(context, spaces)
        qtbot.addWidget(window)
        window.resize(1389, 868)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        window.show_space(window.spaces[0].id)
        return window

    return make
