"""Zip and tar archives: unpacked under limits into a private folder, and never a path from inside one followed.

Only what is needed to read images is accepted: plain files, stored or deflated. Links, devices and members whose path
leads out of the archive are left out; an archive within the archive is not opened.
"""

from __future__ import annotations

import errno
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Literal

from medtransfer.errors import DataError, EnvironmentFailure
from medtransfer.study.inflate import opened_inflated
from medtransfer.study.limits import Limits
from medtransfer.study.model import Check, Level
from medtransfer.study.sniff import HEAD_BYTES, format_of, named_like_an_image
from medtransfer.study.unpacked import Unpacked

ArchiveFormat = Literal["zip", "tar"]

_READ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, RuntimeError, OverflowError,
    MemoryError, struct.error, zlib.error, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip
_CHUNK = 1 << 20
_HEADER_BYTES = 1 << 20  # of one tar member: its name in a PAX header may be long, but not longer
_ENTRY_BYTES = 160  # of one member in a zip's directory, on average; 46 without its name
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"  # APPNOTE.TXT 4.3.14 to 4.3.16
_VALUES = frozenset({".img", ".raw", ".zraw", ".gz", ".bin", ".dat"})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED_FLAG = 1


@dataclass(frozen=True, slots=True)
class Contents:
    """What was unpacked, and how many members were left out because they might lead elsewhere."""

    unpacked: Unpacked
    left_out: int

    def checks(self) -> tuple[Check, ...]:
        """Say that a series came from an archive, and whether the archive was sound."""
        found = [Check("archive.member", Level.INFO, "The series was read from an archive.")]
        if self.left_out:
            found.append(
                Check(
                    "archive.left-out",
                    Level.WARNING,
                    f"{self.left_out} entries of the archive were links, devices or paths that lead out of it.",
                    "They were left out.",
                )
            )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Member:
    """One entry: its path as the archive states it, its size in bytes once unpacked, and how to read it."""

    name: str
    size: int
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes]]


def unpack(path: Path, kind: ArchiveFormat, limits: Limits) -> Contents:
    """Unpack an archive into a private temporary folder.

    Sizes are counted as the archive announces them before anything is written, and no member is read further than
    announced.

    Raises
    ------
    DataError
        ``archive.too-many``, ``archive.too-large``, ``study.encrypted`` or ``study.damaged``.
    EnvironmentFailure
        ``disk.full`` when there is no room for it.
    """
    unpacked = Unpacked()
    try:
        with path.open("rb") as file:
            members = _zip_members(file, path, limits) if kind == "zip" else _tar_members(file)
            return Contents(unpacked, _unpack(members, unpacked, path, limits))
    except _READ_ERRORS as error:
        unpacked.remove()
        raise _damaged(path) from error
    except (DataError, EnvironmentFailure):
        unpacked.remove()
        raise


def _unpack(members: Iterator[_Member], unpacked: Unpacked, path: Path, limits: Limits) -> int:
    announced, left_out = 0, 0
    for number, member in enumerate(members, start=1):
        announced += member.size
        _require_modest(number, announced, path, limits)
        name = PurePosixPath(member.name.replace("\\", "/"))
        if member.is_folder or any(map(_is_hidden, name.parts)):
            continue
        if not member.is_file or not _stays_inside(name):
            left_out += 1
        else:
            _copy(member, name, unpacked)
    return left_out


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _stays_inside(name: PurePosixPath) -> bool:
    return bool(name.parts) and not name.is_absolute() and ".." not in name.parts and ":" not in name.parts[0]


def _require_modest(number: int, announced: int, path: Path, limits: Limits) -> None:
    if number > limits.archive_members:
        raise _refused("archive.too-many", f"holds more than {limits.archive_members:,} entries", path)
    fair = max(limits.archive_unquestioned_bytes, limits.archive_ratio * path.stat().st_size)
    if announced > min(fair, limits.archive_bytes):
        raise _refused("archive.too-large", f"would unpack to {announced:,} bytes or more", path)


def _refused(code: str, what: str, path: Path) -> DataError:
    return DataError(
        f"the archive {what}, which is more than is allowed",
        code=code,
        hint="Check that it is what it should be; if it is, unpack it first and open the folder.",
        subject=path.name,
    )


def nested(path: Path) -> DataError:
    """Return the error for an archive within an archive."""
    return DataError(
        "it is an archive within an archive, which is not opened",
        code="archive.nested",
        hint="Unpack the outer archive first and open the inner one.",
        subject=path.name,
    )


def nothing_in(path: Path) -> DataError:
    """Return the error for an archive without images."""
    return DataError(
        "the archive holds no image",
        code="study.nothing-found",
        hint="Check that it is the right one.",
        subject=path.name,
    )


def _damaged(path: Path) -> DataError:
    return DataError(
        "the archive is damaged or packed in a way that is not supported",
        code="study.damaged",
        hint="Copy it again, or unpack it first and open the folder.",
        subject=path.name,
    )


def _copy(member: _Member, name: PurePosixPath, unpacked: Unpacked) -> None:
    """Write what may be an image, at most as many bytes as announced; fewer mean that the archive is damaged."""
    with member.open() as source:
        part = source.read(min(member.size, _CHUNK))
        if not _may_be_wanted(name, part):
            return
        _require_room(member.size)
        left = member.size
        with unpacked.add(name).open("xb") as sink:
            while left:
                if not part:
                    raise EOFError
                _write(sink, part)
                left -= len(part)
                part = source.read(min(left, _CHUNK))


def _may_be_wanted(name: PurePosixPath, head: bytes) -> bool:
    """Whether it is an image by its content, promises to be one, or may hold the values to a header beside it."""
    return format_of(head[:HEAD_BYTES]) is not None or named_like_an_image(name) or name.suffix.lower() in _VALUES


def _write(sink: BinaryIO, part: bytes) -> None:
    try:
        sink.write(part)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _full() from error
        raise


def _require_room(size: int) -> None:
    if shutil.disk_usage(tempfile.gettempdir()).free < size:
        raise _full()


def _full() -> EnvironmentFailure:
    return EnvironmentFailure(
        "there is not enough room to unpack the archive",
        code="disk.full",
        hint="Free some space in the folder for temporary files, or unpack the archive elsewhere and open the folder.",
    )


def _zip_members(file: BinaryIO, path: Path, limits: Limits) -> Iterator[_Member]:
    if _directory_bytes(file) > limits.archive_members * _ENTRY_BYTES:
        raise _refused("archive.too-many", f"holds more than {limits.archive_members:,} entries", path)
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.flag_bits & _ENCRYPTED_FLAG:
                raise DataError(
                    "the archive is encrypted", code="study.encrypted", hint="Unpack it with its password first.",
                    subject=path.name,
                )  # fmt: skip
            if info.compress_type not in _METHODS:
                raise _damaged(path)
            yield _Member(
                name=info.filename,
                size=info.file_size,
                is_file=not stat.S_IFMT(mode) or stat.S_ISREG(mode),
                is_folder=info.is_dir(),
                open=lambda info=info: archive.open(info),  # type: ignore[misc] # bound at once
            )


def _directory_bytes(file: BinaryIO) -> int:
    """Return how long the zip's directory is by its own account: zipfile reads it into memory as a whole."""
    length = file.seek(0, 2)
    file.seek(max(0, length - (1 << 16) - 22))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < 22:
        raise zipfile.BadZipFile
    locator = tail[max(0, end - 20) : end]
    if locator.startswith(_LOCATOR64):
        file.seek(max(0, length - len(tail) + end - 76))
        record = file.read(56)
        file.seek(0)
        if record.startswith(_END64):
            return int.from_bytes(record[40:48], "little")
    return int.from_bytes(tail[end + 12 : end + 16], "little")


def _tar_members(file: BinaryIO) -> Iterator[_Member]:
    meter = _Meter(opened_inflated(file))
    meter.left = _HEADER_BYTES
    with tarfile.open(fileobj=meter, mode="r:", encoding="utf-8") as archive:  # type: ignore[call-overload] # reads alike
        while (info := archive.next()) is not None:
            if info.size < 0:
                raise tarfile.TarError
            meter.left = info.size + tarfile.BLOCKSIZE
            yield _Member(
                name=info.name,
                size=info.size,
                is_file=info.isreg() and not info.issparse(),
                is_folder=info.isdir(),
                open=lambda info=info: archive.extractfile(info),  # type: ignore[misc] # bound at once
            )
            meter.left = _HEADER_BYTES


class _Meter:
    """A file that may be read no further than ``left`` bytes: tarfile believes the lengths that headers state."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left = 0

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self.left:
            raise tarfile.TarError
        self.left -= size
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
