"""PNG, JPEG, TIFF and BMP files: upright, in their own depth, within the pixel cap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.Image import Image as Picture

from medtransfer.errors import DataError
from medtransfer.study import deep_picture
from medtransfer.study.deep_picture import Deep, Pixels
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

_READ_ERRORS = (*deep_picture.READ_ERRORS, SyntaxError)  # of Pillow, tifffile and imagecodecs on damaged files

_PAGES = Check("picture.pages", Level.WARNING, "The file holds several pages.", "The first is used.")
_TRANSPARENT = Check("picture.transparency", Level.INFO, "The picture can be transparent.", "Laid on black.")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the header told about a picture: ``shape`` is upright, ``read`` returns the pixels as they are shown."""

    path: Path
    shape: tuple[int, int]
    in_colour: bool
    read: Callable[[], Pixels]
    checks: tuple[Check, ...]


def open_picture(path: Path, limits: Limits) -> Study:
    """Return the study of one picture file; its pixels are decoded when they are asked for.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.truncated``, ``study.too-large`` or ``study.unsupported-colour``.
    """
    with quiet():
        deep = deep_picture.look(path, limits)
        kept = _by_pillow(path, limits) if deep is None else _by_depth(deep, limits)
    uid = content_id(path)
    series = Series(
        uid=uid,
        modality="OT",
        description="",
        shape=(*kept.shape, 3) if kept.in_colour else kept.shape,
        axes="yxc" if kept.in_colour else "yx",
        source=Source("picture", (path.name,)),
        load=partial(_load, kept),
        checks=kept.checks,
    )
    return Study(uid=uid, patient=Patient(), date="", description="", series=(series,))


def _by_pillow(path: Path, limits: Limits) -> _Kept:
    with _opened(path) as picture:
        width, height = picture.size
        require_within(width * height, limits.picture_pixels, path)
        _require_known_mode(picture, path)
        # Pillow states the size of a TIFF as it is once turned, of every other format as it is stored.
        turned = picture.format != "TIFF" and _orientation(picture) in _TURNED
        return _Kept(
            path,
            (width, height) if turned else (height, width),
            picture.mode in _COLOUR,
            partial(_read, path, sixteen_bits=picture.mode.startswith("I;16")),
            tuple(_checks(picture)),
        )


def _by_depth(deep: Deep, limits: Limits) -> _Kept:
    """Take a picture that is too deep for Pillow, which still knows its colour profile and how a PNG is turned."""
    height, width = deep.shape
    require_within(height * width, limits.picture_pixels, deep.path)
    orientation, checks = deep.orientation, []
    if deep.is_png:
        with _opened(deep.path) as picture:
            orientation = _orientation(picture)
            checks += _profile(picture)
    if deep.pages > 1:
        checks.append(_PAGES)
    if deep.alpha:
        checks.append(_TRANSPARENT)
    shape = (width, height) if orientation in _TURNED else (height, width)
    return _Kept(deep.path, shape, deep.in_colour, partial(_read_deep, deep, orientation), tuple(checks))


@contextmanager
def _opened(path: Path) -> Iterator[Picture]:
    """Open a picture; Pillow reads most of a file only when asked, so what it raises later is the file's fault, too."""
    try:
        with Pillow.open(path, formats=_FORMATS) as picture:
            yield picture
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


def _orientation(picture: Picture) -> int:
    return int(picture.getexif().get(_EXIF_ORIENTATION, 1))


def _checks(picture: Picture) -> list[Check]:
    found = []
    if getattr(picture, "n_frames", 1) > 1:
        found.append(_PAGES)
    if picture.has_transparency_data:
        found.append(_TRANSPARENT)
    if picture.format == "JPEG":
        found.append(Check("picture.lossy", Level.INFO, "The image was compressed with loss."))
    if picture.mode == "CMYK":
        found.append(
            Check(
                "picture.print-colours",
                Level.WARNING,
                "The colours are those of a printer.",
                "Taken to red, green, blue.",
            )
        )
    return [*found, *_profile(picture)]


def _profile(picture: Picture) -> list[Check]:
    profile = picture.info.get("icc_profile")
    if not profile or b"sRGB" in profile:
        return []
    return [
        Check(
            "picture.colour-profile",
            Level.INFO,
            "The picture carries a colour profile.",
            "Its values are used as stored.",
        )
    ]


def _load(kept: _Kept) -> Image:
    try:
        with quiet():
            array = kept.read()
    except (*_READ_ERRORS, Pillow.DecompressionBombError) as error:
        raise _damaged(kept.path) from error
    if array.shape != ((*kept.shape, 3) if kept.in_colour else kept.shape):
        raise _damaged(kept.path)
    return Image(
        array=array,
        axes="yxc" if kept.in_colour else "yx",
        modality="OT",
        units="display" if array.dtype.kind == "u" else "stored",
        meaning="rgb" if kept.in_colour else "monochrome",
        bits=array.dtype.itemsize * 8,
        checks=kept.checks,
    )


def _read_deep(deep: Deep, orientation: int) -> Pixels:
    return deep_picture.upright(deep_picture.read(deep), orientation)


def _read(path: Path, *, sixteen_bits: bool) -> Pixels:
    with _opened(path) as picture:
        white_is_zero = sixteen_bits and picture.format == "TIFF" and _is_white_zero(picture)
        array = _array(ImageOps.exif_transpose(picture))
    return np.subtract(np.uint16(65535), array, dtype=np.uint16) if white_is_zero else array


def _is_white_zero(picture: Picture) -> bool:
    """Whether a TIFF says WhiteIsZero (TIFF 6.0, section 4), which Pillow applies to 8 bits and not to 16."""
    return bool(getattr(picture, "tag_v2", {}).get(_TIFF_PHOTOMETRIC) == 0)


def _array(picture: Picture) -> Pixels:
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
