"""Opening files without making anybody wait: the list fills while headers are read, thumbnails follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from medtransfer.errors import MedTransferError
from medtransfer.gui.background import Background, Job, State
from medtransfer.gui.read.studies import Entry, StudiesModel
from medtransfer.gui.read.thumbnail import thumbnail
from medtransfer.store.home import Home
from medtransfer.work.indexing import Seen
from medtransfer.work.opening import Portion, portions
from medtransfer.work.report.numbers import counted


class Opener(QObject):
    """Reads headers into the study list.

    ``started`` carries the job, ``arrived`` the series that were just found (list of Entry), ``finished`` says that
    everything was looked at.
    """

    started = Signal(object)
    arrived = Signal(list)
    finished = Signal()
    _found = Signal(object)
    _drawn = Signal(str, QImage)
    _broken = Signal(str, object)

    def __init__(self, home: Home, background: Background, model: StudiesModel) -> None:
        super().__init__()
        self._home = home
        self._background = background
        self._model = model
        self._opened: list[Path] = []
        self._without_thumbnail: deque[Entry] = deque()
        self._drawing: Job | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self._found.connect(self._add, queued)
        self._drawn.connect(model.set_thumbnail, queued)
        self._broken.connect(model.set_broken, queued)

    @property
    def opened(self) -> list[Path]:
        """What a person opened, in their order: files and folders."""
        return list(self._opened)

    def open(self, paths: Sequence[Path]) -> Job:
        """Open files and folders; what is open already is opened again without harm."""
        wanted = [Path(path).absolute() for path in paths]
        self._opened = [path for path in self._opened if path not in wanted] + wanted
        job = self._background.run("Reading headers", lambda job: self._read(job, wanted), self._done, self._failed)
        self.started.emit(job)
        return job

    def forget(self, entry: Entry) -> None:
        """Leave out, in the next session, what was opened for this series alone."""
        others = {path for other in self._model.entries() if other is not entry for path in other.paths}
        gone = set(entry.paths) - others
        self._opened = [path for path in self._opened if path not in gone]

    def forget_all(self) -> None:
        """Open nothing in the next session."""
        self._opened.clear()

    def leave_out(self, entry: Entry) -> None:
        """Draw no thumbnail of a series that is read anyway: it would be decoded twice at the same time."""
        with suppress(ValueError):
            self._without_thumbnail.remove(entry)

    def _read(self, job: Job, paths: list[Path]) -> None:
        def tell(seen: Seen) -> None:
            known = f", {seen.unchanged:,} of them known and unchanged" if seen.unchanged else ""
            job.on_progress(f"Reading headers, {counted(seen.files, 'file')} so far{known}", None, {})

        for portion in portions(self._home, paths, job.cancelled.is_set, tell):
            self._found.emit(portion)

    def _add(self, portion: Portion) -> None:
        new = self._model.add(portion)
        self._without_thumbnail.extend(entry for entry in new if entry.series.axes != "zyx" and entry.series.usable)
        if new:
            self.arrived.emit(new)
        self._draw_more()

    def _draw_more(self, _answer: None = None) -> None:
        """Have one job, and never more, draw what waits; what arrives at its very end starts another."""
        busy = self._drawing is not None and self._drawing.state is State.RUNNING
        if self._without_thumbnail and not busy:
            self._drawing = self._background.run("Drawing thumbnails", self._draw, self._draw_more)

    def _draw(self, job: Job) -> None:
        drawn = 0
        while self._without_thumbnail:
            entry = self._without_thumbnail.popleft()
            if job.cancelled.is_set():
                self._without_thumbnail.clear()
                return
            try:
                self._drawn.emit(entry.series.uid, thumbnail(entry.series.image()))
            except MedTransferError as error:
                self._broken.emit(entry.series.uid, error)
            drawn += 1
            job.on_progress("Drawing thumbnails", drawn / (drawn + len(self._without_thumbnail)), {})

    def _done(self, _answer: None) -> None:
        self.finished.emit()

    def _failed(self, error: MedTransferError) -> None:
        self._model.add_problem(error)
        self.finished.emit()
