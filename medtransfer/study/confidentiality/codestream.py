"""JPEG, JPEG-LS and JPEG 2000 codestreams without what is not needed to decode them: comments, EXIF, thumbnails."""

from __future__ import annotations

import re
import struct

from medtransfer.errors import DataError

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP = range(0xE0, 0xF0)
_JFIF, _ADOBE, _HP = 0xE0, 0xEE, 0xE8  # what decoders ask for the colour space; APP8 is JPEG-LS's (ITU-T T.870)
_NEEDED_APP = {_JFIF: b"JFIF\0", _ADOBE: b"Adobe", _HP: b"mrfx"}
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_J2K = b"\xff\x4f\xff\x51"
_J2K_TILE, _J2K_COM = 0x90, 0x64


def bare(stream: bytes) -> bytes:
    """Return a codestream without comments and application data; other data are returned as they are.

    The coded image is not touched (ITU-T T.81 annex B; for JPEG 2000, whose comments are left out of the main header,
    ITU-T T.800 annex A). Bytes behind the end of the image are dropped.

    Raises
    ------
    DataError
        ``deidentify.codestream`` when its segments cannot be followed.
    """
    try:
        if stream.startswith(b"\xff\xd8\xff"):
            return _bare_jpeg(stream)
        return _bare_jpeg_2000(stream) if stream.startswith(_J2K) else stream
    except (IndexError, struct.error) as error:
        raise DataError(
            "its compressed image cannot be followed to its end",
            code="deidentify.codestream",
            hint="The file is damaged: copy or export it again.",
        ) from error


def _bare_jpeg(stream: bytes) -> bytes:
    kept = [b"\xff\xd8"]
    at = 2
    while True:
        while stream[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        marker = stream[at + 1]
        if marker == _EOI:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        end = at + 2 + _length(stream, at)
        if _is_needed(marker, stream[at + 4 : end]):
            kept.append(_segment(stream, at, end, marker))
        if marker == _SOS:
            start, end = end, _end_of_scan(stream, end)
            kept.append(stream[start:end])
        at = end


def _length(stream: bytes, at: int) -> int:
    if stream[at] != 0xFF:
        raise IndexError("a marker was expected")
    return int(struct.unpack_from(">H", stream, at + 2)[0])


def _segment(stream: bytes, at: int, end: int, marker: int) -> bytes:
    """Return a segment; JFIF's without the thumbnail that may follow its 14 bytes."""
    if marker == _JFIF:
        return b"\xff\xe0\x00\x10" + stream[at + 4 : at + 16] + b"\0\0"
    return stream[at:end]


def _is_needed(marker: int, content: bytes) -> bool:
    if marker == _COM:
        return False
    return marker not in _APP or (marker in _NEEDED_APP and content.startswith(_NEEDED_APP[marker]))


def _end_of_scan(stream: bytes, start: int) -> int:
    """Return where the next marker stands that is neither a stuffed zero nor a restart.

    JPEG-LS stuffs a 0 bit behind FF instead of a zero byte (ITU-T T.87 A.1): every byte below 80 is data there.
    """
    found = _MARKER.search(stream, start)
    if found is None:
        raise IndexError("the image does not end")
    return found.start()


def _bare_jpeg_2000(stream: bytes) -> bytes:
    kept = [stream[:2]]
    at = 2
    while stream[at + 1] != _J2K_TILE:
        end = at + 2 + _length(stream, at)
        if stream[at + 1] != _J2K_COM:
            kept.append(stream[at:end])
        at = end
    last = stream.rfind(b"\xff\xd9")
    kept.append(stream[at : last + 2] if last > at else stream[at:])
    return b"".join(kept)
