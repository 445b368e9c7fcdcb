"""How long from opening a CT of 300 slices until its first slice is on the screen.

    .venv/bin/python tests/benchmarks/bench_first_slice.py

The files are generated, and read once before, so that the figure is about medtransfer and not about the disk. Fails
when the median of five takes longer than 1.5 s.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from medtransfer.gui import theme
from medtransfer.store.home import Home
from tests.benchmarks.stage import SLICES, Stage, series

ROUNDS = 5
ALLOWED_S = 1.5


class Painted(QObject):
    """Notes when the first view is painted with a picture in it."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self.at: float | None = None
        stage.read.viewer.grid.views[0].viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name and signature
        if self.at is None and event.type() == QEvent.Type.Paint and self._stage.read.viewer.grid.image is not None:
            self.at = time.perf_counter()
        return False


def seconds(stage: Stage, folder: Path) -> float:
    """Return the time from asking for the folder until the first slice is painted, and close it again."""
    painted = Painted(stage)
    start = time.perf_counter()
    stage.window.open_paths([folder])
    stage.until(lambda: painted.at is not None)
    assert painted.at is not None
    stage.rest()
    stage.context.commands.run("read.remove_all")
    stage.rest()
    return painted.at - start


def main() -> int:
    app = QApplication(sys.argv[:1])
    theme.apply(app, "dark")
    with tempfile.TemporaryDirectory() as temporary:
        folder = series(Path(temporary) / "series")
        stage = Stage(Home.locate(Path(temporary) / "home").prepare())
        stage.get_ready()
        stage.show("read")
        times = [seconds(stage, folder) for _ in range(ROUNDS)]
        stage.close()
    median = statistics.median(times)
    each = ", ".join(f"{value:.2f}" for value in times)
    print(
        f"first of {SLICES} slices after {median:.2f} s (median of {each}), {median / ALLOWED_S:.2f} of {ALLOWED_S} s"
    )
    return 0 if median <= ALLOWED_S else 1


if __name__ == "__main__":
    sys.exit(main())
