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
    assert done == [0]
    QTimer.singleShot(0, owner, lambda: at_the_time.append(len(done)))
    qtbot.waitUntil(lambda: answers == ["answer"])
    assert done == [0, 1, 2]
    assert at_the_time < [3]


def test_nothing_more_is_done_once_the_owner_is_gone(qtbot: QtBot) -> None:
    done: list[int] = []
    owner = QObject()
    turns.take(work(done), owner)
    delete(owner)
    qtbot.wait(20)
    assert done == [0]
