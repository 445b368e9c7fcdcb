"""DICOM without a preamble: old archives and some scanners write the data set alone, which has no magic number."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

_ELEMENTS = 4
_LONGEST = 1024  # the first elements are dates, times, UIDs and words
# PS3.5 table 6.2-1: those that may stand in groups 0002 and 0008; the long ones have a length of four bytes (7.1.2).
_SHORT = frozenset(
    {b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"PN", b"SH", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_LONG = frozenset({b"OB", b"UN", b"UT", b"UC", b"UR"})
_GROUPS = frozenset({0x0002, 0x0008})


def starts_like_dicom(head: bytes) -> bool:
    """Whether a file begins as a data set would: elements of group 0002 or 0008, ascending, of plausible length.

    Parameters
    ----------
    head
        The first bytes of the file; 4 KiB are plenty.
    """
    return any(_holds(head, order, explicit=explicit) for order in ("little", "big") for explicit in (True, False))


def _holds(head: bytes, order: Literal["little", "big"], *, explicit: bool) -> bool:
    tags: list[tuple[int, int]] = []
    at = 0
    while len(tags) < _ELEMENTS:
        if len(head) < at + 12:
            return False
        group, element = (int.from_bytes(head[at + shift : at + shift + 2], order) for shift in (0, 2))
        value = _value(head, at + 4, order) if explicit else (at + 8, int.from_bytes(head[at + 4 : at + 8], order))
        if group not in _GROUPS or value is None or value[1] > _LONGEST or value[1] % 2:
            return False
        tags.append((group, element))
        at = sum(value)
    return all(one < other for one, other in pairwise(tags))


def _value(head: bytes, at: int, order: Literal["little", "big"]) -> tuple[int, int] | None:
    """Return where an explicit element's value begins and how long it is; None when its VR is none."""
    vr = head[at : at + 2]
    if vr in _SHORT:
        return at + 4, int.from_bytes(head[at + 2 : at + 4], order)
    if vr in _LONG and head[at + 2 : at + 4] == bytes(2):
        return at + 8, int.from_bytes(head[at + 4 : at + 8], order)
    return None
