"""The trainings and pretrainings that run in this window, and how each one ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from medtransfer.errors import MedTransferError
from medtransfer.gui.background import Job, State
from medtransfer.gui.context import Context
from medtransfer.work import learn, planning
from medtransfer.work.learn import Trained
from medtransfer.work.planning import Examination
from medtransfer.work.pretrain import Pretrained, pretrain
from medtransfer.work.pretrainings import Pretraining
from medtransfer.work.session import Session
from medtransfer.work.trainings import Training

CLOSING = "A training is running. What it has learnt is kept, and it goes on from there when you resume it."
Told = tuple[str, float | None, Mapping[str, float]]
_Made = TypeVar("_Made")


class Begun(Protocol):
    """A training or a pretraining in its folder."""

    @property
    def id(self) -> str:
        """The name of its folder."""


@dataclass
class _Run:
    job: Job
    told: list[Told] = field(default_factory=list)
    error: MedTransferError | None = None


class Runs(QObject):
    """Starts and stops trainings and pretrainings.

    ``changed`` is sent when one started or ended, ``done`` with the training and what it made, ``pretrained`` likewise,
    ``failed`` with either of them and the error, which has the code ``job.cancelled`` where the person stopped it.
    """

    changed = Signal()
    done = Signal(object, object)
    pretrained = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._runs: dict[str, _Run] = {}
        self._sheets: dict[str, Path] = {}

    def start(self, training: Training, found: Examination | None) -> Job:
        """Train, or go on training; without a look at the cases from before, they are looked at again."""

        def work(session: Session) -> Trained:
            examination = found or planning.examine(session, training.wish)
            plan = planning.settle(session, training.wish, examination)
            return learn.train(session, training.wish, plan, training.folder)

        title = f"Training {training.wish.name or training.wish.plugin}"
        return self._run(training, title, work, lambda trained: self.done.emit(training, trained))

    def pretrain(self, pretraining: Pretraining) -> Job:
        """Pretrain, or go on pretraining."""

        def begun(sheets: Path) -> None:
            self._sheets[pretraining.id] = sheets

        def work(session: Session) -> Pretrained:
            return pretrain(session, pretraining.wish, pretraining.folder, begun)

        title = f"Pretraining {pretraining.wish.name}"
        return self._run(pretraining, title, work, lambda made: self.pretrained.emit(pretraining, made))

    def stop(self, begun: Begun) -> None:
        """Ask it to stop."""
        self._runs[begun.id].job.cancel()

    def running(self, begun: Begun) -> bool:
        """Say whether it runs in this window."""
        return self.job(begun) is not None

    def job(self, begun: Begun) -> Job | None:
        """Return its job while it runs."""
        run = self._runs.get(begun.id)
        return run.job if run is not None and run.job.state is State.RUNNING else None

    def told(self, begun: Begun) -> tuple[Told, ...]:
        """Return all that it has told since it was started."""
        run = self._runs.get(begun.id)
        return tuple(run.told) if run else ()

    def error(self, begun: Begun) -> MedTransferError | None:
        """Return what it ended with in this window, unless the person stopped it."""
        run = self._runs.get(begun.id)
        return run.error if run and run.error and run.error.code != "job.cancelled" else None

    def sheets(self, pretraining: Pretraining) -> Path | None:
        """Return the folder of the reconstructions of a pretraining that ran in this window, once it is known."""
        return self._sheets.get(pretraining.id)

    def publish(
        self, trained: Trained, done: Callable[[str], None], failed: Callable[[MedTransferError], None]
    ) -> None:
        """Put a finished training's model into the list; ``done`` gets its reference."""
        home = self._context.home

        def work(job: Job) -> str:
            with Session(home, job.on_progress, job.cancelled) as session:
                return learn.publish(session, trained).reference

        self._context.background.run(f"Publishing {trained.name}", work, done, failed)

    def _run(
        self, begun: Begun, title: str, work: Callable[[Session], _Made], on_done: Callable[[_Made], object]
    ) -> Job:
        home, options = self._context.home, self._context.settings.worker_options()

        def in_session(job: Job) -> _Made:
            with Session(home, job.on_progress, job.cancelled, options) as session:
                return work(session)

        def done(made: _Made) -> None:
            self.changed.emit()
            on_done(made)

        def failed(error: MedTransferError) -> None:
            run.error = error
            self.changed.emit()
            self.failed.emit(begun, error)

        job = self._context.background.run(title, in_session, done, failed, CLOSING)
        run = self._runs[begun.id] = _Run(job)
        job.progressed.connect(lambda *told: run.told.append(told), Qt.ConnectionType.QueuedConnection)
        self.changed.emit()
        return job
