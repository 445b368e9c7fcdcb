"""PNG, JPEG, TIFF and BMP files through Pillow: upright, in their own depth, within the pixel cap."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.Image import Image as Picture

from medtransfer.errors import DataError
from medtransfer.study.identity import content_id
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.model import Check, Image, Level, Patient, Series, Source, Study
from medtransfer.study.quiet import quiet

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_GREY = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"})
_COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange width and height
_EXIF_ORIENTATION = 0x0112
_TIFF_PHOTOMETRIC = 262
_PNG_COLOUR_TYPES = frozenset({2, 6})

# What Pillow raises on damaged files.
_READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the header told about a picture."""

    path: Path
    in_colour: bool
    sixteen_bits: bool
    checks: tuple[Check, ...]


def open_picture(path: Path, limits: Limits) -> Study:
    """Return the study of one picture file; its pixels are decoded when they are asked for.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.too-large`` or ``study.unsupported-colour``.
    """
    with quiet(), _opened(path) as picture:
        width, height = picture.size
        require_within(width * height, limits.picture_pixels, path)
        _require_known_mode(picture, path)
        if _orientation(picture, path) in _TURNED:
            width, height = height, width
        kept = _Kept(path, picture.mode in _COLOUR, picture.mode.startswith("I;16"), tuple(_checks(picture, path)))
    uid = content_id(path)
    series = Series(
        uid=uid,
        modality="OT",
        description="",
        shape=(height, width, 3) if kept.in_colour else (height, width),
        axes="yxc" if kept.in_colour else "yx",
        source=Source("picture", (path.name,)),
        load=partial(_load, kept),
        checks=kept.checks,
    )
    return Study(uid=uid, patient=Patient(), date="", description="", series=(series,))


def _opened(path: Path) -> Picture:
    try:
        return Pillow.open(path, formats=_FORMATS)
    except Pillow.DecompressionBombError as error:
        raise DataError(
            "the picture has more pixels than are allowed",
            code="study.too-large",
            hint="Check that the file is what it should be; reduce a larger picture first.",
            subject=path.name,
        ) from error
    except _READ_ERRORS as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> DataError:
    return DataError(
        "the picture is damaged or ends too early",
        code="study.damaged",
        hint="Copy or export it again.",
        subject=path.name,
    )


def _require_known_mode(picture: Picture, path: Path) -> None:
    if picture.mode not in _GREY | _COLOUR:
        raise DataError(
            f"the picture's colour space {picture.mode} is not supported",
            code="study.unsupported-colour",
            hint="Save it as RGB or greyscale.",
            subject=path.name,
        )


def _orientation(picture: Picture, path: Path) -> int:
    try:
        return int(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except _READ_ERRORS as error:
        raise _damaged(path) from error


def _checks(picture: Picture, path: Path) -> list[Check]:
    found = []
    if getattr(picture, "n_frames", 1) > 1:
        found.append(Check("picture.pages", Level.WARNING, "The file holds several pages.", "The first is used."))
    if picture.format == "PNG" and _is_deep_colour_png(path):
        found.append(
            Check("picture.depth-reduced", Level.WARNING, "The colour is stored in 16 bits.", "Reduced to 8 bits.")
        )
    if picture.has_transparency_data:
        found.append(Check("picture.transparency", Level.INFO, "The picture can be transparent.", "Laid on black."))
    if picture.format == "JPEG":
        found.append(Check("picture.lossy", Level.INFO, "The image was compressed with loss."))
    return found


def _is_deep_colour_png(path: Path) -> bool:
    """Whether the header chunk (PNG 11.2.2) states 16 bits of colour, of which Pillow keeps 8."""
    with path.open("rb") as file:
        head = file.read(26)
    return len(head) == 26 and head[24] == 16 and head[25] in _PNG_COLOUR_TYPES


def _load(kept: _Kept) -> Image:
    with quiet(), _opened(kept.path) as picture:
        try:
            white_is_zero = kept.sixteen_bits and picture.format == "TIFF" and _is_white_zero(picture)
            array = _array(ImageOps.exif_transpose(picture))
        except (*_READ_ERRORS, Pillow.DecompressionBombError) as error:
            raise _damaged(kept.path) from error
    if white_is_zero:
        array = np.subtract(np.uint16(65535), array, dtype=np.uint16)
    return Image(
        array=array,
        axes="yxc" if kept.in_colour else "yx",
        modality="OT",
        units="display",
        meaning="rgb" if kept.in_colour else "monochrome",
        bits=array.dtype.itemsize * 8,
        checks=kept.checks,
    )


def _is_white_zero(picture: Picture) -> bool:
    """Whether a TIFF says WhiteIsZero (TIFF 6.0, section 4), which Pillow applies to 8 bits and not to 16."""
    return bool(getattr(picture, "tag_v2", {}).get(_TIFF_PHOTOMETRIC) == 0)


def _array(picture: Picture) -> NDArray[np.generic]:
    """Return uint8 or uint16 grey, float32 grey, or uint8 RGB; transparent pictures are laid on black."""
    if picture.has_transparency_data:
        colour = picture.mode not in _GREY
        picture = _on_black(picture).convert("RGB" if colour else "L")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode not in _GREY:
        picture = picture.convert("RGB")
    array = np.array(picture)
    if picture.mode == "I" and array.min() >= 0 and array.max() <= np.iinfo(np.uint16).max:
        return array.astype(np.uint16)
    if picture.mode == "I":
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _on_black(picture: Picture) -> Picture:
    layer = picture.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", layer.size, (0, 0, 0, 255)), layer)
