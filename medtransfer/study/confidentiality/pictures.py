"""PNG, JPEG, TIFF and BMP files without EXIF, comments, thumbnails and hidden bytes; the coded pixels stay as they are.

The orientation is kept, because the picture would lie on its side without it.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path

from medtransfer.errors import DataError
from medtransfer.study.confidentiality.changes import Changes
from medtransfer.study.confidentiality.codestream import bare
from medtransfer.study.confidentiality.tiff import bare_tiff, minimal_exif, orientation_in

_PNG = b"\x89PNG\r\n\x1a\n"
# Chunks that decode and show the picture (PNG, third edition, 11.3); all others are text, time, EXIF or unknown.
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs", b"bKGD"})
_EXIF_SEGMENT = b"Exif\0\0"
_TURNED = range(2, 9)
_V5_PROFILE = slice(14 + 112, 14 + 120)  # bV5ProfileData and bV5ProfileSize


def clean_picture(source: Path, target: Path) -> Changes:
    """Write a copy without metadata.

    Raises
    ------
    DataError
        ``study.damaged`` when the file's structure cannot be followed.
    """
    content = source.read_bytes()
    try:
        cleaned = _cleaned(content)
    except (IndexError, struct.error, KeyError, ValueError, OverflowError, DataError) as error:
        raise DataError(
            "the picture is damaged: its parts cannot be followed to the end",
            code="study.damaged",
            hint="Copy or export it again.",
            subject=source.name,
        ) from error
    target.write_bytes(cleaned)
    changes: Changes = Counter()
    if cleaned != content:
        changes[("picture metadata", "removed")] += 1
    return changes


def _cleaned(content: bytes) -> bytes:
    if content.startswith(_PNG):
        return _bare_png(content)
    if content.startswith(b"\xff\xd8"):
        return _bare_jpeg(content)
    return _bare_bmp(content) if content.startswith(b"BM") else bare_tiff(content)


def _bare_png(content: bytes) -> bytes:
    kept, at = [_PNG], len(_PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if end > len(content):
            raise IndexError("a chunk is longer than the file")
        if kind in _PNG_KEPT:
            kept.append(content[at:end])
        elif kind == b"eXIf":
            turned = orientation_in(content[at + 8 : end - 4])
            kept.extend([_chunk(b"eXIf", minimal_exif(turned))] if turned in _TURNED else [])
        elif kind == b"IEND":
            return b"".join((*kept, _chunk(b"IEND", b"")))
        at = end


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bare_jpeg(content: bytes) -> bytes:
    stripped = bare(content)
    at = content.find(_EXIF_SEGMENT, 0, 1 << 16)
    turned = orientation_in(content[at + len(_EXIF_SEGMENT) :]) if at > 0 else 1
    if turned not in _TURNED:
        return stripped
    exif = _EXIF_SEGMENT + minimal_exif(turned)
    return stripped[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + stripped[2:]


def _bare_bmp(content: bytes) -> bytes:
    """Keep the header, the palette and the pixels; a profile, its file name and what follows the pixels go."""
    pixels, header = struct.unpack_from("<II", content, 10)
    if header < 40:
        width, height, planes, bits = struct.unpack_from("<HHHH", content, 18)
        compression = coded = 0
    else:
        width, height, planes, bits, compression, coded = struct.unpack_from("<iiHHII", content, 18)
    row = (abs(width) * planes * bits + 31) // 32 * 4
    size = coded if compression in {1, 2, 4, 5} else row * abs(height)
    if pixels + size > len(content):
        raise IndexError("the file ends before its pixels do")
    cleaned = bytearray(content[: pixels + size])
    cleaned[2:10] = struct.pack("<II", len(cleaned), 0)
    if header >= 124:
        cleaned[_V5_PROFILE] = bytes(8)
        cleaned[14 + 56 : 14 + 60] = b"BGRs"  # bV5CSType LCS_sRGB: a profile that is gone must not be asked for
    return bytes(cleaned)
