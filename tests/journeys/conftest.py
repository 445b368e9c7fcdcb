"""Fixtures for the journeys through the window."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medtransfer.gui import theme
from medtransfer.store.home import Home
from tests.journeys.desk import Desk

DeskMaker = Callable[..., Desk]


@pytest.fixture
def sit_down(home: Home, qapp: QApplication, qtbot: QtBot, request: pytest.FixtureRequest) -> Iterator[DeskMaker]:
    """Start the window on the store as the program does, with files if wished; call it again for the next start.

    The longest time for which the event loop stood still is kept with the test's report.
    """
    theme.apply(qapp, "dark")
    gc.disable()  # in other threads than the window's: see medtransfer.gui.collector
    desks: list[Desk] = []

    def start(*paths: Path) -> Desk:
        desks.append(Desk(home, qtbot, paths))
        return desks[-1]

    yield start
    for desk in desks:
        desk.leave()
    gc.collect()
    gc.enable()
    longest = max((desk.watchdog.longest_ms for desk in desks), default=0.0)
    request.node.user_properties.append(("longest gap of the event loop in ms", round(longest)))
