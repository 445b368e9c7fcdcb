"""Answers that take too long for the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Later(Generic[_T]):
    """Works out one answer in a thread of its own; whoever wants it looks again now and then.

    A view asks a few times a second while it waits. No signal is sent, so that nothing can arrive at a view that is
    gone.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self.answer: _T | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="canvas", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> bool:
        """Whether the work goes on."""
        return self._thread.is_alive()

    def _run(self, work: Callable[[], _T]) -> None:
        self.answer = work()
