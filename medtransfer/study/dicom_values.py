"""Reading single DICOM values that may be absent, empty or malformed: then they count as not stated."""

from __future__ import annotations

import math
import re
from collections.abc import MutableSequence
from datetime import date
from typing import Any, Protocol

from pydicom.errors import BytesLengthException

from medtransfer.study.model import Laterality, Window

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
    """Return the display windows with a positive width, in the file's order (PS3.3 C.11.2.1.2)."""
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    names = texts(dataset, "WindowCenterWidthExplanation")
    named = (*names, *("" for _ in centres))
    return tuple(Window(c, w, n) for c, w, n in zip(centres, widths, named, strict=False) if w > 0)


def _parts(found: Any) -> tuple[Any, ...]:
    if found is None:
        return ()
    return tuple(found) if isinstance(found, MutableSequence) else (found,)
