"""A job's answer reaches who asked for it, and nobody whose widgets are gone by then."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from medtransfer.gui.background import Background, State


class Page(QWidget):
    """A widget that is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def tell(self, answer: object) -> None:
        self.told.append(answer)


class Space:
    """No widget, but stands for one."""

    def __init__(self) -> None:
        self.page = Page()
        self.told: list[object] = []

    def widget(self) -> QWidget:
        return self.page

    def tell(self, answer: object) -> None:
        self.told.append(answer)


def itself(asker: Page | Space) -> Callable[[object], None]:
    return asker.tell


def held(asker: Page | Space) -> Callable[[object], None]:
    return lambda answer: asker.tell(answer)  # noqa: PLW0108 - what a callback with more arguments looks like


@pytest.mark.parametrize("make", [Page, Space])
@pytest.mark.parametrize("called", [itself, held])
@pytest.mark.parametrize("gone", [False, True])
def test_an_answer_reaches_only_what_is_still_there(
    qtbot: QtBot,
    make: Callable[[], Page | Space],
    called: Callable[[Page | Space], Callable[[object], None]],
    *,
    gone: bool,
) -> None:
    asker, background, go = make(), Background(), threading.Event()
    job = background.run("Waiting", lambda _job: go.wait(10), called(asker))
    told = asker.told
    if gone:
        delete(asker if isinstance(asker, Page) else asker.page)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        go.set()
    assert job.state is State.DONE
    assert told == ([] if gone else [True])
