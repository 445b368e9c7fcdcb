from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from medtransfer.gui.collector import Collector


class Cycle(QObject):
    """Keeps itself alive, and says in which thread it was destroyed."""

    def __init__(self, ended: list[int]) -> None:
        super().__init__()
        self.myself = self
        self.timer = QTimer(self, interval=1)
        self.timer.start()
        self._ended = ended

    def __del__(self) -> None:
        self._ended.append(threading.get_ident())


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[Collector]:
    made = Collector()
    made.start()
    yield made
    made.stop()
    gc.disable()  # as the tests of the window have it


def busy() -> None:
    """Make so many objects that Python would collect."""
    kept = [[number] for number in range(50_000)]
    del kept


def test_garbage_with_a_timer_is_destroyed_in_the_windows_thread(collector: Collector, qtbot: QtBot) -> None:
    ended: list[int] = []
    for _ in range(20):
        Cycle(ended)
    elsewhere = threading.Thread(target=busy)
    elsewhere.start()
    elsewhere.join()
    assert ended == []
    kept = [[number] for number in range(2_000)]
    qtbot.waitUntil(lambda: len(ended) == 20)
    assert set(ended) == {threading.get_ident()}
    assert len(kept) == 2_000


def test_it_hands_back_to_python(qtbot: QtBot) -> None:
    collector = Collector()
    collector.start()
    assert not gc.isenabled()
    collector.stop()
    assert gc.isenabled()
    gc.disable()  # as the tests of the window have it
