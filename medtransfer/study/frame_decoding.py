"""Decoding one compressed frame with imagecodecs: directly, and as a plug-in of pydicom for everything in colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.common import PhotometricInterpretation
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from medtransfer.study.codestream import describe

PLUGIN = "imagecodecs"
JPEG = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1})
JPEG_LS = frozenset({JPEGLSLossless, JPEGLSNearLossless})
JPEG_2000 = frozenset({JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K})

# pydicom asks its plug-ins what they need when they are not available: this one always is.
DECODER_DEPENDENCIES: dict[str, tuple[str, ...]] = dict.fromkeys(JPEG | JPEG_LS | JPEG_2000, ("imagecodecs",))

_END_OF_IMAGE = b"\xff\xd9"
"""Marker behind the last scan (ITU-T T.87, as in T.81); DICOM may pad a frame with a zero (PS3.5 A.4)."""

Samples = NDArray[np.integer[Any]]


def decode(frame: bytes, syntax: str) -> Samples:
    """Return a frame's samples as the codestream holds them, ``(y, x)`` or ``(y, x, c)``, in the codestream's depth.

    JPEG's components are not converted to another colour space; JPEG 2000's own transforms are undone.

    Raises
    ------
    RuntimeError, ValueError
        When the codestream is damaged, or of another kind than the transfer syntax says.
    """
    found: Samples = _decoder(frame, syntax)(frame)
    return found


def _decoder(frame: bytes, syntax: str) -> Callable[[bytes], Any]:
    if syntax in JPEG_LS:
        _require_end(frame)
        return imagecodecs.jpegls_decode
    if syntax in JPEG_2000:
        return imagecodecs.jpeg2k_decode  # HTJ2K too: htj2k_decode is faster, but returns damaged frames as if whole
    if syntax not in JPEG:
        raise ValueError(f"no decoder for transfer syntax {syntax}")
    stream = describe(frame)
    colours = "GRAYSCALE" if stream is None or stream.components == 1 else "YCBCR"
    # Naming the same colour space twice keeps the samples as they are.
    return partial(imagecodecs.jpeg8_decode, colorspace=colours, outcolorspace=colours)


def _require_end(frame: bytes) -> None:
    """Refuse a JPEG-LS frame that was cut short: CharLS does so too, but only after seconds for a large one."""
    if not frame.rstrip(b"\0").endswith(_END_OF_IMAGE):
        raise ValueError("the codestream ends before its picture does")


def register() -> None:
    """Offer this module to pydicom, which knows how to bring colours and signs in order around it."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(UID(syntax))
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, decode_frame.__name__))


def is_available(uid: str) -> bool:
    """Tell pydicom whether a transfer syntax can be decoded."""
    return uid in DECODER_DEPENDENCIES


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """Decode for pydicom, and tell it how the samples are laid out."""
    stream = describe(src)
    if stream is None or stream.components != runner.samples_per_pixel:
        raise ValueError("the codestream has another number of components than the header")
    samples = decode(src, runner.transfer_syntax)
    runner.set_option("bits_allocated", samples.dtype.itemsize * 8)
    runner.set_option("planar_configuration", 0)
    if runner.transfer_syntax in JPEG_2000 and runner.photometric_interpretation in {"YBR_ICT", "YBR_RCT"}:
        runner.set_option("photometric_interpretation", PhotometricInterpretation.RGB)
    return samples.tobytes()
