"""The stored pixels of one DICOM file, and what the header makes of them: rescale, colour, inversion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from medtransfer.errors import DataError
from medtransfer.study.codestream import dimensions
from medtransfer.study.dicom import BIG_ENDIAN, DEFLATED, IMPLICIT, NATIVE, READ_ERRORS, Header, damaged, truncated
from medtransfer.study.frame_files import FrameFile
from medtransfer.study.model import Window

Pixels = NDArray[np.generic]

_INT16 = np.iinfo(np.int16)
_DECODE_ERRORS = (*READ_ERRORS, RuntimeError)


def stored_pixels(header: Header) -> Pixels:
    """Return the pixels as stored: ``(y, x)``, or ``(y, x, 3)`` in RGB when the file is in colour.

    Unused bits are cleared or sign-extended, YBR is converted, palettes are applied.

    Raises
    ------
    DataError
        ``study.truncated``, ``study.undecodable`` or ``study.too-large``.
    """
    return _read_plain(header) if _is_plain(header) else _decode(_dataset(header), header)


def stored_frames(headers: Iterable[Header]) -> Iterator[Pixels]:
    """Yield :func:`stored_pixels` of each frame, and read every file only once.

    Raises
    ------
    DataError
        As :func:`stored_pixels`.
    """
    files: dict[Path, FrameFile] = {}
    for header in headers:
        if _is_plain(header):
            yield _read_plain(header)
            continue
        if header.path not in files:
            files[header.path] = FrameFile(header.path)
        yield _decode(files[header.path].frame(header), header)


def stored_range(header: Header) -> tuple[int, int]:
    """Return the smallest and the largest value that the header's bits can store."""
    if header.signed:
        return -(1 << (header.bits_stored - 1)), (1 << (header.bits_stored - 1)) - 1
    return 0, (1 << header.bits_stored) - 1


def rescaled(volume: Pixels, headers: Sequence[Header]) -> Pixels:
    """Apply each slice's rescale slope and intercept (PS3.3 C.11.1.1.2) to ``(z, y, x)``.

    The result is int16 when every slope and intercept is whole and every value fits, computed in place; else float32.
    Slices without rescale keep their values.
    """
    factors = [_rescale(header) for header in headers]
    if len(set(factors)) == 1:
        return _rescaled_alike(volume, *factors[0])
    result = volume.astype(np.float32)
    slopes, intercepts = np.array(factors, dtype=np.float32).T[:, :, np.newaxis, np.newaxis]
    result *= slopes
    result += intercepts
    return result


def picture_values(header: Header) -> tuple[Pixels, int, tuple[Window, ...]]:
    """Return a picture's pixels as they should be read, the bits they use, and its display windows.

    Greyscale passes through the modality LUT or rescale and, when MONOCHROME1, is mirrored once within the range that
    its bits can hold; the windows are mirrored with it. Colour is RGB.
    """
    pixels = stored_pixels(header)
    if pixels.ndim == 3:
        return pixels, pixels.dtype.itemsize * 8, ()
    low, high = stored_range(header)
    if header.has_modality_lut:
        pixels, (low, high) = _through_modality_lut(pixels, header)
    elif (factors := _rescale(header)) != (1.0, 0.0):
        pixels = _rescaled_alike(pixels, *factors)
        low, high = sorted(round(end * factors[0] + factors[1]) for end in (low, high))
    bits = max(1, max(abs(low), abs(high)).bit_length())
    if header.photometric != "MONOCHROME1":
        return pixels, bits, header.windows
    mirrored = np.asarray(low + high - pixels.astype(np.float64 if pixels.dtype.kind == "f" else np.int64))
    windows = tuple(Window(low + high + 1 - w.centre, w.width, w.name) for w in header.windows)
    return mirrored.astype(pixels.dtype), bits, windows


def _is_plain(header: Header) -> bool:
    """Whether the pixels can be read from the file as they are: uncompressed greyscale in whole bytes."""
    return (
        header.transfer_syntax in NATIVE
        and header.pixel_offset >= 0
        and header.samples == 1
        and header.photometric in {"MONOCHROME1", "MONOCHROME2"}
        and header.bits_allocated in {8, 16}
        and not (header.transfer_syntax == BIG_ENDIAN and header.bits_allocated == 8)
        and 0 < header.bits_stored <= header.bits_allocated
        and header.high_bit == header.bits_stored - 1
    )


def _read_plain(header: Header) -> Pixels:
    order = ">" if header.transfer_syntax == BIG_ENDIAN else "<"
    kind = np.dtype(f"{order}{'i' if header.signed else 'u'}{header.bits_allocated // 8}")
    # Pixel Data is tag and length in implicit VR; tag, VR, two reserved bytes and length in explicit VR (PS3.5 7.1).
    start = header.pixel_offset + (8 if header.transfer_syntax == IMPLICIT else 12) + header.frame * header.frame_bytes
    count = header.rows * header.columns
    with header.path.open("rb") as file:
        file.seek(start)
        pixels = np.fromfile(file, dtype=kind, count=count)
    if pixels.size < count:
        raise truncated(header.path)
    pixels = pixels.astype(kind.newbyteorder("="), copy=False)
    spare = header.bits_allocated - header.bits_stored
    if spare and header.signed:
        pixels <<= spare
        pixels >>= spare
    elif spare:
        pixels &= (1 << header.bits_stored) - 1
    return pixels.reshape(header.rows, header.columns)


def _dataset(header: Header) -> Dataset:
    if header.frames > 1:
        return FrameFile(header.path).frame(header)
    try:
        return dcmread(header.path)
    except (*READ_ERRORS, RecursionError) as error:
        raise damaged(header.path) from error


def _decode(dataset: Dataset, header: Header) -> Pixels:
    _require_agreement(dataset, header)
    try:
        pixels = pixel_array(dataset)
        if header.photometric == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, dataset)[..., :3]
    except _DECODE_ERRORS as error:
        raise _undecodable(header) from error
    colour = (3,) if pixels.ndim == 3 else ()
    if pixels.shape != (header.rows, header.columns, *colour) or (colour and pixels.dtype not in (np.uint8, np.uint16)):
        raise _undecodable(header)
    return np.ascontiguousarray(pixels)


def _require_agreement(dataset: Dataset, header: Header) -> None:
    """Refuse a compressed frame that announces another size than the DICOM header, whose size was checked."""
    if "PixelData" not in dataset:
        raise truncated(header.path)
    if header.transfer_syntax in NATIVE | {DEFLATED}:
        return
    try:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    except _DECODE_ERRORS as error:
        raise truncated(header.path) from error
    announced = dimensions(frame)
    if announced is not None and announced != (header.rows, header.columns):
        raise _undecodable(header)


def _undecodable(header: Header) -> DataError:
    return DataError(
        "its pixels cannot be decoded: they are damaged or do not agree with the header",
        code="study.undecodable",
        hint="Export or copy the file again, if possible without compression.",
        subject=header.path.name,
    )


def _rescale(header: Header) -> tuple[float, float]:
    if header.slope is None or header.intercept is None or header.slope == 0.0:
        return 1.0, 0.0
    return header.slope, header.intercept


def _rescaled_alike(values: Pixels, slope: float, intercept: float) -> Pixels:
    low, high = sorted((float(values.min()) * slope + intercept, float(values.max()) * slope + intercept))
    whole = slope.is_integer() and intercept.is_integer() and values.dtype.kind in "iu"
    if not (whole and _INT16.min <= low and high <= _INT16.max):
        if whole and slope == 1.0 and intercept == 0.0:
            return values
        result = values.astype(np.float32)
        result *= np.float32(slope)
        result += np.float32(intercept)
        return result
    # Sums and products modulo 2**16 are exact because the results fit: 16-bit data need no second array.
    result16 = values.view(np.int16) if values.dtype.itemsize == 2 else values.astype(np.int16)
    if slope != 1.0:
        result16 *= _wrapped(slope)
    if intercept != 0.0:
        result16 += _wrapped(intercept)
    return result16


def _wrapped(number: float) -> np.int16:
    """Return the int16 that is congruent to a whole number modulo 2**16."""
    return np.int16((int(number) + 32768) % 65536 - 32768)


def _through_modality_lut(pixels: Pixels, header: Header) -> tuple[Pixels, tuple[int, int]]:
    try:
        dataset = dcmread(header.path, specific_tags=["ModalityLUTSequence", "PixelRepresentation"])
        table = dataset.ModalityLUTSequence[0]
        return apply_modality_lut(pixels, dataset), (0, (1 << int(table.LUTDescriptor[2])) - 1)
    except _DECODE_ERRORS as error:
        raise _undecodable(header) from error
