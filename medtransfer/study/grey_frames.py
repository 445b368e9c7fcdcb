"""One greyscale frame, read or decoded straight into the array that will hold it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import RLELossless

from medtransfer.errors import DataError
from medtransfer.study import run_lengths
from medtransfer.study.codestream import Codestream, describe
from medtransfer.study.dicom import BIG_ENDIAN, IMPLICIT, NATIVE, READ_ERRORS, Header, truncated
from medtransfer.study.encapsulated import read_frame
from medtransfer.study.frame_decoding import JPEG, JPEG_2000, JPEG_LS, decode

DECODE_ERRORS = (*READ_ERRORS, RuntimeError)
_COMPRESSED = JPEG | JPEG_LS | JPEG_2000 | {RLELossless}

Grey = NDArray[np.integer[Any]]


def is_grey(header: Header) -> bool:
    """Whether the frame can be read here: one sample per pixel, in whole bytes."""
    return (
        header.pixel_offset >= 0
        and header.samples == 1
        and header.photometric in {"MONOCHROME1", "MONOCHROME2"}
        and header.bits_allocated in {8, 16}
        and 0 < header.bits_stored <= header.bits_allocated
        and (header.transfer_syntax in _COMPRESSED or _is_native(header))
    )


def stored_type(header: Header) -> np.dtype[np.integer[Any]]:
    """Return the integer type that the header announces."""
    return np.dtype(f"{'i' if header.signed else 'u'}{header.bits_allocated // 8}")


def read_grey(header: Header) -> Grey:
    """Return a frame's stored values, ``(y, x)``; unused bits are cleared, or continue the sign.

    Raises
    ------
    DataError
        ``study.truncated`` or ``study.undecodable``.
    """
    found = np.empty((header.rows, header.columns), stored_type(header))
    read_grey_into(header, found)
    return found


def read_grey_into(header: Header, out: Grey) -> None:
    """Do the same into a contiguous array of the announced shape and type."""
    if header.transfer_syntax in NATIVE:
        _read(header, out)
        _use_bits(out, header.bits_stored, header.high_bit)
    elif header.transfer_syntax == RLELossless:
        _unpack(header, out)
        _use_bits(out, header.bits_stored, header.high_bit)
    else:
        _decode(header, out)


def undecodable(header: Header) -> DataError:
    """Return the error for pixels that a decoder rejects."""
    return DataError(
        "its pixels cannot be decoded: they are damaged or do not agree with the header",
        code="study.undecodable",
        hint="Export or copy the file again, if possible without compression.",
        subject=header.path.name,
    )


def _is_native(header: Header) -> bool:
    """Bytes of 8-bit pixels may be swapped in big endian, when they were written as words: pydicom knows."""
    return header.transfer_syntax in NATIVE and not (
        header.transfer_syntax == BIG_ENDIAN and header.bits_allocated == 8
    )


def _read(header: Header, out: Grey) -> None:
    # Pixel Data is tag and length in implicit VR; tag, VR, two reserved bytes and length in explicit VR (PS3.5 7.1).
    start = header.pixel_offset + (8 if header.transfer_syntax == IMPLICIT else 12)
    with header.path.open("rb", buffering=0) as file:
        file.seek(start + header.frame * header.frame_bytes)
        rest = out.data.cast("B")
        while rest:
            count = file.readinto(rest)
            if not count:
                raise truncated(header.path)
            rest = rest[count:]
    if header.transfer_syntax == BIG_ENDIAN:
        out.byteswap(inplace=True)


def _frame(header: Header) -> bytes:
    try:
        return read_frame(header)
    except DECODE_ERRORS as error:
        raise truncated(header.path) from error


def _unpack(header: Header, out: Grey) -> None:
    """Undo the run lengths (PS3.5 annex G)."""
    try:
        found = run_lengths.unpack(_frame(header), out.size, out.dtype.itemsize)
        np.copyto(out, found.reshape(out.shape), casting="unsafe")
    except DECODE_ERRORS as error:
        raise undecodable(header) from error


def _decode(header: Header, out: Grey) -> None:
    frame = _frame(header)
    stream = describe(frame)
    # Announced sizes are compared before a decoder reserves memory for them.
    if stream is None or (stream.rows, stream.columns, stream.components) != (*out.shape, 1):
        raise undecodable(header)
    if stream.precision > header.bits_allocated:
        raise undecodable(header)
    try:
        samples = decode(frame, header.transfer_syntax)
    except DECODE_ERRORS as error:
        raise undecodable(header) from error
    if samples.shape != out.shape:
        raise undecodable(header)
    np.copyto(out, samples, casting="unsafe")
    used = _used_bits(header, stream)
    _use_bits(out, used, used - 1)


def _used_bits(header: Header, stream: Codestream) -> int:
    """Return how many bits of a decoded value mean something.

    JPEG 2000 states the sign itself, and where it disagrees with Pixel Representation the header is right: the bits of
    the codestream are read again. JPEG-LS has no sign, so the highest of its bits is it. JPEG has none either, and Bits
    Stored tells (PS3.5 8.2.1, 8.2.3, 8.2.4).
    """
    if header.transfer_syntax in JPEG_2000:
        return header.bits_allocated if stream.signed == header.signed else stream.precision
    if header.transfer_syntax in JPEG_LS:
        return stream.precision if header.signed else header.bits_allocated
    return header.bits_stored


def _use_bits(values: Grey, bits: int, high: int) -> None:
    """Keep the bits from ``high`` down (PS3.5 8.1.1); above and below may lie overlays of old files."""
    size = values.dtype.itemsize * 8
    if values.dtype.kind == "u" and high == bits - 1:
        if bits < size:
            values &= np.asarray((1 << bits) - 1, values.dtype)
        return
    if high < size - 1:
        values <<= size - 1 - high
    if bits < size:
        values >>= size - bits
