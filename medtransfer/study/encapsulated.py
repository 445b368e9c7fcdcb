"""One compressed frame out of a DICOM file, found by its fragments without reading the others (PS3.5 annex A.4)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from pydicom.encaps import get_frame

from medtransfer.study.dicom import Header, truncated

_ITEM = b"\xfe\xff\x00\xe0"
_HEAD = 12  # tag, VR, two reserved bytes and a length that is not defined
_item = struct.Struct("<4sL").unpack


def read_frame(header: Header) -> bytes:
    """Return the codestream of ``header.frame``.

    Raises
    ------
    DataError
        ``study.truncated`` when a fragment is not all there: decoders would fill up what is missing.
    ValueError
        When fragments cannot be told to belong to frames.
    """
    with header.path.open("rb") as file:
        file.seek(header.pixel_offset + _HEAD)
        places = _places(file, header)[1:]  # the first item is a table of offsets
        if header.frames == 1:
            return b"".join(_content(file, place, header) for place in places)
        if len(places) == header.frames:
            return _content(file, places[header.frame], header)
        file.seek(header.pixel_offset + _HEAD)
        return get_frame(file, header.frame, number_of_frames=header.frames)


def _places(file: BinaryIO, header: Header) -> list[tuple[int, int]]:
    """Return where each item's value begins, and its length; the end of the file may stand for the last delimiter."""
    found = []
    at = file.tell()
    while len(head := file.read(8)) == 8:
        tag, length = _item(head)
        if tag != _ITEM:
            break
        at += 8
        found.append((at, length))
        at += length
        file.seek(at)
    if len(found) < 2:
        raise truncated(header.path)
    return found


def _content(file: BinaryIO, place: tuple[int, int], header: Header) -> bytes:
    start, length = place
    file.seek(start)
    found = file.read(min(length, header.file_bytes))
    if len(found) < length:
        raise truncated(header.path)
    return found
