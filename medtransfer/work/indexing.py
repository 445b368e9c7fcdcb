"""Reading a folder tree through the index: a file that has not changed since it was last read is not opened."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from medtransfer import logs
from medtransfer.errors import EnvironmentFailure
from medtransfer.store import index
from medtransfer.store.home import Home
from medtransfer.study.reader import Files

if TYPE_CHECKING:
    from medtransfer.store.answers import Answer
    from medtransfer.study.dicom import Header
    from medtransfer.study.limits import Limits
    from medtransfer.study.sniff import Format

BATCH = 200
"""Files read between two commits: what a kill costs at most."""
_SETTLED_NS = 2_000_000_000
"""A file written more recently than this may change again within the resolution of its time stamp (2 s on FAT)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How many files were looked at: read in this run, or unchanged and taken from the index."""

    read: int = 0
    unchanged: int = 0

    @property
    def files(self) -> int:
        """All of them."""
        return self.read + self.unchanged


OnSeen = Callable[[Seen], None]


def ignore(seen: Seen) -> None:
    """Tell nobody."""


class IndexedReader:
    """Answers for the files of the folder that was entered last; reads the file itself where the index has no answer.

    An index that cannot be used makes reading slower and stops nothing. Use it in one thread.
    """

    def __init__(self, home: Home, on_seen: OnSeen) -> None:
        self._home = home
        self._on_seen = on_seen
        self._files = Files()
        self._stack = ExitStack()
        self._index: index.FolderIndex | None = None
        self._answers: dict[Path, Answer] = {}
        self._entered: list[Path] = []
        self.seen = Seen()

    def __enter__(self) -> Self:
        try:
            self._index = self._stack.enter_context(index.opened(self._home))
        except (sqlite3.Error, OSError, EnvironmentFailure) as error:
            self._go_on_without(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def enter(self, folder: Path, names: Sequence[str], stopped: Callable[[], bool]) -> None:
        """Read what is new or changed among the files of a folder, and keep it; after a stop the rest is left."""
        self._entered.append(folder)
        self._answers = {}
        stamps = _stamps(folder, names)
        known = self._known(folder)
        unchanged = {name for name, stamp in stamps.items() if name in known and known[name].stamp == stamp}
        self._answers = {folder / name: known[name].answer for name in unchanged}
        self._count(unchanged=len(unchanged))
        self._keep(folder, {}, known.keys() - set(names))
        changed = [name for name in names if name not in unchanged]
        for start in range(0, len(changed), BATCH):
            if stopped():
                return
            self._read(folder, changed[start : start + BATCH], stamps)

    def leave(self, root: Path) -> None:
        """Drop what was below ``root`` and was not entered; call it when the whole tree was walked."""
        if self._index is not None:
            try:
                self._index.drop_missing(root, self._entered)
            except sqlite3.Error as error:
                self._go_on_without(error)
        self._entered = []

    def format(self, path: Path) -> Format | None:
        """Return the format of a file, without opening it when the index knows it."""
        answer = self._answers.get(path)
        return self._files.format(path) if answer is None else answer.format

    def header(self, path: Path, limits: Limits) -> Header:
        """Return the header of a DICOM file, without opening it when the index knows it."""
        answer = self._answers.get(path)
        if answer is None:
            return self._files.header(path, limits)
        from medtransfer.store.answers import header_of

        return header_of(answer, path)

    def _read(self, folder: Path, names: Sequence[str], stamps: dict[str, str]) -> None:
        from medtransfer.store.answers import examine

        answers = {name: examine(folder / name) for name in names}
        found = {name: answer for name, answer in answers.items() if answer is not None}
        self._answers |= {folder / name: answer for name, answer in found.items()}
        self._keep(folder, {name: index.Row(stamps[name], found[name]) for name in found if name in stamps})
        self._count(read=len(names))

    def _known(self, folder: Path) -> dict[str, index.Row]:
        if self._index is None:
            return {}
        try:
            return self._index.rows(folder)
        except sqlite3.Error as error:
            self._go_on_without(error)
            return {}

    def _keep(self, folder: Path, rows: dict[str, index.Row], gone: Collection[str] = ()) -> None:
        if self._index is not None:
            try:
                self._index.keep(folder, rows, gone)
            except sqlite3.Error as error:
                self._go_on_without(error)

    def _count(self, read: int = 0, unchanged: int = 0) -> None:
        self.seen = Seen(self.seen.read + read, self.seen.unchanged + unchanged)
        self._on_seen(self.seen)

    def _go_on_without(self, error: Exception) -> None:
        self._index = None
        logs.event("index.unusable", kind=type(error).__name__.lower())


def size(home: Home) -> index.Size:
    """Return how much the index holds.

    Raises
    ------
    EnvironmentFailure
        When it cannot be used.
    """
    with _explained(), index.opened(home) as opened:
        return opened.size()


def clear(home: Home) -> None:
    """Forget every folder: the names, dates and descriptions in the index are gone from the disk.

    Raises
    ------
    EnvironmentFailure
        When another process is writing to it for too long.
    """
    with _explained():
        index.clear(home)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise EnvironmentFailure(
            f"the index of folders cannot be used ({error})",
            code="index.unusable",
            hint="Close other windows of medtransfer and try again; check that the disk is not full.",
        ) from error


def _stamps(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return size, time and inode of the files that have settled, by name."""
    wanted, settled = set(names), time.time_ns() - _SETTLED_NS
    stamps = {}
    with os.scandir(folder) as listing:
        for entry in listing:
            if entry.name in wanted:
                try:
                    state = entry.stat()
                except OSError:  # a link to nowhere, or a file that was deleted meanwhile: opening it will say so
                    continue
                if state.st_mtime_ns < settled:
                    stamps[entry.name] = f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
    return stamps
