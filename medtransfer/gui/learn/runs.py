"""The trainings that run in this window, and how each one ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Qt, Signal

from medtransfer.errors import MedTransferError
from medtransfer.gui.background import Job, State
from medtransfer.gui.context import Context
from medtransfer.work import learn, planning
from medtransfer.work.learn import Trained
from medtransfer.work.planning import Examination
from medtransfer.work.session import Session
from medtransfer.work.trainings import Training

CLOSING = "A training is running. What it has learnt is kept, and it goes on from there when you resume it."
Told = tuple[str, float | None, Mapping[str, float]]


@dataclass
class _Run:
    job: Job
    told: list[Told] = field(default_factory=list)
    error: MedTransferError | None = None


class Runs(QObject):
    """Starts and stops trainings.

    ``changed`` is sent when one started or ended, ``done`` with the training and what it made, ``failed`` with the
    training and the error, which has the code ``job.cancelled`` where the person stopped it.
    """

    changed = Signal()
    done = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._runs: dict[str, _Run] = {}

    def start(self, training: Training, found: Examination | None) -> Job:
        """Train, or go on training; without a look at the cases from before, they are looked at again."""
        home, options = self._context.home, self._context.settings.worker_options()

        def work(job: Job) -> Trained:
            with Session(home, job.on_progress, job.cancelled, options) as session:
                examination = found or planning.examine(session, training.wish)
                plan = planning.settle(session, training.wish, examination)
                return learn.train(session, training.wish, plan, training.folder)

        def done(trained: Trained) -> None:
            self.changed.emit()
            self.done.emit(training, trained)

        def failed(error: MedTransferError) -> None:
            run.error = error
            self.changed.emit()
            self.failed.emit(training, error)

        title = f"Training {training.wish.name or training.wish.plugin}"
        job = self._context.background.run(title, work, done, failed, CLOSING)
        run = self._runs[training.id] = _Run(job)
        job.progressed.connect(lambda *told: run.told.append(told), Qt.ConnectionType.QueuedConnection)
        self.changed.emit()
        return job

    def stop(self, training: Training) -> None:
        """Ask a training to stop."""
        self._runs[training.id].job.cancel()

    def running(self, training: Training) -> bool:
        """Say whether a training runs in this window."""
        return self.job(training) is not None

    def job(self, training: Training) -> Job | None:
        """Return a training's job while it runs."""
        run = self._runs.get(training.id)
        return run.job if run is not None and run.job.state is State.RUNNING else None

    def told(self, training: Training) -> tuple[Told, ...]:
        """Return all that a training has told since it was started."""
        run = self._runs.get(training.id)
        return tuple(run.told) if run else ()

    def error(self, training: Training) -> MedTransferError | None:
        """Return what a training ended with in this window, unless the person stopped it."""
        run = self._runs.get(training.id)
        return run.error if run and run.error and run.error.code != "job.cancelled" else None

    def publish(
        self, trained: Trained, done: Callable[[str], None], failed: Callable[[MedTransferError], None]
    ) -> None:
        """Put a finished training's model into the list; ``done`` gets its reference."""
        home = self._context.home

        def work(job: Job) -> str:
            with Session(home, job.on_progress, job.cancelled) as session:
                return learn.publish(session, trained).reference

        self._context.background.run(f"Publishing {trained.name}", work, done, failed)
