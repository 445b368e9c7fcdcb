"""A lock on a file that the operating system releases by itself when its holder dies, ``kill -9`` included."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medtransfer.errors import EnvironmentFailure

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file ``path`` for the duration of the block.

    Raises
    ------
    EnvironmentFailure
        When another process holds it: ``what`` says what is going on there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        try:
            _take(stream.fileno())
        except OSError as error:
            raise EnvironmentFailure(
                f"{what} is already running in this folder",
                code="lock.held",
                hint="Wait until it is done, or choose another folder with --out.",
                subject=str(path.parent),
            ) from error
        yield
