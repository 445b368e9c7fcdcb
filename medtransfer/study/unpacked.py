"""What was unpacked from an archive: numbered files in a private folder that goes when nobody needs it any more."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from functools import cache
from pathlib import Path, PurePosixPath

_PREFIX = "medtransfer-unpacked-"


class Unpacked:
    """A private temporary folder with the members of one archive.

    It is removed when the last object that refers to this one is gone, when the process ends, and, after a kill, by the
    next process that opens something. The folder's and the files' names are numbers: nothing that an archive says is
    used as a path.
    """

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{_process(os.getpid())}-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)
        self._names: dict[Path, PurePosixPath] = {}
        self._paths: dict[PurePosixPath, Path] = {}
        self._folders: dict[PurePosixPath, Path] = {}

    def add(self, name: PurePosixPath) -> Path:
        """Return a new path for the member ``name``; members of one folder lie in one folder."""
        folder = self._folders.get(name.parent)
        if folder is None:
            folder = self._folders[name.parent] = self._root / f"{len(self._folders):06d}"
            folder.mkdir()
        path = folder / f"{len(self._names):06d}"
        self._names[path] = name
        self._paths[name] = path
        return path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every member, in the order of the archive."""
        return tuple(self._names)

    def name_of(self, path: Path) -> str:
        """Return the member's own name without folders, fit to be shown."""
        return shown(self._names[path].name)

    def name_of_number(self, number: str) -> str:
        """Return the shown name of the member that is stored under ``number``; any other text as it is."""
        return next((self.name_of(path) for path in self._names if path.name == number), number)

    def beside(self, path: Path, name: str) -> Path | None:
        """Return the member called ``name`` in the same folder of the archive as ``path``, or None."""
        return self._paths.get(self._names[path].parent / name) if PurePosixPath(name).name == name else None

    def remove(self) -> None:
        """Remove the folder now."""
        self._finalizer()


def shown(text: str) -> str:
    """Return a name from a file with everything replaced that a screen or a terminal might obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


@cache
def remove_abandoned() -> None:
    """Remove, once per process, what processes left behind that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).rpartition("-")[0]
        if not folder.is_symlink() and owner != _owner_alive(owner):
            shutil.rmtree(folder, ignore_errors=True)


def _owner_alive(owner: str) -> str:
    pid = owner.partition("-")[0]
    return _process(int(pid)) if pid.isdecimal() else owner


def _process(pid: int) -> str:
    """Return the process id with the time of its start, since ids are used again; empty when there is none."""
    import psutil

    try:
        return f"{pid}-{psutil.Process(pid).create_time():.0f}"
    except psutil.Error:
        return ""
