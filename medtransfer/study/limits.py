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
    directory_bytes
        Bytes of one DICOMDIR. The default has room for some 100,000 images.
    archive_members
        Entries of one archive.
    archive_bytes
        Bytes of everything in one archive, unpacked.
    archive_ratio, archive_unquestioned_bytes
        How many times its own size an archive may unpack to, asked of those that unpack to more than so many bytes:
        images hardly shrink to a tenth, while small label maps may shrink to a thousandth.
    """

    image_bytes: int = 4 * 1024**3
    picture_pixels: int = 85_000_000
    inflated_bytes: int = 1024**3
    directory_bytes: int = 64 * 1024**2
    archive_members: int = 100_000
    archive_bytes: int = 64 * 1024**3
    archive_ratio: int = 100
    archive_unquestioned_bytes: int = 256 * 1024**2


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
