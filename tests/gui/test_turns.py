from __future__ import annotations

from collections.abc import Generator

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from medtransfer.gui import turns


def work(done: list[int]) -> Generator[None, None, str]:
    for number in range(3):
        done.append(number)
        yield
    return "answer"


def test_the_window_gets_its_turn_between_two_pieces(qtbot: QtBot) -> None:
    done: list[int] = []
    at_the_time: list[int] = []
    answers: list[str] = []
    owner = QObject()
    turns.take(work(done), owner, answers.append)
    ticker = QTimer(owner, interval=0)
    ticker.timeout.connect(lambda: at_the_time.append(len(done)))
    ticker.start()
    qtbot.waitUntil(lambda: answers == ["answer"])
    ticker.stop()
    assert done == [0, 1, 2]
    assert {1, 2} <= set(at_the_time)


def test_nothing_more_is_done_once_the_owner_is_gone(qtbot: QtBot) -> None:
    done: list[int] = []
    owner = QObject()
    turns.take(work(done), owner)
    qtbot.waitUntil(lambda: bool(done))
    delete(owner)
    before = list(done)
    qtbot.wait(20)
    assert done == before
