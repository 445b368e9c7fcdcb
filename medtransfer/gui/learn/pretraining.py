"""Pretraining in the learning space: choose images, watch the network learn them, and train from it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui.background import Job
from medtransfer.gui.context import Context
from medtransfer.gui.learn.images import ImagesPage
from medtransfer.gui.learn.reconstruction import ReconstructionPage
from medtransfer.gui.learn.runs import Runs
from medtransfer.work import learners, pretrainings
from medtransfer.work.pretrain import Pretrained
from medtransfer.work.pretrainings import Pretraining


@dataclass(frozen=True)
class _Opened:
    """A pretraining from the list, and what it made if it is done."""

    pretraining: Pretraining
    made: Pretrained | None


class PretrainingFlow(QObject):
    """The two pages of a pretraining and what leads from one to the other.

    Signals: ``shown`` (page) when a page is to be seen, ``left`` when the person goes back to the cases, ``used``
    (pretraining) when they want to train from it.
    """

    shown = Signal(QWidget)
    left = Signal()
    used = Signal(object)

    def __init__(self, context: Context, runs: Runs) -> None:
        super().__init__()
        self._context, self._runs = context, runs
        self.current: Pretraining | None = None
        self.images = ImagesPage(context)
        self.page = ReconstructionPage()
        self.images.started.connect(self._begin)
        self.images.back.connect(self.left)
        self.page.stopped.connect(self._stop)
        self.page.resumed.connect(self._resume)
        self.page.removed.connect(self._remove)
        self.page.used.connect(self._use)
        runs.pretrained.connect(self._ended)
        runs.failed.connect(self._failed)
        self.load_plugins()

    @property
    def pages(self) -> tuple[QWidget, QWidget]:
        """Both pages."""
        return self.images, self.page

    def load_plugins(self) -> None:
        """Read which plug-ins can learn without answers."""
        home = self._context.home
        self._context.background.run(
            "Looking for plug-ins that pretrain", lambda _job: learners.pretrainers(home), self.images.show_plugins
        )

    def new(self) -> None:
        """Ask for images."""
        self.current = None
        self.shown.emit(self.images)

    def open(self, pretraining_id: str) -> None:
        """Show a pretraining where it is."""
        home = self._context.home

        def work(_job: Job) -> _Opened:
            found = pretrainings.find(home, pretraining_id)
            return _Opened(found, None if found.state == "damaged" else pretrainings.pretrained_in(found.folder))

        self._context.background.run("Opening a pretraining", work, self._show, self._say)

    def _show(self, opened: _Opened) -> None:
        self.current = pretraining = opened.pretraining
        self._describe(pretraining)
        job = self._runs.job(pretraining)
        if opened.made is not None:
            self.page.show_done(opened.made)
        elif job is not None:
            self._watch(pretraining, job)
        elif (error := self._runs.error(pretraining)) is not None:
            self.page.show_failure(error)
        else:
            self.page.show_paused()
        self.shown.emit(self.page)

    def _describe(self, pretraining: Pretraining) -> None:
        wish = pretraining.wish
        self.page.describe(wish.name, f"{wish.recipe.capitalize()} recipe, images from {wish.data.name}", {})

    def _begin(self) -> None:
        wish, home = self.images.wish, self._context.home
        if wish is not None:
            self._context.background.run(
                "Beginning a pretraining", lambda _job: pretrainings.begin(home, wish), self._start, self._say
            )

    def _resume(self) -> None:
        if self.current is not None:
            self._start(self.current)

    def _start(self, pretraining: Pretraining) -> None:
        self.current = pretraining
        self._describe(pretraining)
        self._watch(pretraining, self._runs.pretrain(pretraining))
        self.shown.emit(self.page)
        self.page.stop.setFocus()

    def _watch(self, pretraining: Pretraining, job: Job) -> None:
        self.page.look_into(lambda: self._runs.sheets(pretraining))
        self.page.watch(job, self._runs.told(pretraining))

    def _stop(self) -> None:
        if self.current is not None and self._runs.running(self.current):
            self._runs.stop(self.current)
            self.page.show_stopping()

    def _ended(self, pretraining: Pretraining, made: Pretrained) -> None:
        self._context.events.message.emit(f"The pretraining of {pretraining.wish.name} is done.")
        if self._shows(pretraining):
            self.page.show_done(made)

    def _failed(self, begun: object, error: MedTransferError) -> None:
        if not isinstance(begun, Pretraining) or not self._shows(begun):
            return
        if error.code == "job.cancelled":
            self.page.show_paused()
            self.page.resume.setFocus()
        else:
            self.page.show_failure(error)

    def _remove(self) -> None:
        current = self.current
        if current is not None and not self._runs.running(current):
            self._context.background.run(
                "Removing a pretraining",
                lambda _job: pretrainings.remove(current),
                lambda _none: self._runs.changed.emit(),
                self._say,
            )
            self.left.emit()

    def _use(self) -> None:
        if self.current is not None:
            self.used.emit(self.current)

    def _shows(self, pretraining: Pretraining) -> bool:
        return self.current is not None and self.current.id == pretraining.id

    def _say(self, error: MedTransferError) -> None:
        self._context.events.message.emit(error.shown().replace("\n", " "))
