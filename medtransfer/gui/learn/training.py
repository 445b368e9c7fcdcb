"""Third step: watch the network learn, stop it, and let it go on."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QProgressBar, QSizePolicy, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.plot import Curve, Plot, Style

_ROLES = ("accent", "neutral", "positive", "danger", "muted")
_STYLES: tuple[Style, ...] = ("solid", "dash", "dot", "dash-dot")
"""Lines differ by more than their colour; with five colours and four styles twenty findings can be told apart."""
_NAMES = {"loss": "Training loss", "validation_auroc": "AUROC on validation", "log_loss": "Log loss on validation"}
_COLUMNS = 3
_LEGEND = 4
"""Lines kept for the legend, so that the plots stay where they are when a further finding begins to be learnt."""
EXPLAINED = (
    "AUROC should rise and losses should fall. The epoch that does best on validation patients is kept; test patients "
    "are not looked at before the end."
)
_COUNTERS = frozenset({"epoch", "score"})
"""Told besides, but not worth a plot: the abscissa, and the figure that picks the best epoch, which is one of these."""
_EPOCH = re.compile(r"\bepoch (\d{1,9})\b")
_PATIENCE_S = 2.0
"""No time left is said before the work has shown its pace."""
State = Literal["running", "stopping", "stopped", "failed"]
_WORDS: Mapping[State, str] = {
    "running": "The network is learning",
    "stopping": "Stopping",
    "stopped": "Training is paused",
    "failed": "Training could not go on",
}


class Curves(QWidget):
    """One plot for each figure that the training tells, with one line for each finding.

    :attr:`names` are the findings' by their ids, as far as they are known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: Mapping[str, str] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.spacing(2))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.plots: dict[str, Plot] = {}
        self._points: dict[str, dict[str, list[tuple[float, float]]]] = {}

    def reset(self) -> None:
        """Forget what was drawn."""
        pages.clear(self._grid)
        self.plots, self._points = {}, {}

    def add(self, stage: str, values: Mapping[str, float]) -> None:
        """Draw further figures; a stage such as ``"dr: epoch 3 of 20"`` belongs to the line ``dr`` at 3.

        The epoch is taken from the words because quick epochs are not all told, and a resumed training starts late.
        """
        line = stage.partition(": ")[0] if ": " in stage else "all findings"
        epoch = _EPOCH.search(stage)
        for name, value in values.items():
            if name in _COUNTERS:
                continue
            lines = self._points.setdefault(name, {})
            points = lines.setdefault(line, [])
            points.append((float(epoch[1]) if epoch else len(points) + 1.0, value))
            self._plot(name).show_curves(
                [
                    Curve(
                        self.names.get(label, label),
                        tuple(known),
                        _ROLES[number % len(_ROLES)],
                        _STYLES[number % len(_STYLES)],
                    )
                    for number, (label, known) in enumerate(lines.items())
                ]
            )

    def _plot(self, name: str) -> Plot:
        if name not in self.plots:
            plot = Plot(_NAMES.get(name, name.replace("_", " ").capitalize()), "epoch", "", legend=_LEGEND)
            plot.setMaximumHeight(theme.spacing(40))
            place = len(self.plots)
            self._grid.addWidget(plot, place // _COLUMNS, place % _COLUMNS)
            self._grid.setColumnStretch(place % _COLUMNS, 1)
            self.plots[name] = plot
        return self.plots[name]


class TrainingPage(pages.Page):
    """The page. ``stopped`` and ``resumed`` say what the person chose to do, ``removed`` that the training may go."""

    WORDS = _WORDS
    EXPLAINED = EXPLAINED
    NOUN = "training"

    stopped = Signal()
    resumed = Signal()
    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._job: Job | None = None
        self._begun = time.monotonic()
        self._first: tuple[float, float] | None = None
        self._fraction: float | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tick)
        self._title = parts.title("")
        self.stage = parts.label("", "muted")
        self.bar = QProgressBar()
        self.bar.setAccessibleName(f"Progress of the {self.NOUN}")
        self.curves = Curves()
        self.body.addWidget(self._title)
        self.body.addWidget(self.stage)
        self.body.addWidget(self.bar)
        self._frame, column = parts.card("failure")
        self._what = parts.label("", "danger", weight=theme.MEDIUM)
        self._hint = parts.label("")
        column.addWidget(self._what)
        column.addWidget(self._hint)
        self.body.addWidget(self._frame)
        self._explained = parts.label(self.EXPLAINED, "muted", theme.SMALL_SIZE)
        self.body.addWidget(self._explained)
        self.body.addWidget(self.curves)
        self._name = parts.label("", weight=theme.SEMIBOLD)
        self._about = parts.label("", "muted")
        self._time = parts.label("", "muted")
        self.stop = parts.button("Stop", self.stopped.emit, tip="Stops after this step; it goes on from there later")
        self.resume = parts.button("Resume", self.resumed.emit, "primary")
        self.remove = parts.button(f"Remove this {self.NOUN}", self.removed.emit, "quiet")
        for widget in (parts.heading(self.NOUN.capitalize()), self._name, self._about, self._time):
            self.side.addWidget(widget)
        self.side.addSpacing(theme.spacing(1))
        for button in (self.resume, self.stop, self.remove):
            self.side.addWidget(button)
        self.side.addStretch(1)

    def describe(self, name: str, about: str, findings: Mapping[str, str]) -> None:
        """Say which training this is; ``findings`` are the names of findings by their ids."""
        self._name.setText(name)
        self._about.setText(about)
        self.curves.names = findings

    def watch(self, job: Job, told: Sequence[tuple[str, float | None, Mapping[str, float]]]) -> None:
        """Show the progress of a training: what it told before, and what it tells from now on."""
        if self._job is not None:
            self._job.progressed.disconnect(self.hear)
        self._job = job
        self.curves.reset()
        self._explained.hide()
        self._begun, self._first, self._fraction = job.started, None, None
        self._show_state("running")
        self.stage.setText("Starting")
        self.bar.setRange(0, 0)
        for stage, fraction, values in told:
            self.hear(stage, fraction, values)
        self._clock.start()
        self._tick()
        job.progressed.connect(self.hear, Qt.ConnectionType.QueuedConnection)

    def hear(self, stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
        """Show how far the training is."""
        finding, colon, rest = stage.partition(": ")
        words = f"{self.curves.names.get(finding, finding)}: {rest}" if colon else stage
        self.stage.setText(f"{words[:1].upper()}{words[1:]}")
        self.bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.bar.setValue(round(1000 * fraction))
            self._fraction = fraction
            if self._first is None:
                self._first = (time.monotonic(), fraction)
        if values:
            self.curves.add(stage, values)
            self._explained.setVisible(bool(self.curves.plots))

    def show_stopping(self) -> None:
        """Say that the stop was heard."""
        self._show_state("stopping")
        self.stage.setText("It stops after the step that it is at.")

    def show_paused(self) -> None:
        """Say that the training can go on."""
        self._clock.stop()
        self._time.hide()
        self._show_state("stopped")
        self.stage.setText("What was learnt so far is kept. It goes on exactly where it stopped.")

    def show_failure(self, error: MedTransferError) -> None:
        """Say what happened, and what to do."""
        self.show_paused()
        self._show_state("failed")
        self.stage.setText("What was learnt so far is kept.")
        head = f"{error.subject}: {error.message}" if error.subject else error.message
        self._what.setText(f"{head[:1].upper()}{head[1:].rstrip('.')}.")
        self._hint.setText(error.hint)

    def _show_state(self, state: State) -> None:
        self._title.setText(self.WORDS[state])
        running = state in {"running", "stopping"}
        self.bar.setVisible(running)
        self.stop.setVisible(running)
        self.stop.setEnabled(state == "running")
        self.resume.setVisible(not running)
        self.resume.setText("Try again" if state == "failed" else "Resume")
        self.remove.setVisible(not running)
        self._frame.setVisible(state == "failed")

    def _tick(self) -> None:
        passed = time.monotonic() - self._begun
        left = self._left()
        self._time.setText(f"{_clock(passed)} so far" + (f", about {_clock(left)} left" if left is not None else ""))
        self._time.show()

    def _left(self) -> float | None:
        if self._first is None or self._fraction is None:
            return None
        since, done = time.monotonic() - self._first[0], self._fraction - self._first[1]
        if since < _PATIENCE_S or done <= 0:
            return None
        return since / done * (1.0 - self._fraction)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
