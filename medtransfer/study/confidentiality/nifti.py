"""A NIfTI file without its free text and extensions; voxels and geometry stay byte for byte.

Places of the fields: nifti1.h and nifti2.h of the NIfTI data format working group (nifti.nimh.nih.gov).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import BinaryIO, cast

from medtransfer.errors import DataError
from medtransfer.study.confidentiality.changes import Changes

_PART = 1 << 20
_GZIP = b"\x1f\x8b"
# Header length, (place, length) of the text fields, and the places and formats of dim, bitpix and vox_offset.
_TEXTS_1 = {"data_type": (4, 10), "db_name": (14, 18), "descrip": (148, 80), "aux_file": (228, 24),
            "intent_name": (328, 16)}  # fmt: skip
_TEXTS_2 = {"descrip": (240, 80), "aux_file": (320, 24), "intent_name": (508, 16), "unused_str": (525, 15)}
_NO_EXTENSION = bytes(4)


def clean_nifti(source: Path, target: Path) -> Changes:
    """Write a copy without text fields, extensions and what lies behind the voxels; gzip without name and time.

    Raises
    ------
    DataError
        ``study.damaged`` or ``study.truncated``.
    """
    try:
        with source.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            if not packed:
                with target.open("wb") as out:
                    return _copy(raw, out, source)
            with (
                gzip.GzipFile(fileobj=raw) as unpacked,
                target.open("wb") as out,
                gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as repacked,
            ):
                return _copy(cast("BinaryIO", unpacked), cast("BinaryIO", repacked), source)
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        raise _damaged(source) from error


def _copy(source: BinaryIO, target: BinaryIO, path: Path) -> Changes:
    head = bytearray(source.read(4))
    order = next((order for order in "<>" if struct.unpack(f"{order}i", head)[0] in {348, 540}), "")
    if not order:
        raise _damaged(path)
    length = struct.unpack(f"{order}i", head)[0]
    head += source.read(length - 4)
    changes: Changes = Counter()
    for name, (at, size) in (_TEXTS_1 if length == 348 else _TEXTS_2).items():
        if any(head[at : at + size]):
            changes[(f"NIfTI {name}", "emptied")] += 1
            head[at : at + size] = bytes(size)
    dim, bits, offset = _layout(head, order)
    between = source.read(offset - length)
    if len(between) > 4 and any(between[:1]):
        changes[("NIfTI extensions", "removed")] += 1
    _place_voxels(head, order)
    target.write(bytes(head) + _NO_EXTENSION)
    _copy_voxels(source, target, (math.prod(dim) * bits + 7) // 8, path)
    return changes


def _layout(head: bytearray, order: str) -> tuple[list[int], int, int]:
    """Return the extents, the bits of a voxel and where the voxels begin."""
    if len(head) == 348:
        dims = struct.unpack_from(f"{order}8h", head, 40)
        bits, offset = struct.unpack_from(f"{order}h", head, 72)[0], struct.unpack_from(f"{order}f", head, 108)[0]
    else:
        dims = struct.unpack_from(f"{order}8q", head, 16)
        bits, offset = struct.unpack_from(f"{order}h", head, 14)[0], struct.unpack_from(f"{order}q", head, 168)[0]
    if not (0 < dims[0] < 8 and math.isfinite(offset) and offset >= len(head) and bits > 0):
        raise struct.error("the header makes no sense")
    return [max(1, extent) for extent in dims[1 : dims[0] + 1]], bits, int(offset)


def _place_voxels(head: bytearray, order: str) -> None:
    """State that the voxels follow the four bytes behind the header."""
    if len(head) == 348:
        struct.pack_into(f"{order}f", head, 108, 352.0)
    else:
        struct.pack_into(f"{order}q", head, 168, 544)


def _copy_voxels(source: BinaryIO, target: BinaryIO, length: int, path: Path) -> None:
    left = length
    while left:
        part = source.read(min(left, _PART))
        if not part:
            raise DataError(
                "the file ends before its voxels do",
                code="study.truncated",
                hint="Copy or export it again: the transfer was cut short.",
                subject=path.name,
            )
        target.write(part)
        left -= len(part)


def _damaged(path: Path) -> DataError:
    return DataError(
        "the NIfTI file is damaged: its header cannot be followed",
        code="study.damaged",
        hint="Copy or export it again.",
        subject=path.name,
    )
