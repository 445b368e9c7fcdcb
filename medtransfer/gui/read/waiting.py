"""Progress of one job: what it does, how much is left, and a way to stop it. Short jobs are never shown."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.background import Job, State

PATIENCE_MS = 300
_TELLING = 0.05
"""Share of the work from which the time that it took says something about the rest."""


class Waiting(QWidget):
    """Follows one job at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._job: Job | None = None
        self._begun = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._appear)
        self.stage = parts.label("", "muted")
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress")
        self.stop = parts.button("Stop", self._stop)
        row = QHBoxLayout()
        row.setSpacing(theme.spacing())
        row.addWidget(self.bar, 1)
        row.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        column.addWidget(self.stage)
        column.addLayout(row)
        self.hide()

    def follow(self, job: Job) -> None:
        """Show this job's progress once it takes longer than a blink, until it ends."""
        self._job = job
        self._begun = time.monotonic()
        self._tell(job.stage or job.title, job.fraction)
        self.stop.setEnabled(True)
        job.progressed.connect(self._progressed, Qt.ConnectionType.QueuedConnection)
        job.ended.connect(self._ended)
        self._timer.start(PATIENCE_MS)

    def _progressed(self, stage: str, fraction: float | None, _values: object) -> None:
        if self.sender() is self._job:
            self._tell(stage, fraction)

    def _tell(self, stage: str, fraction: float | None) -> None:
        self.bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.bar.setValue(round(1000 * fraction))
        left = remaining(time.monotonic() - self._begun, fraction)
        text = f"{stage[:1].upper()}{stage[1:]}" + (f", {left}" if left else "")
        self.stage.setText(text)
        self.bar.setAccessibleDescription(text)

    def _appear(self) -> None:
        if self._job is not None and self._job.state is State.RUNNING:
            self.show()

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self._timer.stop()
            self.hide()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.stop.setEnabled(False)
            self.stage.setText("Stopping")


def remaining(elapsed_s: float, fraction: float | None) -> str:
    """Return how much time is left, in words; empty while nobody can know."""
    if fraction is None or fraction < _TELLING or fraction >= 1.0:
        return ""
    left = elapsed_s * (1.0 - fraction) / fraction
    if left < 1.0:
        return ""
    return f"about {left:.0f} s left" if left < 90 else f"about {left / 60:.0f} min left"
