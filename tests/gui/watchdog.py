"""How long the event loop was ever kept from its work: the longest gap between the ticks of a timer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS = 5


@dataclass(frozen=True, order=True)
class Gap:
    """How long the event loop did not turn, and for how much of that its thread had the processor: the rest it waited.

    A thread waits for the disk, for Python's lock, or for other programs on a busy machine.
    """

    ms: float
    worked_ms: float


class Watchdog(QObject):
    """Counts while it is used as a context. A gap is the time between two ticks beyond what the timer asks for.

    Nothing in the test suite depends on its figures: ``tests/benchmarks/bench_event_loop.py`` holds them to their bar.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[Gap] = []
        self._last = self._worked = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Self:
        self.gaps.clear()
        self._last, self._worked = time.perf_counter(), time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.stop()
        self._tick()

    @property
    def longest_ms(self) -> float:
        """The longest gap so far in milliseconds; 0 before the first tick."""
        return max(self.gaps).ms if self.gaps else 0.0

    def _tick(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        gap = max((now - self._last) * 1000.0 - TICK_MS, 0.0)
        self.gaps.append(Gap(gap, (worked - self._worked) * 1000.0))
        self._last, self._worked = now, worked
