"""How a DICOM image asks to be shown: its lookup tables and windows (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from medtransfer.study import dicom_values as values
from medtransfer.study.dicom import READ_ERRORS, Header
from medtransfer.study.model import Window

FRAME_VOI_LUT = "FrameVOILUTSequence"
_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_BRIGHTEST = 65535


def windows(header: Header) -> tuple[Window, ...]:
    """Return the lookup tables of an image, which are its maker's first choice, then its windows."""
    return (*_tables(header), *header.windows) if header.has_voi_lut else header.windows


def mirrored(window: Window, low: float, high: float) -> Window:
    """Return the window that shows values mirrored between ``low`` and ``high`` as the negative of what it showed."""
    if window.table:
        table = tuple(_BRIGHTEST - brightness for brightness in reversed(window.table))
        return replace(window, centre=low + high + 1 - window.centre, table=table)
    # The linear function is half a value away from being symmetrical about its centre (PS3.3 C.11.2.1.2.1).
    shift = 1 if window.curve == "LINEAR" else 0
    return replace(window, centre=low + high + shift - window.centre)


def _tables(header: Header) -> tuple[Window, ...]:
    try:
        tags = ["VOILUTSequence", *_GROUPS]
        dataset = dcmread(header.path, stop_before_pixels=True, specific_tags=list(tags), force=True)
        found = [_table(item, header) for item in _asking(dataset, header).VOILUTSequence]
    except (*READ_ERRORS, RecursionError):  # then the windows serve
        return ()
    return tuple(table for table in found if table is not None)


def _asking(dataset: Dataset, header: Header) -> Dataset:
    """Return what says how the frame is to be shown: its own functional group, the shared one, or the image itself."""
    own, shared = (values.value(dataset, keyword) or () for keyword in _GROUPS)
    levels = [*(own[header.frame : header.frame + 1] if len(own) == header.frames else ()), *shared[:1]]
    groups = (values.value(level, FRAME_VOI_LUT) for level in levels)
    return next((group[0] for group in groups if group), dataset)


def _table(item: Dataset, header: Header) -> Window | None:
    """Read one item: how many entries (0 means 65536), the first value that they map, and their bits."""
    described = values.numbers(item, "LUTDescriptor")
    if len(described) != 3:
        return None
    stated, first, bits = (int(number) for number in described)
    count = stated & 0xFFFF or 1 << 16
    # The first value is of the image's sign, whatever the element's own representation says.
    signed = header.signed or (header.intercept or 0) < 0
    first = ((first & 0xFFFF) ^ 0x8000) - 0x8000 if signed else first & 0xFFFF
    entries = _entries(item.LUTData, count)
    if entries.size != count or not 0 < bits <= 16:
        return None
    brightness = np.rint(np.minimum(entries / (2**bits - 1), 1.0) * _BRIGHTEST).astype(int)
    return Window(
        first + count / 2, float(count), values.text(item, "LUTExplanation"), table=tuple(brightness.tolist())
    )


def _entries(data: bytes | list[int], count: int) -> NDArray[np.uint16]:
    if not isinstance(data, bytes):
        return np.array(data[:count], dtype=np.uint16)
    kind = np.dtype("<u2" if len(data) >= 2 * count else "u1")
    return np.frombuffer(data, kind, min(count, len(data) // kind.itemsize)).astype(np.uint16)
