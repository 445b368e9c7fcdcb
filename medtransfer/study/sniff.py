"""What a file is, told from its first bytes and never from its name."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

from medtransfer.errors import DataError

Format = Literal["dicom", "nifti", "picture"]

_HEAD = 4096
_NIFTI1_MAGIC = slice(344, 348)
_NIFTI2_MAGIC = slice(4, 12)
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")  # the object identifier of CMS EnvelopedData, RFC 5652
_ENCRYPTED = (b"Salted__", b"age-encryption.org/", b"-----BEGIN PGP MESSAGE", b"-----BEGIN CMS", b"-----BEGIN PKCS7")
_IMAGE_SUFFIXES = (".dcm", ".dicom", ".ima", ".nii", ".nii.gz", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def sniff(path: Path) -> Format | None:
    """Return the format of a file, or None when it is not an image that medtransfer knows.

    Raises
    ------
    DataError
        ``study.empty``, ``study.encrypted``, or ``study.unreadable`` when the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise DataError(
            "the file cannot be read", code="study.unreadable", hint="Check that it exists and that you may read it.",
            subject=path.name,
        ) from error  # fmt: skip
    if not head:
        raise DataError(
            "the file is empty", code="study.empty", hint="Copy or export it again: the transfer was cut short.",
            subject=path.name,
        ) from None  # fmt: skip
    if _is_encrypted(head):
        raise DataError(
            "the file is encrypted", code="study.encrypted", hint="Decrypt it with the program that wrote it first.",
            subject=path.name,
        )  # fmt: skip
    return _format(head)


def named_like_an_image(path: Path) -> bool:
    """Whether the file's name promises an image: then it is reported when its content is none."""
    return path.name.lower().endswith(_IMAGE_SUFFIXES)


def _format(head: bytes) -> Format | None:
    if head[128:132] == b"DICM":
        return "dicom"
    if head.startswith(_PICTURES) or _is_bmp(head):
        return "picture"
    if _is_nifti(_gunzipped(head) if head.startswith(b"\x1f\x8b") else head):
        return "nifti"
    return None


def _is_nifti(head: bytes) -> bool:
    return head[_NIFTI1_MAGIC] == b"n+1\0" or head[_NIFTI2_MAGIC] == b"n+2\0\r\n\x1a\n"


def _is_bmp(head: bytes) -> bool:
    return (
        head.startswith(b"BM") and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    )


def _is_encrypted(head: bytes) -> bool:
    encrypted_zip = head.startswith(b"PK\x03\x04") and len(head) > 6 and bool(head[6] & 1)
    return encrypted_zip or head.startswith(_ENCRYPTED) or _ENVELOPED_DATA in head[:64]


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 512)
    except zlib.error:
        return b""
