"""Pictures of more depth than Pillow keeps: PNG with 16 bits of colour, TIFF with deep colour or with other numbers.

PNG is decoded by imagecodecs and TIFF by tifffile, neither of them before the header was held to the limits; every
other picture is left to Pillow (:mod:`medtransfer.study.picture`).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medtransfer.errors import DataError
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.voxels import truncated

if TYPE_CHECKING:
    from tifffile import TiffFile

Pixels = NDArray[np.generic]

READ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RuntimeError,
    ZeroDivisionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow, tifffile (ValueError) and imagecodecs (RuntimeError) raise on damaged files."""

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_DEEP = frozenset({2, 4, 6})  # colour types with several samples (PNG 11.2.2): of 16 bits Pillow keeps 8
_PACKED_BY_BYTES = frozenset({1, 5, 8, 32773, 32946})  # none, LZW, deflate, PackBits (TIFF 6.0, section 3)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2  # TIFF 6.0, Photometric Interpretation
_UNASSOCIATED_ALPHA = 2
_KEPT_BY_PILLOW = frozenset({"uint8", "uint16", "float32", "int16", "int32"})  # of greyscale TIFF


@dataclass(frozen=True, slots=True)
class Deep:
    """A picture that is read here: ``(height, width)`` as stored, and what its header says.

    ``alpha`` tells that the last sample says how opaque a pixel is, ``orientation`` is that of Exif.
    """

    path: Path
    shape: tuple[int, int]
    in_colour: bool
    alpha: bool
    pages: int
    orientation: int
    is_png: bool


def look(path: Path, limits: Limits) -> Deep | None:
    """Return how a picture is to be read here, or None when Pillow keeps all of it, or shall say what is wrong.

    Raises
    ------
    DataError
        ``study.too-large``, ``study.truncated``, or ``study.unsupported-colour``.
    """
    with path.open("rb") as file:
        head = file.read(33)
    if head.startswith(_PNG):
        return _look_at_png(head, path)
    if not head.startswith(_TIFF):
        return None
    from tifffile import TiffFile

    try:
        with TiffFile(path) as file:
            return _look_at_tiff(file, path, limits)
    except READ_ERRORS:
        return None


def read(deep: Deep) -> Pixels:
    """Return the pixels as stored, transparent ones laid on black: ``(y, x)`` or ``(y, x, 3)``.

    Grey is uint16, int16 or float32, colour uint16.

    Raises
    ------
    Exception
        Any of ``READ_ERRORS``.
    """
    pixels = _read_png(deep.path) if deep.is_png else _read_tiff(deep.path)
    if deep.alpha:
        pixels = _on_black(pixels)
    if deep.in_colour:
        return np.ascontiguousarray(pixels[..., :3])
    return _compact(pixels[..., 0] if pixels.ndim == 3 else pixels)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn a picture as its Exif orientation says (Exif 2.3, table 6); 1 and unknown values leave it as it is."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _look_at_png(head: bytes, path: Path) -> Deep | None:
    if len(head) < 33 or head[24] != 16 or head[25] not in _PNG_DEEP:
        return None
    width, height = struct.unpack(">II", head[16:24])
    colour_type = head[25]
    return Deep(
        path=path,
        shape=(height, width),
        in_colour=colour_type in {2, 6},
        alpha=colour_type in {4, 6},
        pages=1,
        orientation=1,
        is_png=True,
    )


def _look_at_tiff(file: TiffFile, path: Path, limits: Limits) -> Deep | None:
    page: Any = file.pages.first
    samples, dtype = int(page.samplesperpixel), page.dtype
    in_colour = page.photometric == _RGB and samples >= 3
    is_grey = page.photometric in {_WHITE_IS_ZERO, _BLACK_IS_ZERO}
    if dtype is None or dtype.name == "uint8" or not (in_colour or is_grey):
        return None
    if is_grey and samples == 1 and dtype.name in _KEPT_BY_PILLOW:
        return None
    _require_modest(page, path, limits)
    if page.imagedepth != 1 or page.compression not in _PACKED_BY_BYTES or (in_colour and dtype.name != "uint16"):
        raise DataError(
            "the picture holds numbers in a way that is not supported",
            code="study.unsupported-colour",
            hint="Save it as RGB of 8 or 16 bits, or as greyscale, without compression.",
            subject=path.name,
        )
    orientation = page.tags.get("Orientation")
    return Deep(
        path=path,
        shape=(int(page.imagelength), int(page.imagewidth)),
        in_colour=in_colour,
        alpha=dtype.name == "uint16" and _UNASSOCIATED_ALPHA in page.extrasamples and samples in {2, 4},
        pages=2 if file.pages.is_multipage else 1,
        orientation=1 if orientation is None else int(orientation.value),
        is_png=False,
    )


def _require_modest(page: Any, path: Path, limits: Limits) -> None:
    """Hold size and tiles to the limits, and the parts' places to the file's length."""
    require_within(int(page.imagelength) * int(page.imagewidth), limits.picture_pixels, path)
    require_within(int(page.tilelength or 1) * int(page.tilewidth or 1), limits.picture_pixels, path)
    require_within(int(page.nbytes), limits.image_bytes, path)
    length = path.stat().st_size
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > length or min(page.databytecounts) == 0:
        raise truncated(path)


def _read_png(path: Path) -> NDArray[np.uint16]:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(path.read_bytes()), dtype=np.uint16)


def _read_tiff(path: Path) -> Pixels:
    from tifffile import TiffFile

    with TiffFile(path) as file:
        page: Any = file.pages.first
        pixels = np.asarray(page.asarray(maxworkers=1))
        if page.axes == "SYX":
            pixels = np.moveaxis(pixels, 0, -1)
        if page.photometric == _WHITE_IS_ZERO and pixels.dtype.kind == "u":
            pixels = np.iinfo(pixels.dtype).max - pixels
        return pixels


def _on_black(pixels: Pixels) -> NDArray[np.uint16]:
    values = pixels.astype(np.float64)
    opacity = values[..., -1:] / np.iinfo(np.uint16).max
    return np.asarray(np.rint(values[..., :-1] * opacity), dtype=np.uint16)


def _compact(pixels: Pixels) -> Pixels:
    """Return uint16 and int16 as they are, one signed byte as int16, all other numbers as float32."""
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2:
        kind: type[np.generic] = np.uint16 if pixels.dtype.kind == "u" else np.int16
        return pixels.astype(kind)
    with np.errstate(over="ignore"):
        return pixels.astype(np.float32)
