"""Reading a file that may be zipped, no further than its header announced."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
DEFLATE_RATIO = 1032
"""No deflate stream is denser: a length and a distance of one bit each give 258 bytes (RFC 1951)."""


def opened_inflated(file: BinaryIO) -> BinaryIO:
    """Return a reader from the file's start that inflates it when it is zipped."""
    file.seek(0)
    zipped = file.read(2) == GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if zipped else file  # type: ignore[return-value] # GzipFile reads alike


class ZlibReader(io.RawIOBase):
    """Reads what a zlib stream (RFC 1950) inflates to, forwards only and a little at a time."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._inflator = zlib.decompressobj()
        self._at = 0

    def readable(self) -> bool:
        """Say that it reads."""
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override] # only ever given a memoryview
        """Inflate as much as fits; 0 at the end of the stream."""
        while not self._inflator.eof:
            packed = self._inflator.unconsumed_tail or self._file.read(_CHUNK)
            part = self._inflator.decompress(packed, len(target))
            if part:
                target[: len(part)] = part
                self._at += len(part)
                return len(part)
            if not packed:
                raise EOFError
        return 0

    def seek(self, offset: int, _whence: int = 0) -> int:
        """Inflate up to ``offset``, counted from the start of the stream, and keep nothing of it."""
        scratch = memoryview(bytearray(_CHUNK))
        while self._at < offset and self.readinto(scratch[: min(_CHUNK, offset - self._at)]):
            pass
        return self._at


def is_gzip(path: Path) -> bool:
    """Whether the file's first bytes are gzip's."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def fill(target: memoryview, file: BinaryIO) -> bool:
    """Read exactly as many bytes as the target holds, so that a bomb is never inflated further; False if too few."""
    done = 0
    while done < len(target):
        part = file.readinto(target[done : done + (1 << 24)])  # type: ignore[attr-defined] # every reader has it
        if not part:
            return False
        done += part
    return True
