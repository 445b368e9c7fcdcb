"""The size that a compressed frame announces itself: compared with the DICOM header before a decoder sees the frame."""

from __future__ import annotations

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Start of frame in JPEG (ITU-T T.81 table B.1: C0 to CF without DHT, JPG and DAC) and in JPEG-LS (ITU-T T.87: F7).
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7})
_JPEG2000 = b"\xff\x4f\xff\x51"  # SOC and SIZ, ITU-T T.800 annex A


def dimensions(frame: bytes) -> tuple[int, int] | None:
    """Return ``(rows, columns)`` of a JPEG, JPEG-LS or JPEG 2000 codestream, or None when it does not say."""
    start = frame.find(_JPEG2000, 0, 4096)
    if start >= 0:
        return _jpeg2000(frame[start:])
    return _jpeg(frame) if frame.startswith(b"\xff\xd8") else None


def _jpeg2000(stream: bytes) -> tuple[int, int] | None:
    if len(stream) < 24:
        return None
    right, bottom, left, top = (int.from_bytes(stream[at : at + 4], "big") for at in (8, 12, 16, 20))
    return bottom - top, right - left


def _jpeg(stream: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker in _FRAMES:
            return int.from_bytes(stream[at + 5 : at + 7], "big"), int.from_bytes(stream[at + 7 : at + 9], "big")
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None
