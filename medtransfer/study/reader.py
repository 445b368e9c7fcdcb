"""What a scan asks of each file: its format, and its DICOM header. An index can answer in the file's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from medtransfer.study.limits import Limits
from medtransfer.study.sniff import Format, sniff

if TYPE_CHECKING:
    from medtransfer.study.dicom import Header


class Reader(Protocol):
    """Answers for files; both methods raise what the functions of the same purpose raise."""

    def format(self, path: Path) -> Format | None:
        """Return what :func:`medtransfer.study.sniff.sniff` returns."""

    def header(self, path: Path, limits: Limits) -> Header:
        """Return what :func:`medtransfer.study.dicom.read_header` returns."""


class Files:
    """Reads the files themselves."""

    def format(self, path: Path) -> Format | None:
        """Tell the format from the file's first bytes."""
        return sniff(path)

    def header(self, path: Path, limits: Limits) -> Header:
        """Read the file's header. Its library is imported with the first file: the command line starts without it."""
        from medtransfer.study.dicom import read_header

        return read_header(path, limits)
