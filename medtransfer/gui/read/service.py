"""The analysis service: one session whose workers stay warm, so that the second analysis starts at once."""

from __future__ import annotations

import threading
from pathlib import Path

from medtransfer.gui.background import Job
from medtransfer.gui.settings import Settings
from medtransfer.hosting.guard import WorkerOptions
from medtransfer.store.home import Home
from medtransfer.study.model import Image
from medtransfer.work import analyse
from medtransfer.work.analyse import Analysed
from medtransfer.work.analyser import Options
from medtransfer.work.session import Session


class AnalysisService:
    """Analyses one image at a time; a second request waits for the first.

    Workers are started as the settings say and started anew when these change, or after :meth:`renew`.
    """

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._one_at_a_time = threading.Lock()
        self._session: Session | None = None
        self._started_with: WorkerOptions | None = None
        self._renew = threading.Event()

    def analyse(
        self, job: Job, image: Image, names: tuple[str, ...], paths: tuple[Path, ...], options: Options
    ) -> Analysed:
        """Analyse in the job's thread, with its progress and its wish to stop.

        Raises
        ------
        MedTransferError
            See :func:`medtransfer.work.analyse.analyse_image`.
        """
        with self._one_at_a_time:
            session = self._warm(self._settings.worker_options())
            session.on_progress, session.cancelled = job.on_progress, job.cancelled
            session.check()
            return analyse.analyse_image(session, image, names, paths, options)

    def renew(self) -> None:
        """Start the workers anew for the next analysis: plug-ins were changed."""
        self._renew.set()

    def close(self) -> None:
        """End the workers, after a running analysis was given up."""
        if self._session is not None:
            self._session.cancelled.set()
        with self._one_at_a_time:
            self._end()

    def _warm(self, wanted: WorkerOptions) -> Session:
        if self._renew.is_set() or wanted != self._started_with:
            self._renew.clear()
            self._end()
        if self._session is None:
            self._session = Session(self._home, options=wanted)
            self._started_with = wanted
        return self._session

    def _end(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
