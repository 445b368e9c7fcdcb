"""What a compressed frame says of itself: compared with the DICOM header before a decoder sees the frame."""

from __future__ import annotations

from dataclasses import dataclass

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Start of frame in JPEG (ITU-T T.81 table B.1: C0 to CF without DHT, JPG and DAC) and in JPEG-LS (ITU-T T.87: F7).
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7})
_JPEG2000 = b"\xff\x4f\xff\x51"  # SOC and SIZ, ITU-T T.800 annex A


@dataclass(frozen=True, slots=True)
class Codestream:
    """Size, number of components, and the bits and sign of the first component.

    ``signed`` is always false for JPEG and JPEG-LS, which do not know negative samples.
    """

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool


def describe(frame: bytes) -> Codestream | None:
    """Return what a JPEG, JPEG-LS or JPEG 2000 codestream announces, or None when it does not say."""
    start = frame.find(_JPEG2000, 0, 4096)
    if start >= 0:
        return _jpeg2000(frame, start)
    return _jpeg(frame) if frame.startswith(b"\xff\xd8") else None


def _jpeg2000(stream: bytes, start: int) -> Codestream | None:
    """Read SIZ (ITU-T T.800 table A.9): the reference grid's extent and offset, then the components."""
    if len(stream) < start + 43:
        return None
    right, bottom, left, top = (_number(stream, start + at, 4) for at in (8, 12, 16, 20))
    depth = stream[start + 42]
    return Codestream(bottom - top, right - left, _number(stream, start + 40, 2), (depth & 0x7F) + 1, depth > 0x7F)


def _jpeg(stream: bytes) -> Codestream | None:
    at = 2
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker in _FRAMES:
            rows, columns = _number(stream, at + 5, 2), _number(stream, at + 7, 2)
            return Codestream(rows, columns, stream[at + 9], stream[at + 4], signed=False)
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + _number(stream, at + 2, 2)
    return None


def _number(stream: bytes, at: int, size: int) -> int:
    return int.from_bytes(stream[at : at + size], "big")
