"""Long work off the window's thread: each piece is a job that shows progress, can be stopped, and ends in a signal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeGuard, TypeVar, runtime_checkable

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from medtransfer.errors import InternalError, MedTransferError

_T = TypeVar("_T")
_CANCELLED = "job.cancelled"
ENDED_KEPT = 50
_SWITCH_S = 0.001
"""How long a job may keep Python's lock each time the window's thread wants it; 5 ms by itself."""


@runtime_checkable
class _Shown(Protocol):
    """What is no widget but stands for one: a space."""

    def widget(self) -> QObject: ...


class State(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Job(QObject):
    """One piece of work. Its signals arrive on the window's thread.

    ``progressed`` carries the stage, the fraction (None where unknown) and figures for live curves; ``ended`` carries
    the job itself. ``closing`` is what a person should know before they close the window while it runs; ``started``
    and ``finished`` are by the monotonic clock in seconds.
    """

    progressed = Signal(str, object, object)
    ended = Signal(object)
    _finished = Signal(object, object)

    def __init__(self, title: str, closing: str = "") -> None:
        super().__init__()
        self.title = title
        self.closing = closing
        self.started = time.monotonic()
        self.finished: float | None = None
        self.stage = ""
        self.fraction: float | None = None
        self.state = State.RUNNING
        self.error: MedTransferError | None = None
        self.cancelled = threading.Event()
        self._on_done: Callable[[Any], None] | None = None
        self._on_failed: Callable[[MedTransferError], None] | None = None
        self._finished.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def on_progress(self, stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
        """Tell how far the work is; call it from the working thread (it fits ``medtransfer.work.session``)."""
        self.stage, self.fraction = stage, fraction
        self.progressed.emit(stage, fraction, dict(values))

    def cancel(self) -> None:
        """Ask the work to stop."""
        self.cancelled.set()

    def _finish(self, answer: object, error: object) -> None:
        on_done, on_failed = self._on_done, self._on_failed
        self._on_done = self._on_failed = None  # an ended job stays in the list, but must not keep its starter alive
        self.finished = time.monotonic()
        if isinstance(error, MedTransferError):
            self.error = error
            self.state = State.STOPPED if error.code == _CANCELLED else State.FAILED
            if _can_be_called(on_failed):
                on_failed(error)
        else:
            self.state = State.DONE
            if _can_be_called(on_done):
                on_done(answer)
        self.ended.emit(self)


class Background(QObject):
    """Starts jobs, and remembers those that run and the latest that ended for the jobs panel.

    Python is asked to take turns between threads more often, for the window to answer while jobs run.
    """

    started = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        sys.setswitchinterval(_SWITCH_S)
        self.jobs: list[Job] = []

    def run(
        self,
        title: str,
        work: Callable[[Job], _T],
        done: Callable[[_T], None] | None = None,
        failed: Callable[[MedTransferError], None] | None = None,
        closing: str = "",
    ) -> Job:
        """Run ``work`` in a thread of its own.

        ``done`` gets its answer and ``failed`` its error, both on the window's thread. Errors that are not
        MedTransferErrors become an InternalError, chained to their cause. With ``closing`` the window asks before it
        is closed while the job runs: a sentence such as "A training is running. It goes on from here when you resume."
        """
        job = Job(title, closing)
        job._on_done, job._on_failed = done, failed  # noqa: SLF001 - a job's callbacks are its starter's affair
        ended = [known for known in self.jobs if known.state is not State.RUNNING]
        self.jobs = [*self.running(), *ended[-ENDED_KEPT:], job]
        self.started.emit(job)
        thread = threading.Thread(target=_work, args=(job, work), name=title, daemon=True)
        thread.start()
        return job

    def running(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return [job for job in self.jobs if job.state is State.RUNNING]


def _can_be_called(callback: Callable[[Any], None] | None) -> TypeGuard[Callable[[Any], None]]:
    """Say whether there is somebody to tell: what the callback belongs to or holds on to may be gone by now."""
    held = [cell.cell_contents for cell in getattr(callback, "__closure__", None) or ()]
    owners = [one.widget() if isinstance(one, _Shown) else one for one in (getattr(callback, "__self__", None), *held)]
    return callback is not None and all(isValid(one) for one in owners if isinstance(one, QObject))


def _work(job: Job, work: Callable[[Job], Any]) -> None:
    try:
        answer = work(job)
    except MedTransferError as error:
        job._finished.emit(None, error)  # noqa: SLF001
    except Exception as error:  # noqa: BLE001 - whatever it is, the window must hear of it
        from medtransfer import logs

        logs.event("window.bug", kind=type(error).__name__)
        problem = InternalError(
            f"something went wrong inside medtransfer ({type(error).__name__})",
            code="bug.background",
            hint="Copy the diagnostics from the Help menu and report it.",
        )
        problem.__cause__ = error
        job._finished.emit(None, problem)  # noqa: SLF001
    else:
        job._finished.emit(answer, None)  # noqa: SLF001
