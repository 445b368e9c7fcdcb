"""The values of a volume as a file stores them in one block: plain or packed, one volume or several one after another.

NIfTI, NRRD and MetaImage differ in their headers and agree in this.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from medtransfer.errors import DataError
from medtransfer.study.inflate import DEFLATE_RATIO, ZlibReader, fill
from medtransfer.study.limits import Limits, require_within

Packing = Literal["plain", "gzip", "zlib"]

READ_ERRORS = (OSError, EOFError, ValueError, TypeError, KeyError, OverflowError, struct.error, zlib.error)

_TRAILER = 1 << 20  # what may follow the values: more is left unread
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class Voxels:
    """Where the values lie and what they mean.

    Attributes
    ----------
    header
        The file that was opened, for messages.
    path
        The file with the values; the same, or one beside it.
    start
        Where the block begins in the file, in bytes.
    offset
        Where the first volume begins in the block, in bytes, once it is unpacked.
    shape
        Of one volume: ``(z, y, x)``, x fastest in the file.
    dtype
        As stored, in the file's byte order.
    volumes
        How many volumes follow one another.
    slope, intercept
        Stored values times slope plus intercept are the values.
    """

    header: Path
    path: Path
    start: int
    offset: int
    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    packing: Packing = "plain"
    volumes: int = 1
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def volume_bytes(self) -> int:
        """Bytes of one volume as stored."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def require_sound(self, limits: Limits) -> None:
        """Compare what the header announces with the limits and with the length of the file.

        Raises
        ------
        DataError
            ``study.too-large`` when one volume exceeds the limit, ``study.truncated`` when the file cannot hold all.
        """
        require_within(self.volume_bytes, limits.image_bytes, self.header)
        capacity = (self.path.stat().st_size - self.start) * (1 if self.packing == "plain" else DEFLATE_RATIO)
        if min(self.start, self.offset) < 0 or self.offset + self.volume_bytes * self.volumes > capacity:
            raise truncated(self.header)

    def read(self, index: int = 0) -> NDArray[np.generic]:
        """Read one volume ``(z, y, x)``; of a packed file, everything before it is unpacked, too.

        Returns
        -------
        numpy.ndarray
            int16 when values are whole and fit, else float32 when floating or scaled, else the stored type; native
            byte order.

        Raises
        ------
        DataError
            ``study.truncated`` or ``study.damaged``.
        """
        return _compact(self.stored(index), self.slope, self.intercept)

    def stored(self, index: int = 0) -> NDArray[np.generic]:
        """Read one volume ``(z, y, x)`` as the file has it: of :attr:`dtype`, without slope and intercept.

        Raises
        ------
        DataError
            ``study.truncated`` or ``study.damaged``.
        """
        values = np.empty(self.shape, dtype=self.dtype)
        try:
            with self.path.open("rb") as raw:
                raw.seek(self.start)
                file = _unpacked(raw, self.packing)
                skipped = self.offset + index * self.volume_bytes
                file.seek(self.start + skipped if self.packing == "plain" else skipped)
                complete = fill(values.data.cast("B"), file)
                if index == self.volumes - 1:
                    file.read(_TRAILER)  # at the end of a packed file its checksum is compared
        except EOFError as error:
            raise truncated(self.header) from error
        except READ_ERRORS as error:
            raise damaged(self.header) from error
        if not complete:
            raise truncated(self.header)
        return values


def damaged(path: Path) -> DataError:
    """Return the error for a file whose header or packing cannot be followed."""
    return DataError("the file is damaged", code="study.damaged", hint="Copy or export it again.", subject=path.name)


def truncated(path: Path) -> DataError:
    """Return the error for a file that ends too early."""
    return DataError(
        "the file ends before its values do",
        code="study.truncated",
        hint="Copy or export it again: the transfer was cut short.",
        subject=path.name,
    )


def _unpacked(file: BinaryIO, packing: Packing) -> BinaryIO:
    if packing == "gzip":
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value] # GzipFile reads alike
    return ZlibReader(file) if packing == "zlib" else file  # type: ignore[return-value] # and so does this


def _compact(values: NDArray[np.generic], slope: float, intercept: float) -> NDArray[np.generic]:
    if values.dtype.kind == "f" or not (_is_whole(slope) and _is_whole(intercept)):
        return _floating(values, slope, intercept)
    if (slope, intercept) != (1.0, 0.0):
        ends = [int(end) * int(slope) + int(intercept) for end in (values.min(), values.max())]
        if min(ends) < _INT16.min or max(ends) > _INT16.max:
            return _floating(values, slope, intercept)
        scaled = np.empty(values.shape, np.int16)
        for target, plane in zip(scaled, values, strict=True):
            target[...] = plane.astype(np.int64) * int(slope) + int(intercept)
        return scaled
    if values.dtype.itemsize > 2 and values.min() >= _INT16.min and values.max() <= _INT16.max:
        return values.astype(np.int16)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _floating(values: NDArray[np.generic], slope: float, intercept: float) -> NDArray[np.float32]:
    """Scale a plane at a time in double precision; what float32 cannot hold becomes infinite and is told of."""
    scaled = np.empty(values.shape, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for target, plane in zip(scaled, values, strict=True):
            target[...] = plane if (slope, intercept) == (1.0, 0.0) else plane.astype(np.float64) * slope + intercept
    return scaled


def _is_whole(number: float) -> bool:
    """Whether a factor is a whole number of 32 bits: products of larger ones with int16 would not fit into int64."""
    return number.is_integer() and abs(number) < 2**31
