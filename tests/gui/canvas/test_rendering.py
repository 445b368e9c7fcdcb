from __future__ import annotations

import threading

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from medtransfer.gui.canvas.rendering import AT_ONCE, Rendering


def drawn(side: int = 1) -> QImage:
    return QImage(side, side, QImage.Format.Format_RGB32)


def test_what_is_small_is_made_at_once_and_once(qapp: object) -> None:
    rendering = Rendering()
    picture = rendering.picture("a", AT_ONCE, drawn)
    assert picture is not None
    assert rendering.picture("a", AT_ONCE, lambda: pytest.fail("made twice")) is picture
    assert rendering.picture("b", AT_ONCE, lambda: drawn(2)) is not picture


def test_what_is_large_is_made_aside_one_at_a_time(qtbot: QtBot) -> None:
    rendering, go_on, made = Rendering(), threading.Event(), []

    def slow() -> QImage:
        go_on.wait(10)
        made.append("a")
        return drawn()

    def other() -> QImage:
        made.append("b")
        return drawn(2)

    assert rendering.picture("a", AT_ONCE + 1, slow) is None
    assert rendering.picture("b", AT_ONCE + 1, other) is None
    assert rendering.pending
    assert made == []
    go_on.set()
    qtbot.waitUntil(lambda: not rendering.pending)
    assert rendering.picture("b", AT_ONCE + 1, other) is None  # begun now: the other one is out of the way
    qtbot.waitUntil(lambda: not rendering.pending)
    picture = rendering.picture("b", AT_ONCE + 1, other)
    assert picture is not None
    assert picture.width() == 2
    assert made == ["a", "b"]
