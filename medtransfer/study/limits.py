"""What medtransfer is willing to hold in memory: checked from the headers, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medtransfer.errors import DataError


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that a file must respect before it is decoded.

    Attributes
    ----------
    image_bytes
        Bytes of one decoded image or volume. The default holds 8,000 slices of 512 x 512 in 16 bits.
    picture_pixels
        Pixels of one picture file. The default stays below Pillow's own alarm, so that this one speaks first.
    inflated_bytes
        Bytes of one deflated DICOM file after inflation.
    """

    image_bytes: int = 4 * 1024**3
    picture_pixels: int = 85_000_000
    inflated_bytes: int = 1024**3


DEFAULT = Limits()


def require_within(size: int, cap: int, path: Path) -> None:
    """Refuse an image whose decoded pixels would exceed the cap.

    Parameters
    ----------
    size, cap
        Both in the same unit, bytes or pixels.
    path
        The file, for the message at the screen.

    Raises
    ------
    DataError
        ``study.too-large`` when ``size`` exceeds ``cap``.
    """
    if size > cap:
        raise DataError(
            f"its header announces {size:,} bytes or pixels, more than the {cap:,} that are allowed",
            code="study.too-large",
            hint="Check that the file is what it should be; a larger image must be reduced before it is opened.",
            subject=path.name,
        )
