"""Reading single DICOM values that may be absent, empty or malformed: then they count as not stated."""

from __future__ import annotations

import math
import re
from collections.abc import MutableSequence
from datetime import date
from typing import Any, Protocol

from pydicom.errors import BytesLengthException

from medtransfer.study.model import Curve, Laterality, Window

# What switches character sets within a text (ISO 2022): pydicom leaves those of ISO 2022 IR 58 in the decoded text.
_ESCAPE = re.compile("\x1b[ -/]+[0-~]")
# What pydicom raises when it turns a malformed value into a Python object.
_MALFORMED = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    ArithmeticError,
    NotImplementedError,
    BytesLengthException,
)

_CURVES: dict[str, Curve] = {"LINEAR_EXACT": "LINEAR_EXACT", "SIGMOID": "SIGMOID"}


class Values(Protocol):
    """What values are read from: a pydicom ``Dataset``, or elements that were scanned."""

    def get(self, keyword: str, /) -> Any:
        """Return an element's value, None when it is absent."""
        ...


def value(dataset: Values, keyword: str) -> Any:
    """Return an element's value, or None when it is absent, empty or malformed."""
    try:
        found = dataset.get(keyword)
    except _MALFORMED:
        return None
    return None if found is None or found == "" else found


def text(dataset: Values, keyword: str) -> str:
    """Return a value as text without surrounding blanks, several joined as stored; empty when it is not stated."""
    return "\\".join(texts(dataset, keyword))


def texts(dataset: Values, keyword: str) -> tuple[str, ...]:
    """Return each of several values as text."""
    return tuple(_ESCAPE.sub("", str(part)).strip() for part in _parts(value(dataset, keyword)))


def whole(dataset: Values, keyword: str, default: int = 0) -> int:
    """Return a whole number, or the default."""
    found = numbers(dataset, keyword)
    return int(found[0]) if found else default


def number(dataset: Values, keyword: str) -> float | None:
    """Return the first of an element's numbers, or None."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def numbers(dataset: Values, keyword: str) -> tuple[float, ...]:
    """Return an element's numbers; nothing when one of them is not a finite number."""
    try:
        found = tuple(float(part) for part in _parts(value(dataset, keyword)))
    except _MALFORMED:
        return ()
    return found if all(math.isfinite(part) for part in found) else ()


def iso_date(dataset: Values, *keywords: str) -> str:
    """Return the first stated date as ISO 8601 (``2026-11-23``), else an empty string."""
    for keyword in keywords:
        stated = text(dataset, keyword)[:8]
        try:
            return date(int(stated[:4]), int(stated[4:6]), int(stated[6:8])).isoformat()
        except ValueError:
            continue
    return ""


def laterality(dataset: Values) -> Laterality | None:
    """Return the side from Image Laterality, else from Laterality."""
    for keyword in ("ImageLaterality", "Laterality"):
        side = text(dataset, keyword).upper()
        if side == "L":
            return "L"
        if side == "R":
            return "R"
    return None


def windows(dataset: Values) -> tuple[Window, ...]:
    """Return the display windows with a positive width, in the file's order, with their function (PS3.3 C.11.2.1.2)."""
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    names = texts(dataset, "WindowCenterWidthExplanation")
    named = (*names, *("" for _ in centres))
    curve = _CURVES.get(text(dataset, "VOILUTFunction"), "LINEAR")
    return tuple(Window(c, w, n, curve) for c, w, n in zip(centres, widths, named, strict=False) if w > 0)


def padding(dataset: Values) -> tuple[int, int] | None:
    """Return the smallest and the largest stored value that mean no measurement (PS3.3 C.7.5.1.1.2).

    They are of the pixels' sign, whatever representation their own elements have.
    """
    signed = whole(dataset, "PixelRepresentation") == 1
    stated = [numbers(dataset, keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if not stated[0]:
        return None
    ends = [int(found[0]) & 0xFFFF for found in stated if found]
    ends = [(end ^ 0x8000) - 0x8000 for end in ends] if signed else ends
    return min(ends), max(ends)


def _parts(found: Any) -> tuple[Any, ...]:
    if found is None:
        return ()
    return tuple(found) if isinstance(found, MutableSequence) else (found,)
