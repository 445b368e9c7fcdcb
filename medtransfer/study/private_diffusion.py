"""The b-value of a diffusion image where only the scanner's private elements state it.

DICOM's own Diffusion b-value (0018,9087) belongs to enhanced images; most scanners put it into their classic images as
a private element (PS3.5 7.8) instead: the tags are those of the makers' conformance statements.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["IS", "FL", "FD"]
Raw = Callable[[int], bytes | None]
"""Returns the bytes of an element of that tag in little endian, None when there is none."""


@dataclass(frozen=True, slots=True)
class _Maker:
    creator: str
    group: int
    element: int
    encoding: Encoding


_MAKERS = (
    _Maker("SIEMENS MR HEADER", 0x0019, 0x0C, "IS"),
    _Maker("GEMS_PARM_01", 0x0043, 0x39, "IS"),
    _Maker("Philips Imaging DD 001", 0x2001, 0x03, "FL"),
    _Maker("Image Private Header", 0x0065, 0x09, "FD"),  # United Imaging
)
_BLOCKS = range(0x10, 0x14)
"""Private creators reserve blocks of elements in the order in which they come: the first few of 240."""
_GE_MARK = 10**9
"""What GE adds to b-values of some protocols: 1000000050 stands for 50 s/mm2."""
_INTEGER = re.compile(rb" *([+-]?\d{1,12}) *(\\.*)?", re.DOTALL)
_FORMS = {"FL": "<f", "FD": "<d"}

TAGS = tuple(
    tag
    for maker in _MAKERS
    for block in _BLOCKS
    for tag in (maker.group << 16 | block, maker.group << 16 | block << 8 | maker.element)
)
"""Every element that :func:`b_value` may ask for."""


def b_value(raw: Raw) -> str:
    """Return the b-value in s/mm2 as text, empty when no known maker's element states one."""
    for maker in _MAKERS:
        for block in _BLOCKS:
            creator = raw(maker.group << 16 | block)
            if creator is not None and creator.rstrip(b" \0") == maker.creator.encode():
                stated = raw(maker.group << 16 | block << 8 | maker.element)
                return "" if stated is None else _read(stated, maker.encoding)
    return ""


def _read(stated: bytes, encoding: Encoding) -> str:
    """Return the first value: its encoding is the maker's, whatever representation the file gives it (often UN)."""
    if encoding == "IS":
        found = _INTEGER.fullmatch(stated.rstrip(b"\0"))
        return str(int(found[1]) % _GE_MARK) if found and int(found[1]) >= 0 else ""
    form = _FORMS[encoding]
    if len(stated) != struct.calcsize(form):
        return ""
    (value,) = struct.unpack(form, stated)
    return f"{value:g}" if math.isfinite(value) and value >= 0 else ""
