"""The stored values of all slices of a volume, in one array that is filled slice by slice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from medtransfer.study.dicom import NATIVE, Header
from medtransfer.study.dicom_pixels import Pixels, stored_frames
from medtransfer.study.grey_frames import is_grey, read_grey_into, stored_type

_THREADS = 8


def stored_volume(headers: Sequence[Header]) -> Pixels:
    """Return the stored values ``(z, y, x)``, with the headers in slice order and of one size.

    Beside the volume, memory holds a few slices: files are read into their place, and compressed ones decoded by as
    many threads as there are processors.

    Raises
    ------
    DataError
        ``study.truncated``, ``study.undecodable`` or ``study.damaged``, for the first slice that fails.
    """
    types = {stored_type(header) for header in headers if is_grey(header)}
    if len(types) != 1 or not all(map(is_grey, headers)):
        return _one_by_one(headers)
    volume = np.empty((len(headers), headers[0].rows, headers[0].columns), types.pop())
    if all(header.transfer_syntax in NATIVE for header in headers):
        for header, place in zip(headers, volume, strict=True):
            read_grey_into(header, place)
        return volume
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        waiting = [pool.submit(read_grey_into, header, place) for header, place in zip(headers, volume, strict=True)]
        try:
            for slice_read in waiting:
                slice_read.result()
        finally:
            pool.shutdown(cancel_futures=True)
    return volume


def _one_by_one(headers: Sequence[Header]) -> Pixels:
    """Fill a volume with slices whose stored types differ, or that pydicom has to decode."""
    volume: Pixels | None = None
    for number, pixels in enumerate(stored_frames(headers)):
        if volume is None:
            volume = np.empty((len(headers), *pixels.shape), pixels.dtype)
        common = np.result_type(volume, pixels)
        if common != volume.dtype:
            volume = volume.astype(common)
        volume[number] = pixels
    if volume is None:
        raise ValueError("a volume has at least one slice")
    return volume
