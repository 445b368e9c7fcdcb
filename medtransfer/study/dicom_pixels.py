"""The stored pixels of one DICOM file, and what the header makes of them: rescale, colour, inversion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from medtransfer.study import dicom_voi
from medtransfer.study.codestream import describe
from medtransfer.study.dicom import DEFLATED, NATIVE, PIXELS, READ_ERRORS, Header, damaged, truncated
from medtransfer.study.frame_decoding import DECODER_DEPENDENCIES, PLUGIN, register
from medtransfer.study.frame_files import FrameFile
from medtransfer.study.grey_frames import DECODE_ERRORS, is_grey, read_grey, undecodable
from medtransfer.study.model import Window

Pixels = NDArray[np.generic]

_INT16 = np.iinfo(np.int16)


def stored_pixels(header: Header) -> Pixels:
    """Return the pixels as stored: ``(y, x)``, or ``(y, x, 3)`` in RGB when the file is in colour.

    Unused bits are cleared or sign-extended, YBR is converted, palettes are applied.

    Raises
    ------
    DataError
        ``study.truncated``, ``study.undecodable`` or ``study.too-large``.
    """
    return read_grey(header) if is_grey(header) else _decode(_dataset(header), header)


def stored_frames(headers: Iterable[Header]) -> Iterator[Pixels]:
    """Yield :func:`stored_pixels` of each frame, and read every file only once.

    Raises
    ------
    DataError
        As :func:`stored_pixels`.
    """
    files: dict[Path, FrameFile] = {}
    for header in headers:
        if is_grey(header):
            yield read_grey(header)
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
    """Apply each slice's rescale slope and intercept, or its modality LUT (PS3.3 C.11.1), to ``(z, y, x)``.

    The result is int16 when every slope and intercept is whole and every value fits, computed in place; else float32.
    Slices without rescale keep their values. Where any slice has a LUT, all are float32.

    Raises
    ------
    DataError
        ``study.undecodable`` when a LUT is damaged.
    """
    if any(header.has_modality_lut for header in headers):
        return np.stack([_modality(plane, header) for plane, header in zip(volume, headers, strict=True)])
    factors = [_rescale(header) for header in headers]
    if len(set(factors)) == 1:
        return _rescaled_alike(volume, *factors[0])
    result = volume.astype(np.float32)
    slopes, intercepts = np.array(factors, dtype=np.float32).T[:, :, np.newaxis, np.newaxis]
    result *= slopes
    result += intercepts
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture's pixels as they should be read, the bits they use, its windows, and its padding values."""

    pixels: Pixels
    bits: int
    windows: tuple[Window, ...] = ()
    padding: tuple[float, float] | None = None


def picture(header: Header) -> Picture:
    """Return the values of one frame that is a picture.

    Greyscale passes through the modality LUT or rescale and, when MONOCHROME1, is mirrored once within the range that
    its bits can hold; windows and padding are mirrored with it. Colour is RGB.
    """
    pixels = stored_pixels(header)
    if pixels.ndim == 3:
        return Picture(pixels, pixels.dtype.itemsize * 8)
    low, high = _extent(pixels, header)
    if header.has_modality_lut:
        pixels, (low, high) = _through_modality_lut(pixels, header)
    elif (factors := _rescale(header)) != (1.0, 0.0):
        pixels = _rescaled_alike(pixels, *factors)
        low, high = sorted(end * factors[0] + factors[1] for end in (low, high))
    bits = max(1, round(max(abs(low), abs(high))).bit_length())
    windows, padding = dicom_voi.windows(header), rescaled_padding([header])
    if header.photometric != "MONOCHROME1":
        return Picture(pixels, bits, windows, padding)
    negative = np.asarray(low + high - pixels.astype(np.float64)).astype(pixels.dtype)
    shown = tuple(dicom_voi.mirrored(window, low, high) for window in windows)
    return Picture(negative, bits, shown, padding and (low + high - padding[1], low + high - padding[0]))


def rescaled_padding(headers: Sequence[Header]) -> tuple[float, float] | None:
    """Return which rescaled values mean no measurement; None when none do, or not the same in every slice.

    A modality LUT has no inverse: then nothing is known of them either.
    """
    stated = {(header.padding, _rescale(header), header.has_modality_lut) for header in headers}
    padding, (slope, intercept), has_table = next(iter(stated))
    if len(stated) > 1 or padding is None or has_table:
        return None
    low, high = sorted(end * slope + intercept for end in padding)
    return float(low), float(high)


def _extent(pixels: Pixels, header: Header) -> tuple[float, float]:
    """Return what the bits can hold, or for floating numbers what they do hold."""
    if pixels.dtype.kind != "f":
        return stored_range(header)
    finite = pixels[np.isfinite(pixels)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _dataset(header: Header) -> Dataset:
    if header.frames > 1:
        return FrameFile(header.path).frame(header)
    try:
        dataset = dcmread(header.path, force=True)
    except (*READ_ERRORS, RecursionError) as error:
        raise damaged(header.path) from error
    dataset.file_meta.TransferSyntaxUID = UID(header.transfer_syntax)  # files without meta header do not state it
    return dataset


def _decode(dataset: Dataset, header: Header) -> Pixels:
    _require_agreement(dataset, header)
    try:
        pixels = pixel_array(dataset, decoding_plugin=_plugin(header))
        if header.photometric == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, dataset)[..., :3]
    except DECODE_ERRORS as error:
        raise undecodable(header) from error
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    colour = (3,) if pixels.ndim == 3 else ()
    if colour and pixels.dtype == np.uint32:
        pixels = (pixels >> 16).astype(np.uint16)  # checks.reduced_colour tells
    if pixels.shape != (header.rows, header.columns, *colour) or (colour and pixels.dtype not in (np.uint8, np.uint16)):
        raise undecodable(header)
    return np.ascontiguousarray(pixels)


def _plugin(header: Header) -> str:
    """Name pydicom's plug-in, so that what is installed beside it makes no difference."""
    if header.transfer_syntax not in DECODER_DEPENDENCIES:
        return ""
    register()
    return PLUGIN


def _require_agreement(dataset: Dataset, header: Header) -> None:
    """Refuse a compressed frame that announces another size than the DICOM header, whose size was checked."""
    if not any(keyword in dataset for keyword in PIXELS):
        raise truncated(header.path)
    if header.transfer_syntax in NATIVE | {DEFLATED}:
        return
    try:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    except DECODE_ERRORS as error:
        raise truncated(header.path) from error
    announced = describe(frame)
    if announced is not None and (announced.rows, announced.columns) != (header.rows, header.columns):
        raise undecodable(header)


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


def _modality(plane: Pixels, header: Header) -> NDArray[np.float32]:
    if header.has_modality_lut:
        return _through_modality_lut(plane, header)[0].astype(np.float32)
    slope, intercept = _rescale(header)
    return plane.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _through_modality_lut(pixels: Pixels, header: Header) -> tuple[Pixels, tuple[int, int]]:
    try:
        dataset = dcmread(header.path, specific_tags=["ModalityLUTSequence", "PixelRepresentation"])
        table = dataset.ModalityLUTSequence[0]
        return apply_modality_lut(pixels, dataset), (0, (1 << int(table.LUTDescriptor[2])) - 1)
    except DECODE_ERRORS as error:
        raise undecodable(header) from error
