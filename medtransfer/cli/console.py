"""The console: tables and JSON on standard output, errors and progress on standard error."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from medtransfer.errors import MedTransferError

DONE, FAILED, WRONG_USAGE, DONE_WITH_FAILURES = 0, 1, 2, 3


def say(text: str = "") -> None:
    """Print a line of the answer."""
    typer.echo(text)


def note(text: str) -> None:
    """Print a line that is not part of the answer."""
    typer.echo(text, err=True)


def complain(error: MedTransferError) -> None:
    """Print an error: subject, message, and what to do."""
    note(error.shown())


def say_json(data: Any) -> None:
    """Print data for scripts."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def say_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns under a head, or that there is nothing."""
    if not rows:
        say("nothing to list")
        return
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            say("  ".join("-" * width for width in widths))


class Progress:
    """Shows how far the work is: a bar on a terminal, one line per stage elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stage = ""
        self._bar: _Bar | None = _Bar() if sys.stderr.isatty() else None

    def __call__(self, stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
        """Take a report; see :data:`medtransfer.work.session.OnProgress`."""
        with self._lock:
            if self._bar is not None:
                self._bar.show(stage, fraction, values)
            elif stage != self._stage:
                note(f"{stage} ...")
            self._stage = stage

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


class _Bar:
    """One line at the bottom of the terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[values]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=None, values="")
        self._progress.start()

    def show(self, stage: str, fraction: float | None, values: Mapping[str, float]) -> None:
        figures = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        total = None if fraction is None else 1.0
        self._progress.update(self._task, description=stage, total=total, completed=fraction or 0.0, values=figures)

    def close(self) -> None:
        self._progress.stop()


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Turn the first Ctrl+C into a wish to stop that the work heeds, and the second into an end at once."""
    wish = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's arguments
        if wish.is_set():
            os._exit(FAILED)
        wish.set()
        note("stopping; press Ctrl+C again to end at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
