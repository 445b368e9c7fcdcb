"""Undoing the run lengths of RLE Lossless (PS3.5 annex G)."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_HEADER = 64
_MOST_SEGMENTS = 15


def unpack(frame: bytes, count: int, size: int) -> NDArray[np.unsignedinteger]:
    """Return ``count`` samples of ``size`` bytes each, unsigned.

    Raises
    ------
    ValueError, RuntimeError
        When the frame does not hold one segment for each byte of a sample, or a segment not all samples.
    """
    segments = _segments(frame)
    if len(segments) != size:
        raise ValueError(f"{len(segments)} segments for samples of {size} bytes")
    planes = np.empty((count, size), np.uint8)
    for place, segment in enumerate(segments):  # the most significant byte comes first
        if len(segment) > 2 * count + 2:  # a byte costs two at most: more would be unpacked for nothing
            raise ValueError("a segment is longer than its samples")
        plane = np.frombuffer(imagecodecs.packbits_decode(segment), np.uint8)
        if plane.size < count:
            raise ValueError("a segment ends early")
        planes[:, place] = plane[:count]
    return planes.view(f">u{size}")[:, 0]


def _segments(frame: bytes) -> list[bytes]:
    """Divide a frame by the offsets in its header, which have to ascend within it."""
    if len(frame) < _HEADER:
        raise ValueError("the header is not all there")
    count, *offsets = struct.unpack_from(f"<{_MOST_SEGMENTS + 1}L", frame)
    if not 0 < count <= _MOST_SEGMENTS:
        raise ValueError(f"{count} segments")
    ends = [*offsets[1:count], len(frame)]
    starts = offsets[:count]
    if any(not _HEADER <= start < end <= len(frame) for start, end in zip(starts, ends, strict=True)):
        raise ValueError("a segment does not lie within the frame")
    return [frame[start:end] for start, end in zip(starts, ends, strict=True)]
