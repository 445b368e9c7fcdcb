"""What every use case works with: the store, the person's ear, and workers that stay warm between jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from medtransfer.contract.manifest import Manifest, Verb
from medtransfer.contract.messages import Log, Progress
from medtransfer.errors import PluginError, UserError
from medtransfer.hosting import catalogue
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.hosting.guard import WorkerOptions
from medtransfer.hosting.process import Worker
from medtransfer.store import jobs
from medtransfer.store.home import Home

OnProgress = Callable[[str, float | None, Mapping[str, float]], None]
"""Called with what is being done, how far it is (0 to 1, None where that is unknown) and figures such as the loss."""


def silent(stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
    """Report progress to nobody."""


class Session:
    """One person's run of one or several use cases. Close it to end the workers.

    Parameters
    ----------
    home
        The store.
    on_progress
        Told how far the work is; called from whichever thread does the work.
    cancelled
        Set it, from any thread, to stop the work.
    options
        How workers are run; None for the usual way.
    """

    def __init__(
        self,
        home: Home,
        on_progress: OnProgress = silent,
        cancelled: threading.Event | None = None,
        options: WorkerOptions | None = None,
    ) -> None:
        self.home = home
        self.on_progress = on_progress
        self.cancelled = cancelled or threading.Event()
        self._options = options
        self._workers: dict[str, Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        while self._workers:
            self._workers.popitem()[1].close()

    def check(self) -> None:
        """Stop here if the person asked for it.

        Raises
        ------
        UserError
            With code ``job.cancelled``.
        """
        if self.cancelled.is_set():
            raise UserError(
                "stopped as you asked", code=jobs.CANCELLED, hint="Give the same command again to go on where it can."
            )

    def worker(self, entry: PluginEntry) -> Worker:
        """Return the plug-in's worker, which stays warm from job to job."""
        if entry.id not in self._workers:
            self.on_progress("starting the plug-in", None, {})
            self._workers[entry.id] = start_worker(entry, self.cancelled, self._options)
        return self._workers[entry.id]

    def run(self, worker: Worker, verb: Verb, folder: Path) -> None:
        """Run one job, handing on its progress.

        Raises
        ------
        MedTransferError
            What the job failed with, or the error with code ``job.cancelled``.
        """

        def hear(message: Progress | Log) -> None:
            if message.type == "progress":
                self.on_progress(message.stage, message.fraction, message.values)

        worker.run(verb, folder, hear, self.cancelled.is_set)


def start_worker(entry: PluginEntry, cancelled: threading.Event, options: WorkerOptions | None = None) -> Worker:
    """Start a worker; the caller closes it.

    Raises
    ------
    MedTransferError
        When the plug-in cannot be loaded, or the person wishes to stop.
    """
    worker = Worker()
    worker.start(entry, options, cancelled.is_set)
    return worker


def usable(home: Home, plugin_id: str) -> tuple[PluginEntry, Manifest]:
    """Return a plug-in that can run, with its manifest.

    Raises
    ------
    UserError, PluginError
        When there is no such plug-in, it is switched off, or it cannot be used.
    """
    entry = catalogue.get(home.root, plugin_id)
    if entry.manifest is None:
        raise PluginError(
            "the plug-in has no readable manifest",
            code="plugin.unusable",
            hint="`medtransfer plugin list` says more.",
            subject=plugin_id,
        )
    return entry, entry.manifest
