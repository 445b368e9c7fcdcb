"""The assembly line of a batch: one thread reads, one per worker computes, and the caller writes down what came out.

Reading is ahead of computing by at most two cases per worker, so memory and disk do not grow with the batch.
"""

from __future__ import annotations

import hashlib
import queue
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from medtransfer.contract.manifest import Input
from medtransfer.errors import DataError, MedTransferError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.hosting.guard import WorkerOptions, usable_cores
from medtransfer.hosting.process import Worker
from medtransfer.result.model import Result
from medtransfer.store import jobs
from medtransfer.study import Scan
from medtransfer.study.model import Series
from medtransfer.work import inputs
from medtransfer.work.analyser import Analyser, Prepared
from medtransfer.work.ledger import Answer, Entry, Ledger
from medtransfer.work.session import start_worker
from medtransfer.work.walk import Unit, walk

CASES = "cases"
_AHEAD = 2
_PATIENCE_S = 0.2
_FATAL = frozenset({"disk.full", jobs.CANCELLED})
"""What ends the whole batch rather than one case."""


@dataclass(frozen=True)
class _Waiting:
    """A case that was read and waits for a worker."""

    entry: Entry
    paths: tuple[Path, ...]
    prepared: Prepared


class Assembly:
    """The line for one batch; :meth:`run` yields the ledger's entries as they come.

    Parameters
    ----------
    analyser
        The model and where to put what waits.
    plugin
        Whose workers compute.
    wanted
        What the plug-in takes.
    folder, out
        Where the cases are and where their results go.
    ledger
        What is done already; only read here.
    """

    def __init__(
        self, analyser: Analyser, plugin: PluginEntry, wanted: Input, folder: Path, out: Path, ledger: Ledger
    ) -> None:
        self._analyser = analyser
        self._plugin = plugin
        self._wanted = wanted
        self._folder = folder
        self._out = out
        self._ledger = ledger
        self._stop = threading.Event()
        self._outcomes: queue.Queue[Entry] = queue.Queue()
        self._found = 0
        self._all_found = False

    def run(self, workers: int) -> Iterator[Entry]:
        """Yield an entry per case, in the order in which they are finished.

        Raises
        ------
        MedTransferError
            When the batch as a whole cannot go on.
        """
        options = WorkerOptions(threads=max(1, usable_cores() // workers))
        line: queue.Queue[_Waiting | None] = queue.Queue(_AHEAD * workers)
        with ThreadPoolExecutor(workers + 1, thread_name_prefix="batch") as pool:
            tasks = [pool.submit(self._read, line, workers)]
            tasks += [pool.submit(self._compute, line, options) for _ in range(workers)]
            try:
                yield from self._collect(tasks)
            finally:
                self._stop.set()
        for task in tasks:
            task.result()

    @property
    def fraction(self) -> float | None:
        """Share of the cases that are ended; None while the folder is still being walked."""
        ended = self._ledger.counts.total()
        return ended / max(self._found, ended, 1) if self._all_found else None

    def _collect(self, tasks: list[Future[None]]) -> Iterator[Entry]:
        while True:
            over = all(task.done() for task in tasks)
            broken = any(task.done() and task.exception() for task in tasks)
            try:
                yield self._outcomes.get(timeout=0 if over else _PATIENCE_S)
            except queue.Empty:
                if over or broken:
                    return
            if self._analyser.session.cancelled.is_set():
                self._stop.set()

    def _read(self, line: queue.Queue[_Waiting | None], workers: int) -> None:
        self._found = self._ledger.counts.total()
        for unit in walk(self._folder, self._out):
            if not self._ledger.has_unit(unit.key):
                for waiting in self._unit(unit):
                    self._put(line, waiting)
            self._analyser.session.check()
            if self._stop.is_set():
                return
        self._all_found = True
        for _ in range(workers):
            self._put(line, None)

    def _unit(self, unit: Unit) -> Iterator[_Waiting]:
        """Open the files of a unit; what fails or does not suit goes straight to the outcomes."""
        try:
            scan = inputs.scan(unit.paths)
        except DataError as error:
            scan = Scan((), (error,))
        found = inputs.series_of(scan, self._analyser.options.modality)
        of = len(found) + len(scan.problems)
        self._found += of - self._ledger.count_of(unit.key)
        for number, problem in enumerate(scan.problems):
            blank = Entry(
                unit=unit.key, of=of, case=_case(unit, f"unreadable {number}"), file=unit.name, status="failed"
            )
            if not self._ledger.has_case(blank.case):
                self._fail(blank.model_copy(update={"file": _file_of(unit, problem)}), problem)
        for series in found:
            blank = Entry(
                unit=unit.key,
                of=of,
                case=_case(unit, series.uid),
                file=unit.name,
                modality=series.modality,
                status="skipped",
            )
            if not self._ledger.has_case(blank.case):
                yield from self._series(blank, unit, series)

    def _series(self, blank: Entry, unit: Unit, series: Series) -> Iterator[_Waiting]:
        if reason := inputs.reason_against(series, self._wanted):
            update = {"status": "skipped" if series.usable else "failed", "code": "input.unsuitable"}
            self._outcomes.put(blank.model_copy(update={**update, "message": reason}))
            return
        try:
            yield _Waiting(blank, unit.paths, self._analyser.prepare(series))
        except MedTransferError as error:
            self._fail(blank, error)

    def _compute(self, line: queue.Queue[_Waiting | None], options: WorkerOptions) -> None:
        with start_worker(self._plugin, self._analyser.session.cancelled, options) as worker:
            while not self._stop.is_set():
                try:
                    waiting = line.get(timeout=_PATIENCE_S)
                except queue.Empty:
                    continue
                if waiting is None:
                    return
                try:
                    self._outcomes.put(self._finish(worker, waiting))
                except MedTransferError as error:
                    self._fail(waiting.entry, error)
                finally:
                    shutil.rmtree(waiting.prepared.folder, ignore_errors=True)

    def _finish(self, worker: Worker, waiting: _Waiting) -> Entry:
        result = self._analyser.compute(worker, waiting.prepared)
        folder = f"{CASES}/{waiting.entry.case}"
        self._analyser.deliver(waiting.prepared, result, self._out / folder, waiting.paths)
        return waiting.entry.model_copy(
            update={
                "status": "done",
                "folder": folder,
                "answers": _answers(result),
                "notices": [notice.code for notice in result.notices],
            }
        )

    def _fail(self, entry: Entry, error: MedTransferError) -> None:
        if error.code in _FATAL:
            raise error
        update = {"status": "failed", "code": error.code, "message": error.message, "hint": error.hint}
        self._outcomes.put(entry.model_copy(update=update))

    def _put(self, line: queue.Queue[_Waiting | None], waiting: _Waiting | None) -> None:
        while not self._stop.is_set():
            try:
                line.put(waiting, timeout=_PATIENCE_S)
            except queue.Full:
                continue
            return


def _file_of(unit: Unit, problem: DataError) -> str:
    """Return the name of the file that could not be read, as precisely as it is known."""
    if len(unit.paths) == 1 or not problem.subject:
        return unit.name
    return f"{unit.name}/{problem.subject}".removeprefix("./")


def _case(unit: Unit, series_uid: str) -> str:
    return hashlib.sha256(f"{unit.key}\0{series_uid}".encode()).hexdigest()[:16]


def _answers(result: Result) -> dict[str, Answer]:
    return {
        finding.label: Answer(probability=finding.probability, positive=finding.positive) for finding in result.findings
    }
