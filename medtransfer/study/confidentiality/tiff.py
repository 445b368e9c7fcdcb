"""TIFF and EXIF structures: the orientation that they state, and a TIFF with everything blanked that decodes nothing.

TIFF 6.0, section 2; BigTIFF differs in the widths of its counts and offsets alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_ORIENTATION = 0x0112
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_DATA = {273: 279, 324: 325}  # where strips and tiles lie, and the tags that say how long they are
# What decodes the pixels: sizes, depth, compression, strips, tiles, palette, prediction, colour and JPEG tables.
_KEPT = frozenset({
    254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 292, 293, 296, 317,
    320, 321, 322, 323, 324, 325, 332, 334, 338, 339, 340, 341, 347, 529, 530, 531, 532,
})  # fmt: skip
_MAXIMUM_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a directory: where it stands, and where its values are."""

    tag: int
    kind: int
    count: int
    at: int
    values_at: int

    @property
    def length(self) -> int:
        return _WIDTHS.get(self.kind, 1) * self.count


class _Reader:
    """The structure of a TIFF in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.order: Literal["<", ">"] = {b"II": "<", b"MM": ">"}[content[:2]]  # type: ignore[assignment]  # one of two
        self.big = self.number(2, "H") == 43
        self.word = "Q" if self.big else "I"
        self.head = 16 if self.big else 8

    def number(self, at: int, kind: str) -> int:
        return int(struct.unpack_from(f"{self.order}{kind}", self.content, at)[0])

    def first(self) -> int:
        return self.number(8 if self.big else 4, self.word)

    def entries(self, directory: int) -> tuple[list[_Entry], int]:
        """Return a directory's entries, and where the place of the next directory is stated."""
        count_kind, size, inline = ("Q", 20, 8) if self.big else ("H", 12, 4)
        count = self.number(directory, count_kind)
        start = directory + struct.calcsize(f"<{count_kind}")
        if start + size * count > len(self.content):
            raise IndexError("a directory is longer than the file")
        return [self._entry(start + size * n, inline) for n in range(count)], start + size * count

    def _entry(self, at: int, inline: int) -> _Entry:
        tag, kind = self.number(at, "H"), self.number(at + 2, "H")
        count = self.number(at + 4, self.word)
        values = at + 4 + struct.calcsize(f"<{self.word}")
        fits = _WIDTHS.get(kind, 1) * count <= inline
        return _Entry(tag, kind, count, at, values if fits else self.number(values, self.word))

    def values(self, entry: _Entry) -> Iterator[int]:
        kind = {3: "H", 4: "I", 16: "Q"}[entry.kind]
        width = _WIDTHS[entry.kind]
        return (self.number(entry.values_at + width * n, kind) for n in range(entry.count))


def orientation_in(exif: bytes) -> int:
    """Return the orientation (1 to 8) that EXIF data state; 1 when they state none or make no sense."""
    try:
        reader = _Reader(exif)
        entries, _ = reader.entries(reader.first())
        return next((next(reader.values(entry)) for entry in entries if entry.tag == _ORIENTATION), 1)
    except (IndexError, KeyError, struct.error, StopIteration):
        return 1


def minimal_exif(orientation: int) -> bytes:
    """Return EXIF data that state the orientation and nothing else."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)


def bare_tiff(content: bytes) -> bytes:
    """Return a TIFF of the same layout in which every byte is zero that is not needed to decode its pages.

    Raises
    ------
    IndexError, KeyError, struct.error
        When its structure cannot be followed.
    """
    reader = _Reader(content)
    blank = bytearray(len(content))
    _carry(content, blank, 0, reader.head)
    directory, seen = reader.first(), set[int]()
    while directory:
        if directory in seen or len(seen) >= _MAXIMUM_PAGES:
            raise IndexError("the directories do not end")
        seen.add(directory)
        directory = _carry_page(reader, blank, directory)
    return bytes(blank)


def _carry_page(reader: _Reader, blank: bytearray, directory: int) -> int:
    """Copy one page's directory, values and pixels; return where the next page's directory is."""
    entries, link = reader.entries(directory)
    kept = {entry.tag: entry for entry in entries if entry.tag in _KEPT}
    start = entries[0].at if entries else link
    size = 20 if reader.big else 12
    struct.pack_into(f"{reader.order}{'Q' if reader.big else 'H'}", blank, directory, len(kept))
    for number, entry in enumerate(kept.values()):
        blank[start + size * number : start + size * (number + 1)] = reader.content[entry.at : entry.at + size]
        if not entry.at < entry.values_at < entry.at + size:
            _carry(reader.content, blank, entry.values_at, entry.length)
    following = reader.number(link, reader.word)
    struct.pack_into(f"{reader.order}{reader.word}", blank, start + size * len(kept), following)
    for place, length in _DATA.items():
        if place in kept:
            for at, count in zip(reader.values(kept[place]), reader.values(kept[length]), strict=True):
                _carry(reader.content, blank, at, count)
    return following


def _carry(content: bytes, blank: bytearray, at: int, length: int) -> None:
    if at + length > len(content):
        raise IndexError("a part lies behind the end of the file")
    blank[at : at + length] = content[at : at + length]
